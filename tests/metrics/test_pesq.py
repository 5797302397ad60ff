from math import exp

import numpy as np
import pytest
from pesq import pesq

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.pesq import PesqNarrowBand, PesqWideBand

WIDE, NARROW = PesqWideBand(Settings()), PesqNarrowBand(Settings())
BOTH = pytest.mark.parametrize("family", [WIDE, NARROW], ids=["wide", "narrow"])
Both = PesqWideBand | PesqNarrowBand


def score(family: Both, reference: Samples, reconstruction: Samples) -> float:
    values = family.score(family.prepare(reference, 16_000), reconstruction, 16_000, [family.name])
    assert list(values) == [family.name]
    return values[family.name]


def test_an_exact_copy_gets_the_top_of_the_mappings_in_the_standards(speech: Samples) -> None:
    wide = 0.999 + 4 / (1 + exp(-1.3669 * 4.5 + 3.8224))  # P.862.2 at a raw score of 4.5
    narrow = 0.999 + 4 / (1 + exp(-1.4945 * 4.5 + 4.6607))  # P.862.1
    assert score(WIDE, speech, speech) == pytest.approx(wide, abs=1e-4)
    assert score(NARROW, speech, speech) == pytest.approx(narrow, abs=1e-4)
    assert (wide, narrow) == pytest.approx((4.6439, 4.5486), abs=1e-4)
    assert wide <= (WIDE.metrics[0].high or 0)
    assert narrow <= (NARROW.metrics[0].high or 0)


@BOTH
def test_values_are_those_of_the_package_in_its_order_of_arguments(
    family: Both, speech: Samples, damaged: Samples
) -> None:
    expected = pesq(16_000, speech, damaged, family.mode)
    swapped = pesq(16_000, damaged, speech, family.mode)
    assert expected != pytest.approx(swapped, abs=0.01)
    assert score(family, speech, damaged) == pytest.approx(expected, abs=1e-6)


def test_level_does_not_matter(speech: Samples, damaged: Samples) -> None:
    assert score(WIDE, speech, 0.1 * damaged) == pytest.approx(
        score(WIDE, speech, damaged), abs=0.01
    )


@BOTH
def test_silence_on_either_side_is_refused(family: Both, speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        score(family, np.zeros_like(speech), speech)
    with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
        score(family, speech, np.zeros_like(speech))


@BOTH
def test_less_than_a_quarter_of_a_second_is_refused(family: Both, speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="250 ms"):
        score(family, speech[:3999], speech[:3999])
    with pytest.raises(MetricUndefined, match="250 ms"):
        score(family, speech[:10], speech[:10])


@BOTH
def test_more_than_two_minutes_are_refused(family: Both, speech: Samples) -> None:
    long = np.tile(speech, 121 * 16_000 // len(speech) + 1)
    with pytest.raises(MetricUndefined, match=r"12\d s is too long: PESQ .* up to 120 s here"):
        score(family, long, long)


def test_a_reference_without_utterance_is_refused(speech: Samples) -> None:
    burst = np.zeros_like(speech)  # 50 ms of noise: shorter than what counts as an utterance
    burst[32_000:32_800] = 0.1 * np.random.default_rng(0).standard_normal(800)
    with pytest.raises(MetricUndefined, match="no utterance"):
        score(WIDE, burst, speech)


def test_a_nan_of_the_package_is_refused(speech: Samples) -> None:
    # Below the smallest single-precision number: silent to the package, but not zero.
    with pytest.raises(MetricUndefined, match="NaN"):
        score(WIDE, speech, speech * 1e-60)


def test_the_versions_say_band_and_corrigendum() -> None:
    assert WIDE.version() == "pesq 0.0.4, wide band, without P.862.2 Corrigendum 2"
    assert NARROW.version() == "pesq 0.0.4, narrow band, of sound at 16 kHz"
    assert WIDE.missing() is None
