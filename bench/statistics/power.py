"""Power: the smallest difference that a test set can show."""

import numpy as np

from almbench.statistics.significance import ALPHA

POWER = 0.8
NODES = 4_000  # of the quadrature; exact to 1e-4


def smallest_difference(error: float, df: float, comparisons: int = 1) -> float:
    """The smallest true difference that a two-sided t-test finds with a power of 80 %.

    From the noncentral t distribution: J. Cohen, "Statistical power analysis for the behavioral
    sciences", 2nd ed. (1988), chapter 2.

    Args:
        error: Standard error of the mean difference.
        df: Its degrees of freedom.
        comparisons: How many comparisons share the level of 5 % (Bonferroni; Holm is never
            stricter).

    >>> round(smallest_difference(1 / 20**0.5, 19), 3)  # 20 clips, differences of SD 1
    0.66
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, norm, t

    critical = float(t.ppf(1 - ALPHA / comparisons / 2, df))
    # The mean over the distribution of the standard error; scipy's nct gives NaN for few degrees.
    quantiles = (np.arange(NODES) + 0.5) / NODES
    limits = critical * np.sqrt(chi2.ppf(quantiles, df) / df)

    def missing(noncentrality: float) -> float:
        found = norm.sf(limits - noncentrality) + norm.cdf(-limits - noncentrality)
        return float(found.mean()) - POWER

    most = critical + 2.0
    while missing(most) < 0:
        most *= 2
    return float(brentq(missing, 0.0, most)) * error
