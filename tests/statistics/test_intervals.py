from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from almbench.statistics.intervals import Estimate, bootstrap_interval, t_interval, wilson_interval


def test_bootstrap_agrees_with_the_normal_one_for_many_clips() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 4_000)
    mean, low, high = bootstrap_interval(values, seed=1)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert mean == values.mean()
    assert low == pytest.approx(values.mean() - half, abs=0.004)
    assert high == pytest.approx(values.mean() + half, abs=0.004)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for trial in range(200):
        _, low, high = bootstrap_interval(rng.normal(0.0, 1.0, 40), seed=trial)
        assert low is not None
        assert high is not None
        covered += low <= 0.0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_seed_decides() -> None:
    values = np.random.default_rng(0).normal(size=10)
    assert bootstrap_interval(values, 1) == bootstrap_interval(values, 1)
    assert bootstrap_interval(values, 1) != bootstrap_interval(values, 2)


@pytest.mark.parametrize("interval", [t_interval, lambda values: bootstrap_interval(values, 0)])
def test_few_and_equal_values(interval: Callable[[NDArray[np.float64]], Estimate]) -> None:
    assert interval(np.array([])) == (None, None, None)
    assert interval(np.array([2.0])) == (2.0, None, None)
    assert interval(np.array([2.0, 2.0])) == (2.0, 2.0, 2.0)


def test_t_interval_of_the_sleep_data() -> None:
    # Student, Biometrika 6 (1908), section IX; the interval as R's help of t.test has it.
    sleep = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert t_interval(sleep) == pytest.approx((1.58, 0.7001142, 2.4598858), abs=5e-8)


def test_t_interval_against_scipy() -> None:
    values = np.array([61.0, 70.5, 58.0, 66.0, 73.0])
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert t_interval(values) == pytest.approx((values.mean(), low, high))


def test_t_interval_by_hand() -> None:
    # mean 4, s = 2, t(0.975, 2) = 4.302653 from the tables: half = 4.302653 * 2 / sqrt(3)
    found = t_interval(np.array([2.0, 4.0, 6.0]))
    assert found == pytest.approx((4.0, -0.968276, 8.968276), abs=1e-5)


def test_wilson_against_published_values() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for right, trials, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = wilson_interval(right, trials)
        assert found == pytest.approx((right / trials, low, high), abs=5e-5)


def test_wilson_of_all_and_of_one() -> None:
    assert wilson_interval(20, 20) == pytest.approx((1.0, 1 - 0.1611, 1.0), abs=5e-5)
    # One of one: 1 / (1 + z^2) with z = 1.959964
    assert wilson_interval(1, 1).low == pytest.approx(0.206549, abs=1e-6)
