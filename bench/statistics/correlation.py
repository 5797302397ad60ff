"""Correlation of paired values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MIN_PAIRS = 3  # two always lie on a line
FLAT = 1e-9  # range, as a share of the largest magnitude, that rounding leaves of equal values


class Correlation(NamedTuple):
    """Pearson's r and Spearman's rho over `n` pairs; None where they are not defined."""

    pearson: float | None
    spearman: float | None
    n: int


def correlate(x: NDArray[np.float64], y: NDArray[np.float64]) -> Correlation:
    """Correlate paired values.

    K. Pearson, "Notes on regression and inheritance in the case of two parents", Proc. R. Soc.
    London 58 (1895); C. Spearman, "The proof and measurement of association between two things",
    Am. J. Psychol. 15 (1904).

    Args:
        x: **Shape** `[N]`.
        y: **Shape** `[N]`.

    Returns:
        No coefficients of fewer than three pairs, nor where all values of one side are equal.
    """
    if len(x) < MIN_PAIRS or _flat(x) or _flat(y):
        return Correlation(None, None, len(x))
    from scipy.stats import pearsonr, spearmanr

    return Correlation(float(pearsonr(x, y).statistic), float(spearmanr(x, y).statistic), len(x))


def _flat(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) <= FLAT * np.abs(values).max())
