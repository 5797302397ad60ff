"""The mean of values that come in clusters: its standard error and degrees of freedom.

Clips of one speaker, track or recording are not independent: a codec that does badly by one of them
does badly by all. What is independent is the cluster, so errors and degrees of freedom count
clusters. Where every clip is a cluster of its own, all this is Student's t over clips.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


class MeanError(NamedTuple):
    """A mean with its standard error, **Shape** `[*]`, and the degrees of freedom of both."""

    mean: Floats
    error: Floats
    df: float


def number_clusters(names: Sequence[str]) -> Numbers:
    """Number the clusters of clips from 0; a clip without a name is a cluster of its own.

    Args:
        names: The cluster of each clip.

    >>> number_clusters(["anna", "ben", "anna", "", ""]).tolist()
    [0, 1, 0, 2, 3]
    """
    keys = [(name, -1) if name else ("", i) for i, name in enumerate(names)]
    places = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([places[key] for key in keys], np.int64)


def mean_error(values: Floats, clusters: Numbers | None = None) -> MeanError:
    """The mean of values with its cluster-robust standard error.

    The bias-reduced estimator (CR2) and the Satterthwaite degrees of freedom of R. M. Bell and
    D. F. McCaffrey, "Bias reduction in standard errors for linear regression with multi-stage
    samples", Survey Methodology 28 (2002), recommended for few clusters by G. W. Imbens and
    M. Kolesár, "Robust standard errors in small samples: some practical advice", Rev. Econ. Stat.
    98 (2016). With N values, of which n_g are in cluster g, shares w_g = n_g / N and u_g the sum of
    the deviations from the mean in g::

        error^2 = sum_g u_g^2 / (1 - w_g) / N^2
        df = (sum_g M_gg)^2 / sum_gh M_gh^2
        M_gh = (n_g [g = h] - n_g w_h) / sqrt((1 - w_g) (1 - w_h))

    As M_gg = n_g, and M_gh^2 = a_g a_h elsewhere with a_g = n_g w_g / (1 - w_g), time and memory
    grow with N alone::

        df = N^2 / (sum_g n_g^2 + (sum_g a_g)^2 - sum_g a_g^2)

    Of G clusters of equal size, that is t over the means of the clusters with G - 1 degrees.

    Args:
        values: **Shape** `[*, N]`, at least two.
        clusters: Number of each value's cluster, at least two of them; without, each value is one
            of its own. **Shape** `[N]`.
    """
    count = values.shape[-1]
    numbers = np.arange(count) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    sizes = np.diff(starts, append=count).astype(float)
    shares = sizes / count
    mean = values.mean(axis=-1)
    sums = np.add.reduceat((values - mean[..., None])[..., order], starts, axis=-1)
    error = np.sqrt((sums**2 / (1 - shares)).sum(axis=-1)) / count
    a = sizes * shares / (1 - shares)
    squares = (sizes**2).sum() + a.sum() ** 2 - (a**2).sum()
    return MeanError(mean, error, float(count**2 / squares))


def count_clusters(clusters: Numbers | None, count: int) -> int:
    """The number of clusters of `count` values; each is one of its own without `clusters`."""
    return count if clusters is None else len(np.unique(clusters))
