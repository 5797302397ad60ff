"""Intervals of means."""

import numpy as np
from numpy.typing import NDArray

from almbench.policies import BOOTSTRAP_RESAMPLES, CONFIDENCE


def mean_interval(
    values: NDArray[np.float64], seed: int
) -> tuple[float | None, float | None, float | None]:
    """Mean of values over clips, with its percentile bootstrap interval.

    B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).

    Args:
        values: **Shape** `[N]`, one a clip.
        seed: Seed of the resampling; equal for all codecs, so that equal clips are drawn.

    Returns:
        The mean and the two ends of its 95 % interval; None where there is no value, and no
        interval of a single one.
    """
    if not len(values):
        return None, None, None
    mean = float(values.mean())
    if len(values) == 1:
        return mean, None, None
    from scipy.stats import bootstrap

    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=BOOTSTRAP_RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return mean, float(interval.low), float(interval.high)
