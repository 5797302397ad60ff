"""What each metric is, written from papers and standards and not from the code."""

from math import exp
from typing import NamedTuple

import numpy as np
import pytest

from almbench.audio import Samples, resample
from almbench.domains import DOMAINS
from almbench.metrics import registry
from almbench.metrics.base import Metric
from almbench.metrics.bitstream import BITSTREAM_METRICS, VERSIONS

SPEECH = ("speech",)
SOUND = ("sound", "music")
ALL = ("speech", "sound", "music")


class Facts(NamedTuple):
    """What is known of a metric: fields of the same name in `Metric`, `better` its direction."""

    better: str  # higher, lower, or neither
    low: float | None
    high: float | None
    unit: str
    rate: int | None  # Hz; None for the test set's scoring rate
    domains: tuple[str, ...]
    default: tuple[str, ...]
    headline: tuple[str, ...] = ()
    digits: int = 3
    computed_from: str = "sound"
    compared: bool = True
    no_reference: bool = False


FACTS = {
    # ITU-T P.862.2 (2007): wide-band PESQ maps raw scores of P.862, which end at 4.5, by
    # 0.999 + 4 / (1 + exp(-1.3669 x + 3.8224)) to MOS-LQO, at 16 kHz. By P.800.1, 1 is the
    # worst. Corrigendum 2 (2018) changes the input filter, not the scale. P.862 is for speech.
    "pesq_wb": Facts("higher", 1.0, 4.644, "MOS", 16_000, SPEECH, SPEECH, SPEECH, digits=2),
    # ITU-T P.862.1 (2003): 0.999 + 4 / (1 + exp(-1.4945 x + 4.6607)). P.862 takes 8 and 16 kHz; the
    # house scores speech at 16 kHz.
    "pesq_nb": Facts("higher", 1.0, 4.549, "MOS", 16_000, SPEECH, SPEECH, digits=2),
    # Taal et al., TASLP 19(7), 2011: the mean of correlation coefficients, which rises with the
    # intelligibility of speech. The metric itself resamples both sounds from the 16 kHz of the
    # house to the 10 kHz of the paper.
    "stoi": Facts("higher", -1.0, 1.0, "", 16_000, SPEECH, SPEECH, SPEECH),
    # Jensen and Taal, TASLP 24(11), 2016: the same of spectra; also 10 kHz inside.
    "estoi": Facts("higher", -1.0, 1.0, "", 16_000, SPEECH, SPEECH),
    # Chinen et al., "ViSQOL v3", QoMEX 2020: MOS-LQO from 1 to 5; speech mode at 16 kHz, audio mode
    # at 48 kHz.
    "visqol_speech": Facts("higher", 1.0, 5.0, "MOS", 16_000, SPEECH, SPEECH, SPEECH, digits=2),
    "visqol_audio": Facts("higher", 1.0, 5.0, "MOS", 48_000, ALL, SOUND, SOUND, digits=2),
    # A cosine, from -1 to 1. Wan et al., ICASSP 2018 (Resemblyzer), and Desplanques et al.,
    # Interspeech 2020 (ECAPA-TDNN): both encoders take speech at 16 kHz.
    "speaker_similarity": Facts("higher", -1.0, 1.0, "", 16_000, SPEECH, SPEECH),
    # ITU-T P.835 and P.808 rate from 1 to 5, as does DistillMOS; all three take speech at 16 kHz
    # (Reddy et al., ICASSP 2021 and 2022; Stahl and Gamper, ICASSP 2025), and it alone.
    "dnsmos_ovrl": Facts(
        "higher", 1.0, 5.0, "MOS", 16_000, SPEECH, (), SPEECH, digits=2, no_reference=True
    ),
    "dnsmos_sig": Facts("higher", 1.0, 5.0, "MOS", 16_000, SPEECH, (), digits=2, no_reference=True),
    "dnsmos_bak": Facts("higher", 1.0, 5.0, "MOS", 16_000, SPEECH, (), digits=2, no_reference=True),
    "dnsmos_p808": Facts(
        "higher", 1.0, 5.0, "MOS", 16_000, SPEECH, (), digits=2, no_reference=True
    ),
    "distillmos": Facts("higher", 1.0, 5.0, "MOS", 16_000, SPEECH, (), digits=2, no_reference=True),
    # Saeki et al., Interspeech 2022: MOS from 1 to 5, which the regression may leave; at 16 kHz.
    "utmos": Facts("higher", None, None, "MOS", 16_000, SPEECH, (), digits=2, no_reference=True),
    # Mittag et al., Interspeech 2021: five scales from 1 to 5, by regression; at 48 kHz.
    **{
        f"nisqa_{name}": Facts(
            "higher", None, None, "MOS", 48_000, SPEECH, (), digits=2, no_reference=True
        )
        for name in ("mos", "noi", "dis", "col", "loud")
    },
    # Errors as a share of the words or characters of the first text (Levenshtein 1966): from 0, and
    # beyond 100 % where more is inserted than there is. Against a text, the original has one, too.
    # Whisper (Radford et al. 2022) hears sound at 16 kHz.
    "wer": Facts("lower", 0.0, None, "%", 16_000, SPEECH, (), digits=1, no_reference=True),
    "cer": Facts("lower", 0.0, None, "%", 16_000, SPEECH, (), digits=1, no_reference=True),
    "wer_to_original": Facts("lower", 0.0, None, "%", 16_000, SPEECH, (), digits=1),
    "cer_to_original": Facts("lower", 0.0, None, "%", 16_000, SPEECH, (), digits=1),
    # Jassim et al., IET Signal Processing 2022: a mean distance along a path, so >= 0; at 16 kHz.
    "warpq": Facts("lower", 0.0, None, "", 16_000, SPEECH, (), digits=2),
    # A correlation, and a share in per cent; mel-cepstral distortion (Kubichek 1993) and the
    # log-spectral distance (Gray and Markel 1976) are root mean squares in dB, so >= 0. WORLD's
    # analysis is done at 16 kHz.
    "f0_correlation": Facts("higher", -1.0, 1.0, "", 16_000, SPEECH, ()),
    "vuv_error": Facts("lower", 0.0, 100.0, "%", 16_000, SPEECH, (), digits=1),
    "mcd": Facts("lower", 0.0, None, "dB", 16_000, SPEECH, (), digits=2),
    "log_spectral_distance": Facts("lower", 0.0, None, "dB", None, ALL, (), digits=2),
    # Distances are never negative, and 0 for equal sounds. Of log mel spectra, as in Kumar et al.
    # (DAC), NeurIPS 2023; at the rate of the sounds compared.
    "mel_distance": Facts("lower", 0.0, None, "", None, ALL, ALL, SOUND),
    # Yamamoto, Song and Kim, "Parallel WaveGAN", ICASSP 2020: quotients of norms, so >= 0.
    "mrstft_distance": Facts("lower", 0.0, None, "", None, ALL, ALL),
    # Le Roux et al., ICASSP 2019: 10 log10 of a ratio of energies, so in dB and without bounds.
    "si_sdr": Facts("higher", None, None, "dB", None, ALL, ALL, digits=2),
    # Properties, not qualities. Lags are looked for within 100 ms either way, at 24 kHz, the rate
    # of most neural codecs; a difference of levels is a ratio in dB.
    "lag_ms": Facts("neither", -100.0, 100.0, "ms", 24_000, ALL, ALL, digits=2),
    "gain_db": Facts("neither", None, None, "dB", 24_000, ALL, ALL, digits=1),
    # In kbps (1 kbit = 1000 bit, IEC 80000-13); fewer are not better by themselves.
    "measured_kbps": Facts(
        "neither", 0.0, None, "kbps", None, ALL, ALL, digits=2, computed_from="bits"
    ),
    # Shannon 1948: entropy H >= 0, in bits; 2^H >= 1 is the perplexity; a share is from 0 to 1.
    "entropy_kbps": Facts(
        "neither", 0.0, None, "kbps", None, ALL, ALL, digits=2, computed_from="codes"
    ),
    "ngram_bits_per_token": Facts(
        "neither", 0.0, None, "bits/token", None, ALL, ALL, digits=2, computed_from="codes"
    ),
    "codebook_use": Facts(
        "neither", 0.0, 1.0, "", None, ALL, ALL, computed_from="codes", compared=False
    ),
    "codebook_perplexity": Facts(
        "neither", 1.0, None, "", None, ALL, ALL, digits=1, computed_from="codes", compared=False
    ),
}
# Which are computed together, and by which definition or package.
VERSION_WORDS = {
    "pesq_wb": "wide band, without P.862.2 Corrigendum 2",
    "pesq_nb": "narrow band, of sound at 16 kHz",
    "stoi": "pystoi 0.4.1",
    "visqol_speech": "speech mode, lattice mapper",
    "visqol_audio": "audio mode",
    "dnsmos": "speechmos 0.0.1.1, onnxruntime",
    "distillmos": "distillmos 0.9.1",
    "utmos": "strong learner, utmos-pytorch 0.1.0, Blinorot/UTMOS-PyTorch at 4f2447e519df",
    "nisqa": "NISQA 2.0, torchmetrics",
    "wer": "openai/whisper-small at 973afd24965f, greedy search, language en, english normaliser",
    "wer_to_original": "jiwer 4.0.0, whisper-normalizer 0.1.15",
    "warpq": "as warpq 1.5.2, raw score, median",
    "f0_correlation": "DIO, StoneMask",
    "mcd": "CheapTrick, order 24, warp 0.42, frames within 40 dB",
    "log_spectral_distance": "2048/512",
    "mel_distance": "80 Slaney bands, 1024/256, floor 1e-05",
    "mrstft_distance": "1024/120/600, 2048/240/1200, 512/50/240, floor 0.0001",
    "si_sdr": "Le Roux et al. 2019, zero mean",
    "lag_ms": "+-100 ms",
    "gain_db": "RMS level difference",
}
OF_SOUND = [name for name, facts in FACTS.items() if facts.computed_from == "sound"]
WITH_DIRECTION = [name for name, facts in FACTS.items() if facts.better != "neither"]


def built_in() -> dict[str, Metric]:
    """The metrics of almbench itself, by name."""
    of_sound = [m for name in registry.FAMILIES for m in registry.family(name).metrics]
    return {m.name: m for m in [*of_sound, *BITSTREAM_METRICS]}


def test_every_metric_has_its_facts_here() -> None:
    assert set(built_in()) == set(FACTS)
    assert set(VERSIONS) == {m.name for m in BITSTREAM_METRICS} == set(FACTS) - set(OF_SOUND)


@pytest.mark.parametrize("name", FACTS)
def test_what_the_code_declares_is_what_the_papers_say(name: str) -> None:
    metric = built_in()[name]
    assert FACTS[name] == Facts(
        {True: "higher", False: "lower", None: "neither"}[metric.higher_is_better],
        metric.low,
        metric.high,
        metric.unit,
        metric.rate,
        metric.domains,
        metric.default,
        metric.headline,
        metric.digits,
        metric.computed_from,
        metric.compared,
        metric.no_reference,
    )


@pytest.mark.parametrize("name", FACTS)
def test_every_metric_is_explained_to_readers(name: str) -> None:
    metric = built_in()[name]
    assert metric.label
    for sentence in (metric.note, metric.caveat, *([metric.footnote] if metric.footnote else [])):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_defaults_of_the_domains() -> None:
    for_all = ["mel_distance", "mrstft_distance", "si_sdr", "lag_ms", "gain_db"]
    for_speech = ["pesq_wb", "pesq_nb", "stoi", "estoi", "visqol_speech", "speaker_similarity"]
    assert DOMAINS == ALL
    assert registry.default_metrics("speech") == [*for_speech, *for_all]
    assert registry.default_metrics("sound") == ["visqol_audio", *for_all]
    assert registry.default_metrics("music") == ["visqol_audio", *for_all]


def test_a_family_works_at_one_rate() -> None:
    for name in registry.FAMILIES:
        rates = {metric.rate for metric in registry.family(name).metrics}
        assert rates == {registry.make_family(name, {}).rate}


def test_the_version_says_what_is_computed() -> None:
    for name, words in VERSION_WORDS.items():
        assert words in registry.make_family(name, {}).version()


def test_the_bounds_of_pesq_follow_from_the_recommendations() -> None:
    wide = 0.999 + 4 / (1 + exp(-1.3669 * 4.5 + 3.8224))  # P.862.2
    narrow = 0.999 + 4 / (1 + exp(-1.4945 * 4.5 + 4.6607))  # P.862.1
    assert FACTS["pesq_wb"].high == round(wide, 3)
    assert FACTS["pesq_nb"].high == round(narrow, 3)


def value(name: str, reference: Samples, reconstruction: Samples, rate: int) -> float:
    """A metric of two sounds at `rate`, brought to the metric's own."""
    family = registry.make_family(registry.family_of(name), {})
    if missing := family.missing():
        pytest.skip(missing)
    own = family.rate or rate
    x, y = (resample(sound, rate, own) for sound in (reference, reconstruction))
    return family.score(family.prepare(x, own), y, own, [name])[name]


@pytest.mark.parametrize("name", WITH_DIRECTION)
def test_less_noise_is_better_by_the_declared_direction(name: str, speech_24k: Samples) -> None:
    noise = np.random.default_rng(1).standard_normal(len(speech_24k))
    level = float(np.sqrt(np.mean(np.square(speech_24k))))
    little, much = (speech_24k + level * part * noise for part in (0.03, 1.0))
    good, bad = (value(name, speech_24k, sound, 24_000) for sound in (little, much))
    assert (good > bad) == (FACTS[name].better == "higher")
    metric = built_in()[name]
    for found in (good, bad):
        assert metric.low is None or found >= metric.low
        assert metric.high is None or found <= metric.high
