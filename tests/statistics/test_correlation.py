import numpy as np
import pytest
from scipy.stats import rankdata

from almbench.statistics.correlation import correlate

# F. J. Anscombe, "Graphs in statistical analysis", American Statistician 27 (1973).
X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
QUARTET = {
    "I": (X, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68], 0.8182),
    "II": (X, [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74], 0.6909),
    "III": (X, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73], 0.9909),
    "IV": (
        [8] * 7 + [19] + [8] * 3,
        [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89],
        0.5,
    ),
}


@pytest.mark.parametrize("name", QUARTET)
def test_the_quartet_of_anscombe(name: str) -> None:
    x, y, spearman = QUARTET[name]
    found = correlate(np.array(x, float), np.array(y))
    assert found.pearson == pytest.approx(0.816, abs=1e-3)
    assert found.spearman == pytest.approx(spearman, abs=5e-5)
    assert found.n == 11


def test_ties_share_their_rank() -> None:
    x, y = np.array([1.0, 2.0, 2.0, 4.0, 3.0]), np.array([5.0, 1.0, 7.0, 7.0, 9.0])
    of_ranks = np.corrcoef(rankdata(x), rankdata(y))[0, 1]
    assert correlate(x, y).spearman == pytest.approx(of_ranks)
    assert correlate(x, -y).pearson == pytest.approx(-np.corrcoef(x, y)[0, 1])


def test_where_a_correlation_is_undefined() -> None:
    rising = np.array([1.0, 2.0, 3.0])
    assert correlate(rising, rising) == pytest.approx((1.0, 1.0, 3))
    assert correlate(np.array([]), np.array([])) == (None, None, 0)
    assert correlate(rising[:2], rising[:2]) == (None, None, 2)
    for flat in (np.zeros(3), np.full(3, 0.3), np.array([0.1 + 0.2, 0.3, 0.3])):
        assert correlate(rising, flat) == (None, None, 3)
        assert correlate(flat, rising) == (None, None, 3)
