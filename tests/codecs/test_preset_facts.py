"""What each built-in preset is, written from papers and standards and not from the code."""

from math import log2
from typing import NamedTuple

import pytest

from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import make_codec

ALL = ("speech", "sound", "music")
SPEECH = ("speech",)
MUSIC = ("sound", "music")


class Facts(NamedTuple):
    """A preset: how it is called, what is sent at which rate, what it may be used for."""

    label: str
    adapter: str
    rate: int | None  # Hz
    frames: float | None  # a second
    bits: float | None  # a frame
    books: tuple[int, ...] = ()
    domains: tuple[str, ...] = ALL
    causal: bool | None = False


HF = "transformers"


def _xcodec(name: str, depth: int, domains: tuple[str, ...]) -> Facts:
    return Facts(f"X-Codec ({name})", HF, 16_000, 50, 10 * depth, (1024,) * depth, domains)


FACTS = {
    # Yang et al., arXiv 2504.10344: 75 patches a second, in groups of 6 by default; 3 codebooks of
    # 2048 entries, 0.41 kbps. Griffin-Lim needs the whole clip.
    "almtokenizer": Facts("ALMTokenizer (large)", "almtokenizer", 24_000, 75 / 6, 33, (2048,) * 3),
    # Rowe's Codec 2: 28 bits in 40 ms (700C), 48, 52, 56 and 64 in 40 ms (1200 to 1600), 48 and 64
    # in 20 ms (2400 and 3200), at 8 kHz.
    "codec2-700": Facts("Codec2 700C", "codec2", 8_000, 25, 28, (), SPEECH),
    "codec2-1200": Facts("Codec2", "codec2", 8_000, 25, 48, (), SPEECH),
    "codec2-1300": Facts("Codec2", "codec2", 8_000, 25, 52, (), SPEECH),
    "codec2-1400": Facts("Codec2", "codec2", 8_000, 25, 56, (), SPEECH),
    "codec2-1600": Facts("Codec2", "codec2", 8_000, 25, 64, (), SPEECH),
    "codec2-2400": Facts("Codec2", "codec2", 8_000, 50, 48, (), SPEECH),
    "codec2-3200": Facts("Codec2", "codec2", 8_000, 50, 64, (), SPEECH),
    # 3GPP TS 26.101: 95, 148 and 244 bits of speech in 20 ms, at 8 kHz.
    "amr-nb-4.75": Facts("AMR-NB", "amr-nb", 8_000, 50, 95, (), SPEECH),
    "amr-nb-7.4": Facts("AMR-NB", "amr-nb", 8_000, 50, 148, (), SPEECH),
    "amr-nb-12.2": Facts("AMR-NB", "amr-nb", 8_000, 50, 244, (), SPEECH),
    # RFC 6716: frames of 20 ms; of 60 ms where 6 kbps leave too little for their headers.
    "opus-6": Facts("Opus", "opus", 24_000, 1 / 0.06, 360),
    "opus-12": Facts("Opus", "opus", 24_000, 50, 240),
    "opus-24": Facts("Opus", "opus", 24_000, 50, 480),
    "opus-32": Facts("Opus", "opus", 48_000, 50, 640),
    "opus-64": Facts("Opus", "opus", 48_000, 50, 1280),
    # Bluetooth SIG, LC3 1.0: frames of 10 ms, 20 bytes at least.
    "lc3-16": Facts("LC3", "lc3", 24_000, 100, 160),
    "lc3-24": Facts("LC3", "lc3", 24_000, 100, 240),
    "lc3-32": Facts("LC3", "lc3", 24_000, 100, 320),
    # ISO/IEC 13818-3 (MPEG-2, low sampling frequencies): 576 samples a frame.
    "mp3-16": Facts("MP3", "mp3", 24_000, 24_000 / 576, 384),
    "mp3-32": Facts("MP3", "mp3", 24_000, 24_000 / 576, 768),
    # ISO/IEC 14496-3: 1024 samples a frame.
    "aac-16": Facts("AAC-LC", "aac", 24_000, 24_000 / 1024, 16_000 * 1024 / 24_000),
    # Défossez et al., "High fidelity neural audio compression", TMLR 2023: 75 frames a second,
    # codebooks of 1024 entries; the model at 24 kHz is causal.
    "encodec-1.5": Facts("Encodec", "encodec", 24_000, 75, 20, (1024,) * 2, causal=True),
    "encodec-3": Facts("Encodec", "encodec", 24_000, 75, 40, (1024,) * 4, causal=True),
    "encodec-6": Facts("Encodec", "encodec", 24_000, 75, 80, (1024,) * 8, causal=True),
    "encodec-12": Facts("Encodec", "encodec", 24_000, 75, 160, (1024,) * 16, causal=True),
    "encodec-24": Facts("Encodec", "encodec", 24_000, 75, 320, (1024,) * 32, causal=True),
    # The same paper: 150 frames a second at 48 kHz, up to 16 codebooks, in chunks of a second, of
    # which the next one begins a hundredth earlier.
    "encodec-48khz-3": Facts("Encodec 48 kHz", HF, 48_000, 150 / 0.99, 20, (1024,) * 2, MUSIC),
    "encodec-48khz-6": Facts("Encodec 48 kHz", HF, 48_000, 150 / 0.99, 40, (1024,) * 4, MUSIC),
    "encodec-48khz-12": Facts("Encodec 48 kHz", HF, 48_000, 150 / 0.99, 80, (1024,) * 8, MUSIC),
    "encodec-48khz-24": Facts("Encodec 48 kHz", HF, 48_000, 150 / 0.99, 160, (1024,) * 16, MUSIC),
    # Xin et al., arXiv 2409.05377: one codebook of 8192 entries at 80 Hz, 1.04 kbps.
    "bigcodec-1.04": Facts("BigCodec", "bigcodec", 16_000, 80, 13, (8192,), SPEECH),
    # Kumar et al., NeurIPS 2023: strides 2, 4, 5, 8 = 320 samples; codebooks of 1024 entries.
    "dac-1.5": Facts("DAC", "dac", 24_000, 24_000 / 320, 20, (1024,) * 2),
    "dac-6": Facts("DAC", "dac", 24_000, 75, 80, (1024,) * 8),
    "dac-24": Facts("DAC", "dac", 24_000, 75, 320, (1024,) * 32),
    # The same: 12 codebooks at 16 kHz (hop 320), 9 at 44.1 kHz (strides 2, 4, 8, 8 = 512).
    "dac-16khz-6": Facts("DAC 16 kHz", HF, 16_000, 50, 120, (1024,) * 12),
    "dac-44khz-7.75": Facts("DAC 44.1 kHz", HF, 44_100, 44_100 / 512, 90, (1024,) * 9),
    # Défossez et al., "Moshi", 2024: 12.5 frames a second, 2048 entries, causal; 8 make 1.1 kbps.
    "mimi-1.1": Facts("Mimi", "mimi", 24_000, 12.5, 88, (2048,) * 8, SPEECH, causal=True),
    "mimi-0.41": Facts("Mimi", "mimi", 24_000, 12.5, 33, (2048,) * 3, SPEECH, causal=True),
    "mimi-2.2": Facts("Mimi", "mimi", 24_000, 12.5, 176, (2048,) * 16, SPEECH, causal=True),
    "mimi-4.4": Facts("Mimi", "mimi", 24_000, 12.5, 352, (2048,) * 32, SPEECH, causal=True),
    # Ye et al., "Codec does matter", AAAI 2025: 16 kHz, 50 frames a second, up to 8 codebooks of
    # 1024 entries.
    "xcodec-librispeech-2": _xcodec("LibriSpeech", 4, SPEECH),
    "xcodec-librispeech-4": _xcodec("LibriSpeech", 8, SPEECH),
    "xcodec-mls-2": _xcodec("MLS", 4, SPEECH),
    "xcodec-mls-4": _xcodec("MLS", 8, SPEECH),
    "xcodec-more-data-2": _xcodec("more data", 4, SPEECH),
    "xcodec-more-data-4": _xcodec("more data", 8, SPEECH),
    "xcodec-general-2": _xcodec("general", 4, ALL),
    "xcodec-general-4": _xcodec("general", 8, ALL),
    "xcodec-balanced-0.5": _xcodec("balanced", 1, ALL),
    "xcodec-balanced-1": _xcodec("balanced", 2, ALL),
    "xcodec-balanced-2": _xcodec("balanced", 4, ALL),
    "xcodec-balanced-4": _xcodec("balanced", 8, ALL),
    # Ye et al., "Llasa", 2025: finite scalar quantization of four levels in eight dimensions at
    # 50 Hz. NeuCodec (Neuphonic, 2025) has it too, and a decoder of 24 kHz.
    "xcodec2-0.8": Facts("X-Codec 2", HF, 16_000, 50, 16, (65_536,), SPEECH),
    "neucodec-0.8": Facts("NeuCodec", HF, 24_000, 50, 16, (65_536,), SPEECH),
    # Boson AI, 2025: 25 frames a second of 24 kHz, up to 8 codebooks of 1024 entries.
    "higgs-audio-1": Facts("Higgs Audio v2", HF, 24_000, 25, 40, (1024,) * 4),
    "higgs-audio-2": Facts("Higgs Audio v2", HF, 24_000, 25, 80, (1024,) * 8),
    # Kyutai, 2025: Mimi without its quantizer. Peng et al., "VibeVoice", 2025: 7.5 Hz.
    "pocket-tts": Facts(
        "Pocket TTS tokenizer (continuous)", HF, 24_000, 12.5, None, (), SPEECH, causal=True
    ),
    "vibevoice": Facts(
        "VibeVoice tokenizer (continuous)", HF, 24_000, 7.5, None, (), SPEECH, causal=True
    ),
    # Lyra 1.3.2: frames of 20 ms at 16 kHz; 64, 120 and 184 bits a frame, in codebooks of 4 bits.
    "lyra-3.2": Facts("Lyra V2", "lyra", 16_000, 50, 64, (16,) * 16, SPEECH, causal=True),
    "lyra-6": Facts("Lyra V2", "lyra", 16_000, 50, 120, (16,) * 30, SPEECH, causal=True),
    "lyra-9.2": Facts("Lyra V2", "lyra", 16_000, 50, 184, (16,) * 46, SPEECH, causal=True),
    # Zhang et al., ICLR 2024: 16 kHz, strides 2, 4, 5, 8, codebooks of 1024 entries.
    "speechtokenizer-1.5": Facts(
        "SpeechTokenizer", "speechtokenizer", 16_000, 50, 30, (1024,) * 3, SPEECH
    ),
    "speechtokenizer-0.5": Facts(
        "SpeechTokenizer", "speechtokenizer", 16_000, 50, 10, (1024,), SPEECH
    ),
    "speechtokenizer-4": Facts(
        "SpeechTokenizer", "speechtokenizer", 16_000, 50, 80, (1024,) * 8, SPEECH
    ),
    # Ji et al., ICLR 2025: one codebook of 4096 entries at 40 or 75 tokens a second.
    "wavtokenizer-0.48": Facts("WavTokenizer", "wavtokenizer", 24_000, 40, 12, (4096,)),
    "wavtokenizer-0.9": Facts("WavTokenizer", "wavtokenizer", 24_000, 75, 12, (4096,), SPEECH),
    "wavtokenizer-small-0.48": Facts("WavTokenizer (small)", HF, 24_000, 40, 12, (4096,), SPEECH),
    "wavtokenizer-small-0.9": Facts("WavTokenizer (small)", HF, 24_000, 75, 12, (4096,), SPEECH),
    # Parker et al., "Scaling transformers for low-bitrate high-quality speech coding", 2024: 25
    # frames a second at 16 kHz, finite scalar quantization of six levels in six dimensions.
    "stablecodec-0.4": Facts(
        "StableCodec", "stablecodec", 16_000, 25, 6 * log2(6), (6**6,), SPEECH
    ),
    # The same: residual ones of five levels, and of three, in six dimensions.
    "stablecodec-0.7": Facts(
        "StableCodec", "stablecodec", 16_000, 25, 12 * log2(5), (5**6,) * 2, SPEECH
    ),
    "stablecodec-0.95": Facts(
        "StableCodec", "stablecodec", 16_000, 25, 24 * log2(3), (3**6,) * 4, SPEECH
    ),
    # Anchors of ITU-R BS.1534-3: filters, which send nothing; of zero phase, so not causal.
    "lowpass-3.5": Facts("Low-pass 3.5 kHz", "lowpass", None, None, None),
    "lowpass-7": Facts("Low-pass 7 kHz", "lowpass", None, None, None),
}


def test_the_presets_are_listed_in_this_order() -> None:
    """A codec that is added later may have its facts in its own test."""
    assert [id_ for id_ in PRESETS if id_ in FACTS] == list(FACTS)


@pytest.mark.parametrize("id_", FACTS)
def test_a_preset_is_what_the_papers_say(id_: str) -> None:
    facts, ready = FACTS[id_], PRESETS[id_]
    spec = make_codec(id_).spec
    found = (ready.label, ready.adapter, spec.sample_rate)
    assert found == (facts.label, facts.adapter, facts.rate)
    assert spec.frame_rate == pytest.approx(facts.frames)
    assert (spec.codebook_sizes, spec.causal) == (facts.books, facts.causal)
    assert ready.domains == facts.domains
    assert spec.anchor == id_.startswith("lowpass")


@pytest.mark.parametrize("id_", FACTS)
def test_the_nominal_bitrate_by_hand(id_: str) -> None:
    facts = FACTS[id_]
    spec = make_codec(id_).spec
    if facts.frames is None or facts.bits is None:
        assert spec.nominal_kbps is None
        assert spec.tokens_per_second is None
        return
    assert spec.nominal_kbps == pytest.approx(facts.frames * facts.bits / 1000, rel=1e-12)
    figure = id_.rpartition("-")[2]  # the id says it, in kbps, or in bit/s as Codec 2 does
    if facts.adapter == "codec2":
        assert float(figure) == facts.frames * facts.bits
    elif facts.adapter != "almtokenizer":
        digits = len(figure.partition(".")[2])
        assert float(figure) == round(facts.frames * facts.bits / 1000, digits)
    if facts.books:
        assert facts.bits == pytest.approx(sum(log2(size) for size in facts.books))
        assert spec.tokens_per_second == facts.frames * len(facts.books)
    else:
        assert spec.tokens_per_second is None
