"""Intervals and tests over listeners."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from almbench.policies import CONFIDENCE

Values = NDArray[np.float64]
CHANCE = 0.5
TINY = 1e-9  # of 100: what rounding leaves of equal means


@dataclass(frozen=True)
class Estimate:
    """A mean, and the ends of its 95 % interval; None where there is none."""

    mean: float
    low: float | None
    high: float | None


def t_interval(values: Values) -> Estimate:
    """Mean over listeners with Student's t-interval.

    With the 5 to 20 listeners of a usual panel it keeps its stated coverage, which a percentile
    bootstrap over listeners does not: that lacks the small-sample factor of t.

    Student, "The probable error of a mean", Biometrika 6 (1908).

    Args:
        values: One a listener. **Shape** `[N]`.

    Returns:
        The mean; no interval of a single listener.
    """
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, None, None)
    factor = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    half = float(factor * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, mean - half, mean + half)


def paired_t(differences: Values) -> float | None:
    """The two-sided p-value of Student's paired t-test.

    Args:
        differences: One a listener: a system's mean over the clips, less another's.
            **Shape** `[N]`.

    Returns:
        p; 1.0 where all differences are zero, None where t is not defined: a single listener, or
        differences that are all alike.
    """
    if len(differences) < 2:
        return None
    if np.ptp(differences) < TINY:
        return 1.0 if abs(differences[0]) < TINY else None
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def holm(p: Values) -> Values:
    """Adjust p-values for their number, step-down.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).

    Args:
        p: P-values. **Shape** `[N]`.

    Returns:
        The adjusted p-values, in the order of `p`. **Shape** `[N]`.
    """
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


@dataclass(frozen=True)
class Guessing:
    """Right answers out of all, as a proportion with its 95 % interval; p of mere guessing."""

    right: int
    trials: int
    proportion: float
    low: float
    high: float
    p: float


def guessing(right: int, trials: int) -> Guessing:
    """Test right answers against guessing, by the exact one-sided binomial test.

    The interval is Wilson's: E. B. Wilson, "Probable inference, the law of succession, and
    statistical inference", J. Am. Stat. Assoc. 22 (1927).

    Args:
        right: How many answers were right.
        trials: Of how many, at least one.
    """
    interval = stats.binomtest(right, trials, CHANCE).proportion_ci(CONFIDENCE, method="wilson")
    p = stats.binomtest(right, trials, CHANCE, alternative="greater").pvalue
    low, high = float(interval.low), float(interval.high)
    return Guessing(right, trials, right / trials, low, high, float(p))
