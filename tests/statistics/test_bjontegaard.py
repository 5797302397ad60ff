"""Bjøntegaard deltas against the package bjontegaard, and by hand."""

import bjontegaard
import numpy as np
import pytest

from almbench.statistics.bjontegaard import (
    BjontegaardUndefined,
    Curve,
    bd_quality,
    bd_rate,
    estimate_delta,
)
from almbench.statistics.intervals import t_interval
from tests.statistics.bjontegaard_coverage import coverage, curves, delta

RATES = np.array([1.0, 2.0, 4.0, 8.0])
VALUES = np.array([1.5, 2.2, 3.1, 3.6])
OTHER_RATES = np.array([0.9, 2.1, 4.4, 7.0, 9.0])
OTHER_VALUES = np.array([1.4, 2.6, 3.2, 3.5, 3.8])


def test_deltas_against_the_package() -> None:
    ours = Curve("a", RATES, VALUES), Curve("b", OTHER_RATES, OTHER_VALUES)
    theirs = {
        "method": "akima",
        "require_matching_points": False,
        "min_overlap": 0,
    }
    pair = RATES, VALUES, OTHER_RATES, OTHER_VALUES
    assert bd_rate(*ours, True).value == pytest.approx(bjontegaard.bd_rate(*pair, **theirs))
    assert bd_quality(*ours, True).value == pytest.approx(bjontegaard.bd_psnr(*pair, **theirs))


def test_where_lower_is_better() -> None:
    falling = Curve("a", RATES, 5 - VALUES), Curve("b", OTHER_RATES, 5 - OTHER_VALUES)
    rising = Curve("a", RATES, VALUES), Curve("b", OTHER_RATES, OTHER_VALUES)
    assert bd_rate(*falling, False).value == pytest.approx(bd_rate(*rising, True).value)
    assert bd_quality(*falling, False).value == pytest.approx(-bd_quality(*rising, True).value)


def test_deltas_by_hand() -> None:
    # One point of quality per doubling of the rate, and 30 % fewer bits for it.
    straight = np.array([0.0, 1.0, 2.0, 3.0])
    baseline, curve = Curve("a", RATES, straight), Curve("b", 0.7 * RATES, straight)
    assert bd_rate(baseline, curve, True) == pytest.approx((-30.0, 1.0))
    gain = bd_quality(baseline, curve, True)
    assert gain.value == pytest.approx(-np.log2(0.7))
    # From log2 of 0.7 to 3, of which 0 to 3 + log2 of 0.7 is shared.
    assert gain.overlap == pytest.approx((3 + np.log2(0.7)) / (3 - np.log2(0.7)))


@pytest.mark.parametrize(
    ("rates", "values", "measure", "said"),
    [
        (RATES[:2], VALUES[:2], bd_rate, "b has 2 of the 3 operating points it takes"),
        (RATES, VALUES + 9, bd_rate, r"a and b reach no common quality \(overlap 0 %\)"),
        (RATES * 9, VALUES, bd_quality, r"a and b have no common bitrate \(overlap 0 %\)"),
        (RATES, VALUES[[0, 2, 1, 3]], bd_rate, "b is not monotone: 3.1 at 2 kbps, 2.2 at 4"),
        (RATES, np.array([1, 2, 2, 3.0]), bd_quality, "b is not monotone: 2 at 2 kbps, 2 at 4"),
        (np.array([1, 2, 2, 3.0]), VALUES, bd_rate, "b is not monotone"),
    ],
)
def test_curves_without_a_delta(rates: object, values: object, measure: object, said: str) -> None:
    with pytest.raises(BjontegaardUndefined, match=said):
        measure(Curve("a", RATES, VALUES), Curve("b", rates, values), True)  # type: ignore[operator, arg-type]


def test_the_interval_leaves_out_one_cluster_at_a_time() -> None:
    baseline, curve = curves(12, np.random.default_rng(3))
    numbers = np.repeat([5, 0, 3], 4)
    found = estimate_delta(bd_rate, baseline, curve, numbers, higher_is_better=True)
    without = []
    for gone in (5, 0, 3):
        parts = (part[:, numbers != gone] for part in (*baseline[1:], *curve[1:]))
        percent = bjontegaard.bd_rate(
            *(p.mean(axis=1) for p in parts), method="akima", min_overlap=0
        )
        without.append(np.log(1 + percent / 100))
    # By hand, G = 3: error^2 = 2 / 3 of the squared deviations, t of 2 degrees 4.3027.
    error = (2 / 3 * np.sum((without - np.mean(without)) ** 2)) ** 0.5
    whole = np.log(1 + delta(baseline, curve) / 100)
    ends = [100 * (np.exp(whole + side * 4.302653 * error) - 1) for side in (-1, 1)]
    assert found.estimate == pytest.approx((delta(baseline, curve), *ends))
    assert found.reason == ""


def test_of_straight_curves_the_interval_is_students() -> None:
    rng = np.random.default_rng(4)
    values = np.array([[1.0], [2.0], [3.0]]) + rng.normal(0, 0.2, 9)
    rates = np.array([[1.0], [2.0], [4.0]]) * np.ones(9)
    gains = rng.normal(0.5, 0.3, 9)
    a, b = Curve("a", rates, values), Curve("b", rates, values + gains)
    found = estimate_delta(bd_quality, a, b, np.arange(9), higher_is_better=True)
    assert found.estimate == pytest.approx(t_interval(gains))


def test_a_single_cluster_has_no_interval() -> None:
    baseline, curve = curves(5, np.random.default_rng(3))
    found = estimate_delta(bd_rate, baseline, curve, np.zeros(5, int), higher_is_better=True)
    assert found.estimate == (delta(baseline, curve), None, None)
    assert found.reason.startswith("no interval: it takes two clips of different clusters")


def test_no_interval_where_one_clip_holds_the_curve_up() -> None:
    rates = np.array([[1.0], [2.0], [4.0]]) * np.ones(3)
    values = np.array([[1.0, 1.0, 1.0], [0.9, 0.9, 2.0], [3.0, 3.0, 3.0]])
    a, b = Curve("a", rates, values), Curve("b", rates / 2, values)
    found = estimate_delta(bd_rate, a, b, np.arange(3), higher_is_better=True)
    assert found.estimate.mean == pytest.approx(-50)
    assert found.estimate.low is found.estimate.high is None
    assert found.reason.startswith("no interval: without some clips, a is not monotone: 1 at 1")


@pytest.mark.slow
def test_intervals_cover_the_true_delta() -> None:
    for clips in (5, 9, 20):
        assert 0.92 <= coverage(clips, trials=600) <= 0.98
