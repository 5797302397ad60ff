"""Confidence intervals of means and proportions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from almbench.policies import CONFIDENCE
from almbench.statistics.clusters import Numbers, count_clusters, mean_error


class Estimate(NamedTuple):
    """A mean and the ends of its 95 % interval; None where there is none."""

    mean: float | None
    low: float | None
    high: float | None

    def within(self, low: float | None, high: float | None) -> "Estimate":
        """Cut the interval to the range of possible values; None for an open end.

        >>> Estimate(0.9, 0.7, 1.1).within(0.0, 1.0)
        Estimate(mean=0.9, low=0.7, high=1.0)
        """
        if self.low is None or self.high is None:
            return self
        least = self.low if low is None else max(self.low, low)
        return Estimate(self.mean, least, self.high if high is None else min(self.high, high))


def t_interval(values: NDArray[np.float64], clusters: Numbers | None = None) -> Estimate:
    """Mean with its t-interval, cluster-robust where clusters are given.

    With the few clips, speakers or listeners of a usual test it keeps its stated coverage, which a
    percentile bootstrap does not: `tests/statistics/coverage.py` compares them.

    Student, "The probable error of a mean", Biometrika 6 (1908); see `mean_error` for clusters.

    Args:
        values: One per clip or listener. **Shape** `[N]`.
        clusters: Number of each value's cluster; without, each value is one of its own.
            **Shape** `[N]`.

    Returns:
        No mean of no value, no interval of a single value or of a single cluster.

    >>> mean, low, high = t_interval(np.array([2.0, 4.0, 6.0]))
    >>> f"{mean} [{low:.3f}, {high:.3f}]"
    '4.0 [-0.968, 8.968]'
    >>> t_interval(np.array([2.0, 4.0, 6.0]), np.array([0, 0, 0]))
    Estimate(mean=4.0, low=None, high=None)
    """
    if count_clusters(clusters, len(values)) < 2:
        return Estimate(float(values.mean()) if len(values) else None, None, None)
    from scipy.special import stdtrit

    mean, error, df = mean_error(values, clusters)
    half = float(stdtrit(df, (1 + CONFIDENCE) / 2) * error)
    return Estimate(float(mean), float(mean) - half, float(mean) + half)


def wilson_interval(successes: int, trials: int) -> Estimate:
    """Proportion of successes with its score interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am.
    Stat. Assoc. 22 (1927).

    Args:
        successes: Number of successes.
        trials: Number of trials, at least one.
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(successes / trials, float(interval.low), float(interval.high))
