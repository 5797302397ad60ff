from itertools import combinations
from math import atan, comb, pi

import numpy as np
import pytest
from scipy import stats

from almbench.statistics.significance import ALPHA, binomial_test, holm_adjust, paired_t_test

# Additional hours of sleep, one drug less the other: Student, Biometrika 6 (1908), section IX.
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])


def test_significance_is_judged_at_five_per_cent() -> None:
    assert ALPHA == 0.05


def test_paired_t_on_the_sleep_data() -> None:
    assert paired_t_test(SLEEP) == pytest.approx(0.002833, abs=5e-7)  # as R's help of t.test has it
    assert paired_t_test(-SLEEP) == paired_t_test(SLEEP)


def test_paired_t_against_scipy() -> None:
    a, b = np.array([70.0, 62.0, 81.0, 77.0]), np.array([66.0, 63.0, 70.0, 69.0])
    assert paired_t_test(a - b) == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_paired_t_of_two_by_hand() -> None:
    # t = 1.5 / 0.5 = 3 with one degree of freedom: p = 1 - 2 / pi * arctan(3)
    assert paired_t_test(np.array([1.0, 2.0])) == pytest.approx(1 - 2 / pi * atan(3))


def test_paired_t_where_it_is_undefined() -> None:
    assert paired_t_test(np.zeros(4)) == 1.0
    assert paired_t_test(np.full(4, 3.0)) is None
    assert paired_t_test(np.array([0.1 + 0.2, 0.3, 0.3])) is None  # rounding is no spread
    for few in ([], [0.0], [3.0]):
        assert paired_t_test(np.array(few)) is None


def test_holm_by_hand() -> None:
    # sorted 0.005 0.01 0.03 0.04: times 4, 3, 2, 1 = 0.02 0.03 0.06 0.04, the last raised to 0.06
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm_adjust(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_adjust(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])
    assert holm_adjust(np.array([0.2])) == pytest.approx([0.2])
    assert holm_adjust(np.array([])).shape == (0,)


@pytest.mark.parametrize("seed", range(10))
def test_holm_is_the_closure_of_bonferroni(seed: int) -> None:
    """R. Marcus, E. Peritz, K. R. Gabriel, Biometrika 63 (1976): reject in every intersection."""
    p = np.random.default_rng(seed).uniform(0, 0.4, 5)
    subsets = [s for size in range(1, 6) for s in combinations(range(5), size)]
    closed = [max(min(1.0, len(s) * p[list(s)].min()) for s in subsets if i in s) for i in range(5)]
    assert holm_adjust(p) == pytest.approx(closed)


def test_binomial_against_published_values() -> None:
    # The table that comes with most ABX tests: at least so many of so many by guessing.
    for right, trials, p in [(9, 10, 0.011), (12, 16, 0.038), (14, 16, 0.002), (5, 10, 0.623)]:
        assert binomial_test(right, trials) == pytest.approx(p, abs=5e-4)


@pytest.mark.parametrize("chance", [0.5, 1 / 3])
def test_binomial_is_the_upper_tail(chance: float) -> None:
    for right in range(13):
        tail = sum(comb(12, k) * chance**k * (1 - chance) ** (12 - k) for k in range(right, 13))
        assert binomial_test(right, 12, chance) == pytest.approx(tail)
