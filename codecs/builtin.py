"""The codecs of almbench: where each adapter is, and presets, its settings under a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from almbench.domains import DOMAINS, Domain

ADAPTERS = {
    "aac": "almbench.codecs.aac:Aac",
    "almtokenizer": "almbench.codecs.almtokenizer.adapter:ALMTokenizerCodec",
    "amr-nb": "almbench.codecs.amr:Amr",
    "codec2": "almbench.codecs.codec2:Codec2",
    "dac": "almbench.codecs.dac:Dac",
    "encodec": "almbench.codecs.encodec:Encodec",
    "external": "almbench.codecs.external:External",
    "lowpass": "almbench.codecs.lowpass:Lowpass",
    "lyra": "almbench.codecs.lyra:Lyra",
    "mimi": "almbench.codecs.mimi:Mimi",
    "mp3": "almbench.codecs.mp3:Mp3",
    "opus": "almbench.codecs.opus:Opus",
    "reconstructions": "almbench.codecs.reconstructions:Reconstructions",
    "speechtokenizer": "almbench.codecs.speechtokenizer:SpeechTokenizer",
    "stablecodec": "almbench.codecs.stablecodec:StableCodec",
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

PRESETS = {
    "almtokenizer": Preset("ALMTokenizer (small)", "almtokenizer", {"window": 6}),
    "codec2-700": Preset("Codec2 700C", "codec2", {"mode": 700}, SPEECH),
    "codec2-1600": Preset("Codec2", "codec2", {"mode": 1600}, SPEECH),
    "codec2-3200": Preset("Codec2", "codec2", {"mode": 3200}, SPEECH),
    "amr-nb-4.75": Preset("AMR-NB", "amr-nb", {"mode": 4750}, SPEECH),
    "amr-nb-12.2": Preset("AMR-NB", "amr-nb", {"mode": 12200}, SPEECH),
    "opus-6": Preset("Opus", "opus", {"bitrate": 6000}),
    "opus-12": Preset("Opus", "opus", {"bitrate": 12000}),
    "opus-24": Preset("Opus", "opus", {"bitrate": 24000}),
    "mp3-16": Preset("MP3", "mp3", {"bitrate": 16000, "sample_rate": 24000}),
    "mp3-32": Preset("MP3", "mp3", {"bitrate": 32000, "sample_rate": 24000}),
    "aac-16": Preset("AAC-LC", "aac", {"bitrate": 16000, "sample_rate": 24000}),
    "encodec-1.5": Preset("Encodec", "encodec", {"num_codebooks": 2}),
    "dac-1.5": Preset("DAC", "dac", {"num_codebooks": 2}),
    "mimi-1.1": Preset("Mimi", "mimi", {"num_codebooks": 8}, SPEECH),
    "mimi-0.41": Preset("Mimi", "mimi", {"num_codebooks": 3}, SPEECH),
    "lyra-3.2": Preset("Lyra V2", "lyra", {"num_codebooks": 16}, SPEECH),
    "lyra-6": Preset("Lyra V2", "lyra", {"num_codebooks": 30}, SPEECH),
    "lyra-9.2": Preset("Lyra V2", "lyra", {"num_codebooks": 46}, SPEECH),
    "speechtokenizer-1.5": Preset(
        "SpeechTokenizer", "speechtokenizer", {"num_codebooks": 3}, SPEECH
    ),
    "wavtokenizer-0.48": Preset("WavTokenizer", "wavtokenizer", {"model": "40"}),
    "wavtokenizer-0.9": Preset("WavTokenizer", "wavtokenizer", {"model": "75"}, SPEECH),
    "stablecodec-0.4": Preset("StableCodec", "stablecodec", {}, SPEECH),
    "lowpass-3.5": Preset("Low-pass 3.5 kHz", "lowpass", {"cutoff": 3500}),
    "lowpass-7": Preset("Low-pass 7 kHz", "lowpass", {"cutoff": 7000}),
}
