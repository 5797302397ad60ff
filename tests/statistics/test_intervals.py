import numpy as np
import pytest

from almbench.statistics.intervals import mean_interval


def test_interval_agrees_with_the_normal_one_for_many_clips() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 4_000)
    mean, low, high = mean_interval(values, seed=1)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert mean == values.mean()
    assert low == pytest.approx(values.mean() - half, abs=0.004)
    assert high == pytest.approx(values.mean() + half, abs=0.004)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for trial in range(200):
        _, low, high = mean_interval(rng.normal(0.0, 1.0, 40), seed=trial)
        assert low is not None
        assert high is not None
        covered += low <= 0.0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_seed_decides() -> None:
    values = np.random.default_rng(0).normal(size=10)
    assert mean_interval(values, 1) == mean_interval(values, 1)
    assert mean_interval(values, 1) != mean_interval(values, 2)


def test_few_values() -> None:
    assert mean_interval(np.array([]), 0) == (None, None, None)
    assert mean_interval(np.array([2.0]), 0) == (2.0, None, None)
    assert mean_interval(np.array([2.0, 2.0]), 0) == (2.0, 2.0, 2.0)
