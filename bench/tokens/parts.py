"""Codes of clips in three parts: to learn from, to choose by, and to test on."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from almbench.errors import MetricUndefined
from almbench.statistics.clusters import Numbers
from almbench.statistics.tokens import Codes, Floats
from almbench.tokens.measure import TokenSet

ABSENT = -1  # in place of a token, where there is none
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


@dataclass(frozen=True)
class Data:
    """The clips that have codes, in three parts.

    Attributes:
        codes: Their codes, each **Shape** `[K, T]`, `T >= 1`; `ABSENT` where a codebook that is
            slower than the frames holds the token of before.
        seconds: Their durations, NaN where unknown. **Shape** `[N]`.
        clusters: Their clusters, **Shape** `[N]`.
        sizes: Entries of each codebook.
        strides: Frames that a token of each codebook lasts.
        parts: Which clip is in which part.
        rate: Frames per second, by the clips where it is not stated; None where unknown.
    """

    codes: list[Codes]
    seconds: Floats
    clusters: Numbers
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    parts: Parts
    rate: float | None

    def of(self, part: NDArray[np.bool_]) -> list[Codes]:
        """The codes of the clips of a part."""
        return [codes for codes, inside in zip(self.codes, part, strict=True) if inside]


def split_codes(tokens: TokenSet, seed: int) -> Data:
    """Split all clips, then leave out those without a frame, so that all codecs are split alike.

    Raises:
        MetricUndefined: There are too few clusters, or a part is without codes.
    """
    parts = split(tokens.clipset.clusters, seed)
    kept = np.array([codes.shape[1] > 0 for codes in tokens.codes], bool)
    parts = Parts(parts.train[kept], parts.validation[kept], parts.test[kept])
    if not (parts.train.any() and parts.validation.any() and parts.test.any()):
        raise MetricUndefined("too few clips have codes to learn from some and be tested on others")
    strides = tokens.strides or (1,) * tokens.books
    coded = [once(codes, strides) for codes in tokens.codes if codes.shape[1]]
    seconds = np.array(
        [tokens.seconds(i) or np.nan for i in np.flatnonzero(kept).tolist()], np.float64
    )
    rates = [codes.shape[1] / s for codes, s in zip(coded, seconds, strict=True) if s > 0]
    return Data(
        coded,
        seconds,
        tokens.clipset.clusters[kept],
        tokens.sizes,
        strides,
        parts,
        tokens.frame_rate or (median(rates) if rates else None),
    )


def once(codes: Codes, strides: Sequence[int]) -> Codes:
    """Codes with each token of a slower codebook once, and `ABSENT` in the frames that hold it.

    >>> once(np.array([[7, 7, 8, 8], [1, 2, 3, 4]]), (2, 1)).tolist()
    [[7, -1, 8, -1], [1, 2, 3, 4]]
    """
    lasting = np.arange(codes.shape[1]) % np.array(strides)[:, None] != 0
    return np.where(lasting, ABSENT, codes)


def held(tokens: Codes, stride: int) -> Codes:
    """Undo `once` for a codebook: hold each token, **Shape** `[T]`, as long as it lasts.

    >>> held(np.array([7, -1, 8]), 2).tolist()
    [7, 7, 8]
    """
    return np.repeat(tokens[::stride], stride)[: len(tokens)]
