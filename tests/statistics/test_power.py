import pytest
from scipy import stats

from almbench.statistics.power import smallest_difference


@pytest.mark.parametrize("df", [4.0, 8.3, 19.0, 199.0])
@pytest.mark.parametrize("comparisons", [1, 5])
def test_against_the_noncentral_t(df: float, comparisons: int) -> None:
    found = smallest_difference(0.5, df, comparisons) / 0.5
    critical = stats.t.ppf(1 - 0.05 / comparisons / 2, df)
    power = stats.nct.sf(critical, df, found) + stats.nct.cdf(-critical, df, found)
    assert power == pytest.approx(0.8, abs=1e-3)


def test_against_published_tables() -> None:
    # Cohen (1988), table 2.4.1: a one-sample test of 34 has a power of 80 % at d = 0.5.
    assert smallest_difference(1 / 34**0.5, 33) == pytest.approx(0.5, abs=0.01)


def test_two_clusters_are_hopeless_but_defined() -> None:
    # With one degree of freedom the standard error is half-normal: |Z| stays below 1.2816 in 80 %
    # of cases, and the limit of t is 12.706 at 5 %, 254.65 at 5 % / 20.
    assert smallest_difference(1.0, 1.0) == pytest.approx(12.706 * 1.2816, rel=0.01)
    assert smallest_difference(1.0, 1.0, 20) == pytest.approx(254.65 * 1.2816, rel=0.01)
