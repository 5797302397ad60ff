"""Metrics that take a long sound part by part give the value of the whole."""

import numpy as np
import pytest

from almbench import spectra
from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics import resemblyzer, stoi
from almbench.metrics.registry import make_family

RATE = 16_000


@pytest.fixture(scope="module")
def pair(speech: Samples) -> tuple[Samples, Samples]:
    return speech, speech + np.random.default_rng(0).normal(0, 0.01, len(speech))


def score(name: str, pair: tuple[Samples, Samples]) -> dict[str, float]:
    family = make_family(name, {})
    names = [metric.name for metric in family.metrics]
    return family.score(family.prepare_with_text(pair[0], RATE, ""), pair[1], RATE, names)


@pytest.mark.parametrize(
    "name",
    ["stoi", "mel_distance", "mrstft_distance", "log_spectral_distance", "speaker_similarity"],
)
def test_parts_make_the_value_of_the_whole(
    name: str, pair: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = score(name, pair)
    monkeypatch.setattr(spectra, "MOST_VALUES", 50_000)
    monkeypatch.setattr(stoi, "AT_ONCE", 7)
    monkeypatch.setattr(resemblyzer, "AT_ONCE", 2)
    assert score(name, pair) == pytest.approx(whole, rel=1e-6 if "speaker" in name else 1e-12)


@pytest.mark.parametrize("name", ["lag_ms", "f0_correlation", "mcd", "pesq_wb", "visqol_speech"])
def test_what_takes_no_long_sound_says_so(name: str, pair: tuple[Samples, Samples]) -> None:
    family = make_family(name, {})
    if missing := family.missing():
        pytest.skip(missing)
    rate = family.rate or RATE
    long = np.resize(pair[0], 601 * rate)
    with pytest.raises(MetricUndefined, match=r"601 s is too long.*score the clip in parts"):
        family.score(family.prepare_with_text(long, rate, ""), long, rate, [name])
