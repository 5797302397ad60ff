"""A paired comparison of two systems over the same clips."""

from typing import NamedTuple

import numpy as np

from almbench.statistics.clusters import Floats, Numbers, count_clusters, mean_error
from almbench.statistics.intervals import Estimate, t_interval
from almbench.statistics.power import smallest_difference
from almbench.statistics.significance import EQUAL, paired_t_test


class Paired(NamedTuple):
    """What paired differences show.

    Attributes:
        estimate: The mean difference and its 95 % interval.
        p: P-value of the paired t-test; None where it is not defined.
        effect_size: Cohen's d of paired values: the mean difference over the standard deviation of
            the differences; None where they do not vary.
        positive: How many differences are above zero.
        equal: How many are zero.
        negative: How many are below zero.
        smallest: The smallest difference that these clips can show at 80 % power; None where there
            is no test.
    """

    estimate: Estimate
    p: float | None
    effect_size: float | None
    positive: int
    equal: int
    negative: int
    smallest: float | None


def compare_paired(differences: Floats, clusters: Numbers, comparisons: int = 1) -> Paired:
    """Compare two systems by the differences of their values.

    Args:
        differences: One per clip. **Shape** `[N]`.
        clusters: Number of each clip's cluster. **Shape** `[N]`.
        comparisons: How many comparisons are made together, for the smallest difference.

    >>> found = compare_paired(np.array([1.0, 2.0, 0.0, 1.0]), np.arange(4))
    >>> found.estimate.mean, found.positive, found.equal, found.negative
    (1.0, 3, 1, 0)
    >>> round(found.effect_size, 3)
    1.225
    """
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    varies = spread > EQUAL
    smallest = None
    if varies and count_clusters(clusters, len(differences)) > 1:
        _, error, df = mean_error(differences, clusters)
        smallest = smallest_difference(float(error), df, comparisons)
    return Paired(
        t_interval(differences, clusters),
        paired_t_test(differences, clusters),
        float(differences.mean()) / spread if varies else None,
        int((differences > EQUAL).sum()),
        int((np.abs(differences) <= EQUAL).sum()),
        int((differences < -EQUAL).sum()),
        smallest,
    )
