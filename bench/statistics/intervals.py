"""Confidence intervals of means and proportions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from almbench.policies import BOOTSTRAP_RESAMPLES, CONFIDENCE


class Estimate(NamedTuple):
    """A mean and the ends of its 95 % interval; None where there is none."""

    mean: float | None
    low: float | None
    high: float | None


def bootstrap_interval(values: NDArray[np.float64], seed: int) -> Estimate:
    """Mean with its percentile bootstrap interval.

    B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).

    Args:
        values: One per clip. **Shape** `[N]`.
        seed: Seed of the resampling; equal for all codecs, so that equal clips are drawn.

    Returns:
        No mean of no value, no interval of a single one.
    """
    if len(values) < 2:
        return _without_interval(values)
    from scipy.stats import bootstrap

    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=BOOTSTRAP_RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Estimate(float(values.mean()), float(interval.low), float(interval.high))


def t_interval(values: NDArray[np.float64]) -> Estimate:
    """Mean with Student's t-interval.

    With the 5 to 20 listeners of a usual panel it keeps its stated coverage, which a percentile
    bootstrap over listeners does not: that lacks the small-sample factor of t.

    Student, "The probable error of a mean", Biometrika 6 (1908).

    Args:
        values: One per listener. **Shape** `[N]`.

    Returns:
        No mean of no value, no interval of a single one.
    """
    if len(values) < 2:
        return _without_interval(values)
    from scipy.stats import t

    mean = float(values.mean())
    factor = t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    half = float(factor * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, mean - half, mean + half)


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


def _without_interval(values: NDArray[np.float64]) -> Estimate:
    return Estimate(float(values[0]) if len(values) else None, None, None)
