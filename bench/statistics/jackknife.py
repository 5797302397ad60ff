"""Intervals of statistics that are no means, by leaving one cluster out at a time."""

import numpy as np

from almbench.policies import CONFIDENCE
from almbench.statistics.clusters import Floats


def jackknife_interval(value: float, left_out: Floats) -> tuple[float, float]:
    """The 95 % interval of a smooth statistic, from its values without one cluster each.

    Student's t with the jackknife's standard error, of G clusters::

        error^2 = (G - 1) / G * sum_g (value_g - mean of them)^2,  G - 1 degrees of freedom

    J. W. Tukey, "Bias and confidence in not-quite large samples", Ann. Math. Stat. 29 (1958). Of a
    mean over clusters of equal size that is Student's interval over the means of the clusters.

    Args:
        value: The statistic of all.
        left_out: The statistic without each cluster. **Shape** `[G]`, at least two.

    >>> low, high = jackknife_interval(4.0, np.array([5.0, 4.0, 3.0]))  # the mean of 2, 4 and 6
    >>> f"[{low:.3f}, {high:.3f}]"
    '[-0.968, 8.968]'
    """
    from scipy.special import stdtrit

    count = len(left_out)
    error = np.sqrt((count - 1) * np.var(left_out))
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2) * error)
    return value - half, value + half
