"""Significance tests, and the adjustment of their p-values for multiple testing."""

import numpy as np
from numpy.typing import NDArray

from almbench.policies import CONFIDENCE
from almbench.statistics.clusters import Numbers, count_clusters, mean_error

ALPHA = round(1 - CONFIDENCE, 9)  # level of significance of every test
EQUAL = 1e-9  # differences that rounding leaves between equal means


def paired_t_test(
    differences: NDArray[np.float64], clusters: Numbers | None = None
) -> float | None:
    """The two-sided p-value of the paired t-test, cluster-robust where clusters are given.

    It rejects exactly where the interval of `t_interval` over the differences leaves zero out.
    Student, "The probable error of a mean", Biometrika 6 (1908); see `mean_error` for clusters.

    Args:
        differences: One per listener or clip: the value of one system less that of another.
            **Shape** `[N]`.
        clusters: Number of each difference's cluster; without, each is one of its own.
            **Shape** `[N]`.

    Returns:
        p; 1.0 where all differences are zero, None where t is not defined: fewer than two
        differences or clusters, or differences that are all alike.
    """
    if count_clusters(clusters, len(differences)) < 2:
        return None
    if np.ptp(differences) < EQUAL:
        return 1.0 if abs(differences[0]) < EQUAL else None
    from scipy.special import stdtr

    mean, error, df = mean_error(differences, clusters)
    return float(2 * stdtr(df, -abs(mean) / error)) if error > 0 else None


def holm_adjust(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values for multiple testing by Holm's step-down procedure.

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


def binomial_test(successes: int, trials: int, chance: float = 0.5) -> float:
    """The p-value of the exact one-sided binomial test: as many successes or more by chance.

    Args:
        successes: Number of successes.
        trials: Number of trials, at least one.
        chance: Probability of a success by chance.
    """
    from scipy.stats import binomtest

    return float(binomtest(successes, trials, chance, alternative="greater").pvalue)
