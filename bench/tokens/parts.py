"""Clips in three parts: to learn from, to choose by, and to test on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from almbench.errors import MetricUndefined
from almbench.statistics.clusters import Numbers

LEAST_CLUSTERS = 3
TEST, VALIDATION = 1 / 4, 1 / 8  # of the clusters, rounded up


@dataclass(frozen=True)
class Parts:
    """Which clips are in which part; each **Shape** `[N]`.

    Attributes:
        train: A model learns from these.
        validation: Where to stop, and what else there is to choose, is found on these.
        test: These are predicted, once.
    """

    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]


def split(clusters: Numbers, seed: int) -> Parts:
    """Split clips by whole clusters: a quarter to test on, an eighth to choose by, the rest.

    Args:
        clusters: The cluster of each clip, **Shape** `[N]`.
        seed: Seed of the draw.

    Raises:
        MetricUndefined: There are fewer than three clusters.
    """
    names = np.unique(clusters)
    if len(names) < LEAST_CLUSTERS:
        raise MetricUndefined(
            f"a model needs one cluster of clips (such as a speaker) to learn from, one to choose "
            f"by and one to be tested on; there {'is' if len(names) == 1 else 'are'} {len(names)}"
        )
    drawn = np.random.default_rng(seed).permutation(names)
    test, both = (int(np.ceil(share * len(names))) for share in (TEST, TEST + VALIDATION))
    both = max(both, test + 1)
    return Parts(
        np.isin(clusters, drawn[both:]),
        np.isin(clusters, drawn[test:both]),
        np.isin(clusters, drawn[:test]),
    )
