from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from almbench.listening.mushra import comparisons, system_table
from almbench.statistics.inference import guessing, holm, paired_t, t_interval

PANELS = 500
LISTENERS = 6
CLIPS = 8
MEANS = {"one": 88.0, "two": 60.0, "twin": 60.0}  # two and twin differ for nobody on average


def test_t_interval_against_scipy() -> None:
    values = np.array([61.0, 70.5, 58.0, 66.0, 73.0])
    ours = t_interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (ours.mean, ours.low, ours.high) == pytest.approx((values.mean(), low, high))


def test_t_interval_by_hand() -> None:
    # mean 4, s = 2, t(0.975, 2) = 4.302653 from the tables: half = 4.302653 * 2 / sqrt(3)
    ours = t_interval(np.array([2.0, 4.0, 6.0]))
    assert (ours.low, ours.high) == pytest.approx((-0.968276, 8.968276), abs=1e-5)


def test_interval_of_one_and_of_equals() -> None:
    assert t_interval(np.array([50.0])).low is None
    equal = t_interval(np.full(5, 100.0))
    assert (equal.mean, equal.low, equal.high) == (100.0, 100.0, 100.0)


def test_paired_t_against_scipy_and_the_undefined() -> None:
    a, b = np.array([70.0, 62.0, 81.0, 77.0]), np.array([66.0, 63.0, 70.0, 69.0])
    assert paired_t(a - b) == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert paired_t(np.zeros(4)) == 1.0
    assert paired_t(np.full(4, 3.0)) is None
    assert paired_t(np.array([3.0])) is None
    assert paired_t(np.array([0.0])) is None


def test_holm_by_hand() -> None:
    # sorted 0.005 0.01 0.03 0.04: times 4, 3, 2, 1 = 0.02 0.03 0.06 0.04, the last raised to 0.06
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])
    assert holm(np.array([])).shape == (0,)


def test_binomial_against_published_values() -> None:
    # The table that comes with most ABX tests: at least so many of so many by guessing.
    for right, trials, p in [(9, 10, 0.011), (12, 16, 0.038), (14, 16, 0.002), (5, 10, 0.623)]:
        assert guessing(right, trials).p == pytest.approx(p, abs=5e-4)


def test_wilson_against_published_values() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for right, trials, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        ours = guessing(right, trials)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=5e-5)


def simulate(
    rng: np.random.Generator, listeners: int
) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Ratings as they are: bounded, whole, skewed at the ceiling, with biased listeners.

    Returns:
        **Shape** `[listeners, clips, systems]`.
    """
    of_clips = np.random.default_rng(1).normal(0, 6, (CLIPS, 1))  # the clips stay the same
    means = np.array(list(MEANS.values()))
    bias = rng.normal(0, 8, (listeners, 1, 1))
    taste = rng.normal(0, 5, (listeners, 1, len(MEANS)))
    slips = 10 - rng.gamma(1.0, 10.0, (listeners, CLIPS, len(MEANS)))
    return np.clip(np.rint(means + of_clips + bias + taste + slips), 0, 100)


def as_table(scores: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]) -> pd.DataFrame:
    """Panels of simulated listeners as ratings, a domain a panel."""
    places = product(range(PANELS), range(LISTENERS), range(CLIPS), MEANS)
    table = pd.DataFrame(places, columns=["domain", "listener", "clip", "system"])
    return table.assign(score=scores.ravel(), label=table["system"], role="system", kept=True)


@pytest.mark.slow
def test_intervals_cover_and_tests_err_at_their_stated_rate() -> None:
    rng = np.random.default_rng(2026)
    truth = simulate(rng, 200_000).mean(axis=(0, 1))
    scores = simulate(rng, PANELS * LISTENERS)
    table = as_table(scores)
    systems = system_table(table)
    assert len(systems) == PANELS * len(MEANS)
    for (system, mean), at in zip(MEANS.items(), truth, strict=True):
        rows = systems[systems["system"] == system]
        covered = (rows["ci95_low"] <= at) & (at <= rows["ci95_high"])
        # Three standard errors of 500 panels about 95 %.
        assert 0.921 <= covered.mean() <= 0.979, (system, mean, covered.mean())

    pairs = comparisons(table)
    same = pairs[(pairs["system_a"] == "twin") & (pairs["system_b"] == "two")]
    assert len(same) == PANELS
    assert 0.021 <= (same["p"] < 0.05).mean() <= 0.079
    assert (same["p_holm"] < 0.05).mean() <= 0.079  # the other two differ: no more is to be held
    assert (pairs.loc[pairs["system_a"] == "one", "p_holm"] < 0.05).mean() > 0.9

    # Why not the percentile bootstrap over listeners: with six of them it covers too little.
    means = scores.reshape(PANELS, LISTENERS, CLIPS, -1).mean(axis=2)[..., 1]
    drawn = rng.integers(0, LISTENERS, (1_000, LISTENERS))
    low, high = np.percentile(means[:, drawn].mean(axis=2), [2.5, 97.5], axis=1)
    assert ((low <= truth[1]) & (truth[1] <= high)).mean() < 0.921
