"""The codecs of almbench: where each adapter is, and presets, its settings under a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from almbench.domains import DOMAINS, Domain

ADAPTERS = {
    "aac": "almbench.codecs.aac:Aac",
    "almtokenizer": "almbench.codecs.almtokenizer.adapter:ALMTokenizerCodec",
    "almtokenizer2": "almbench.codecs.almtokenizer2:ALMTokenizer2",
    "amr-nb": "almbench.codecs.amr:Amr",
    "bigcodec": "almbench.codecs.bigcodec:BigCodec",
    "codec2": "almbench.codecs.codec2:Codec2",
    "dac": "almbench.codecs.hub_codecs:Dac",
    "encodec": "almbench.codecs.hub_codecs:Encodec",
    "external": "almbench.codecs.external:External",
    "lc3": "almbench.codecs.lc3:Lc3",
    "lowpass": "almbench.codecs.lowpass:Lowpass",
    "lyra": "almbench.codecs.lyra:Lyra",
    "mimi": "almbench.codecs.hub_codecs:Mimi",
    "mp3": "almbench.codecs.mp3:Mp3",
    "opus": "almbench.codecs.opus:Opus",
    "reconstructions": "almbench.codecs.reconstructions:Reconstructions",
    "snac": "almbench.codecs.snac:Snac",
    "speechtokenizer": "almbench.codecs.speechtokenizer:SpeechTokenizer",
    "stablecodec": "almbench.codecs.stablecodec:StableCodec",
    "transformers": "almbench.codecs.transformers_codec:TransformersCodec",
    "wavtokenizer": "almbench.codecs.wavtokenizer:WavTokenizer",
}


@dataclass(frozen=True)
class Preset:
    """An adapter with its settings.

    Attributes:
        label: Name for readers; the bitrate is added to it.
        adapter: Name of the adapter.
        options: Options of the adapter.
        domains: The domains it is meant for.
    """

    label: str
    adapter: str
    options: Mapping[str, Any]
    domains: tuple[Domain, ...] = DOMAINS


SPEECH: tuple[Domain, ...] = ("speech",)
MUSIC: tuple[Domain, ...] = ("sound", "music")


def _hub(
    label: str, checkpoint: str, num_codebooks: int, domains: tuple[Domain, ...] = DOMAINS
) -> Preset:
    """A checkpoint of transformers, with so many codebooks."""
    options = {"checkpoint": checkpoint, "num_codebooks": num_codebooks}
    return Preset(label, "transformers", options, domains)


PRESETS = {
    "almtokenizer": Preset("ALMTokenizer (large)", "almtokenizer", {"window": 6}),
    "almtokenizer2-1.3": Preset("ALMTokenizer2", "almtokenizer2", {}),
    "reasoningcodec-1.4": Preset(
        "ReasoningCodec", "almtokenizer2", {"model": "reasoningcodec-1024"}
    ),
    "reasoningcodec-1.8": Preset("ReasoningCodec", "almtokenizer2", {"model": "reasoningcodec"}),
    "codec2-700": Preset("Codec2 700C", "codec2", {"mode": 700}, SPEECH),
    "codec2-1200": Preset("Codec2", "codec2", {"mode": 1200}, SPEECH),
    "codec2-1300": Preset("Codec2", "codec2", {"mode": 1300}, SPEECH),
    "codec2-1400": Preset("Codec2", "codec2", {"mode": 1400}, SPEECH),
    "codec2-1600": Preset("Codec2", "codec2", {"mode": 1600}, SPEECH),
    "codec2-2400": Preset("Codec2", "codec2", {"mode": 2400}, SPEECH),
    "codec2-3200": Preset("Codec2", "codec2", {"mode": 3200}, SPEECH),
    "amr-nb-4.75": Preset("AMR-NB", "amr-nb", {"mode": 4750}, SPEECH),
    "amr-nb-7.4": Preset("AMR-NB", "amr-nb", {"mode": 7400}, SPEECH),
    "amr-nb-12.2": Preset("AMR-NB", "amr-nb", {"mode": 12200}, SPEECH),
    "opus-6": Preset("Opus", "opus", {"bitrate": 6000}),
    "opus-12": Preset("Opus", "opus", {"bitrate": 12000}),
    "opus-24": Preset("Opus", "opus", {"bitrate": 24000}),
    "opus-32": Preset("Opus", "opus", {"bitrate": 32000, "sample_rate": 48000}),
    "opus-64": Preset("Opus", "opus", {"bitrate": 64000, "sample_rate": 48000}),
    "lc3-16": Preset("LC3", "lc3", {"bitrate": 16000}),
    "lc3-24": Preset("LC3", "lc3", {"bitrate": 24000}),
    "lc3-32": Preset("LC3", "lc3", {"bitrate": 32000}),
    "mp3-16": Preset("MP3", "mp3", {"bitrate": 16000, "sample_rate": 24000}),
    "mp3-32": Preset("MP3", "mp3", {"bitrate": 32000, "sample_rate": 24000}),
    "aac-16": Preset("AAC-LC", "aac", {"bitrate": 16000, "sample_rate": 24000}),
    "encodec-1.5": Preset("Encodec", "encodec", {"num_codebooks": 2}),
    "encodec-3": Preset("Encodec", "encodec", {"num_codebooks": 4}),
    "encodec-6": Preset("Encodec", "encodec", {"num_codebooks": 8}),
    "encodec-12": Preset("Encodec", "encodec", {"num_codebooks": 16}),
    "encodec-24": Preset("Encodec", "encodec", {"num_codebooks": 32}),
    "encodec-48khz-3": _hub("Encodec 48 kHz", "facebook/encodec_48khz", 2, MUSIC),
    "encodec-48khz-6": _hub("Encodec 48 kHz", "facebook/encodec_48khz", 4, MUSIC),
    "encodec-48khz-12": _hub("Encodec 48 kHz", "facebook/encodec_48khz", 8, MUSIC),
    "encodec-48khz-24": _hub("Encodec 48 kHz", "facebook/encodec_48khz", 16, MUSIC),
    "bigcodec-1.04": Preset("BigCodec", "bigcodec", {}, SPEECH),
    "dac-1.5": Preset("DAC", "dac", {"num_codebooks": 2}),
    "dac-6": Preset("DAC", "dac", {"num_codebooks": 8}),
    "dac-24": Preset("DAC", "dac", {"num_codebooks": 32}),
    "dac-16khz-6": _hub("DAC 16 kHz", "descript/dac_16khz", 12),
    "dac-44khz-7.75": _hub("DAC 44.1 kHz", "descript/dac_44khz", 9),
    "mimi-1.1": Preset("Mimi", "mimi", {"num_codebooks": 8}, SPEECH),
    "mimi-0.41": Preset("Mimi", "mimi", {"num_codebooks": 3}, SPEECH),
    "mimi-2.2": Preset("Mimi", "mimi", {"num_codebooks": 16}, SPEECH),
    "mimi-4.4": Preset("Mimi", "mimi", {"num_codebooks": 32}, SPEECH),
    "xcodec-librispeech-2": _hub(
        "X-Codec (LibriSpeech)", "hf-audio/xcodec-hubert-librispeech", 4, SPEECH
    ),
    "xcodec-librispeech-4": _hub(
        "X-Codec (LibriSpeech)", "hf-audio/xcodec-hubert-librispeech", 8, SPEECH
    ),
    "xcodec-mls-2": _hub("X-Codec (MLS)", "hf-audio/xcodec-wavlm-mls", 4, SPEECH),
    "xcodec-mls-4": _hub("X-Codec (MLS)", "hf-audio/xcodec-wavlm-mls", 8, SPEECH),
    "xcodec-more-data-2": _hub("X-Codec (more data)", "hf-audio/xcodec-wavlm-more-data", 4, SPEECH),
    "xcodec-more-data-4": _hub("X-Codec (more data)", "hf-audio/xcodec-wavlm-more-data", 8, SPEECH),
    "xcodec-general-2": _hub("X-Codec (general)", "hf-audio/xcodec-hubert-general", 4),
    "xcodec-general-4": _hub("X-Codec (general)", "hf-audio/xcodec-hubert-general", 8),
    "xcodec-balanced-0.5": _hub("X-Codec (balanced)", "hf-audio/xcodec-hubert-general-balanced", 1),
    "xcodec-balanced-1": _hub("X-Codec (balanced)", "hf-audio/xcodec-hubert-general-balanced", 2),
    "xcodec-balanced-2": _hub("X-Codec (balanced)", "hf-audio/xcodec-hubert-general-balanced", 4),
    "xcodec-balanced-4": _hub("X-Codec (balanced)", "hf-audio/xcodec-hubert-general-balanced", 8),
    "xcodec2-0.8": _hub("X-Codec 2", "HKUSTAudio/xcodec2-hf", 1, SPEECH),
    "neucodec-0.8": _hub("NeuCodec", "neuphonic/neucodec", 1, SPEECH),
    "higgs-audio-1": _hub("Higgs Audio v2", "bosonai/higgs-audio-v2-tokenizer", 4),
    "higgs-audio-2": _hub("Higgs Audio v2", "bosonai/higgs-audio-v2-tokenizer", 8),
    "snac-0.98": Preset("SNAC", "snac", {}, SPEECH),
    "snac-32khz-1.9": Preset(
        "SNAC 32 kHz", "snac", {"checkpoint": "hubertsiuzdak/snac_32khz"}, MUSIC
    ),
    "snac-44khz-2.6": Preset(
        "SNAC 44.1 kHz", "snac", {"checkpoint": "hubertsiuzdak/snac_44khz"}, MUSIC
    ),
    "pocket-tts": _hub(
        "Pocket TTS tokenizer (continuous)", "eustlb/pocket-tts-audio-tokenizer", 0, SPEECH
    ),
    "vibevoice": _hub(
        "VibeVoice tokenizer (continuous)", "bezzam/VibeVoice-AcousticTokenizer", 0, SPEECH
    ),
    "lyra-3.2": Preset("Lyra V2", "lyra", {"num_codebooks": 16}, SPEECH),
    "lyra-6": Preset("Lyra V2", "lyra", {"num_codebooks": 30}, SPEECH),
    "lyra-9.2": Preset("Lyra V2", "lyra", {"num_codebooks": 46}, SPEECH),
    "speechtokenizer-1.5": Preset(
        "SpeechTokenizer", "speechtokenizer", {"num_codebooks": 3}, SPEECH
    ),
    "speechtokenizer-0.5": Preset(
        "SpeechTokenizer", "speechtokenizer", {"num_codebooks": 1}, SPEECH
    ),
    "speechtokenizer-4": Preset("SpeechTokenizer", "speechtokenizer", {"num_codebooks": 8}, SPEECH),
    "wavtokenizer-0.48": Preset("WavTokenizer", "wavtokenizer", {"model": "40"}),
    "wavtokenizer-0.9": Preset("WavTokenizer", "wavtokenizer", {"model": "75"}, SPEECH),
    "wavtokenizer-medium-0.9": Preset(
        "WavTokenizer (medium)",
        "wavtokenizer",
        {"model": "75", "checkpoint": "novateur/WavTokenizer-medium-speech-75token"},
        SPEECH,
    ),
    "wavtokenizer-medium-music-0.9": Preset(
        "WavTokenizer (medium, music)",
        "wavtokenizer",
        {"model": "75", "checkpoint": "novateur/WavTokenizer-medium-music-audio-75token"},
        MUSIC,
    ),
    "wavtokenizer-small-0.48": _hub(
        "WavTokenizer (small)", "swiss-ai/wavtokenizer-small-speech-40token", 1, SPEECH
    ),
    "wavtokenizer-small-0.9": _hub(
        "WavTokenizer (small)", "swiss-ai/wavtokenizer-small-speech-75token", 1, SPEECH
    ),
    "stablecodec-0.4": Preset("StableCodec", "stablecodec", {}, SPEECH),
    "stablecodec-0.7": Preset(
        "StableCodec", "stablecodec", {"bottleneck": "2x15625_700bps"}, SPEECH
    ),
    "stablecodec-0.95": Preset(
        "StableCodec", "stablecodec", {"bottleneck": "4x729_1000bps"}, SPEECH
    ),
    "lowpass-3.5": Preset("Low-pass 3.5 kHz", "lowpass", {"cutoff": 3500}),
    "lowpass-7": Preset("Low-pass 7 kHz", "lowpass", {"cutoff": 7000}),
}
