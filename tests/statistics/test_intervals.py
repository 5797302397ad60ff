import numpy as np
import pytest
from scipy import stats

from almbench.statistics.intervals import Estimate, t_interval, wilson_interval
from almbench.statistics.significance import paired_t_test


def test_few_and_equal_values() -> None:
    assert t_interval(np.array([])) == (None, None, None)
    assert t_interval(np.array([2.0])) == (2.0, None, None)
    assert t_interval(np.array([2.0, 2.0])) == (2.0, 2.0, 2.0)
    assert t_interval(np.array([1.0, 3.0, 5.0]), np.array([7, 7, 7])) == (3.0, None, None)


def test_an_interval_is_cut_to_what_is_possible() -> None:
    assert Estimate(1.2, 0.8, 1.6).within(1.0, None) == (1.2, 1.0, 1.6)
    assert Estimate(1.2, 0.8, 1.6).within(None, 1.5) == (1.2, 0.8, 1.5)
    assert Estimate(1.2, None, None).within(1.0, 1.5) == (1.2, None, None)


def test_equal_clusters_are_t_over_their_means() -> None:
    values = np.random.default_rng(3).normal(np.array([[0.0], [2.0], [1.0], [-1.0]]), 1.0, (4, 5))
    of_means = stats.ttest_1samp(values.mean(axis=1), 0.0)
    clusters = np.repeat([4, 0, 9, 2], 5)
    found = t_interval(values.ravel(), clusters)
    assert found[1:] == pytest.approx(tuple(of_means.confidence_interval(0.95)))
    assert paired_t_test(values.ravel(), clusters) == pytest.approx(of_means.pvalue)


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
