from itertools import product

import numpy as np
import pandas as pd
import pytest

from almbench.listening.ratings import comparison_table, system_table

PANELS = 500
LISTENERS = 6
CLIPS = 8
MEANS = {"one": 88.0, "two": 60.0, "twin": 60.0}  # two and twin differ for nobody on average


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

    pairs = comparison_table(table)
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
