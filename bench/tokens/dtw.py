"""Dynamic time warping of many pairs of sequences at once."""

from collections.abc import Callable, Sequence

import numpy as np

from almbench.statistics.tokens import Codes
from almbench.tokens.measure import Floats

CELLS = 2**23  # of the distances that are held at once
Distance = Callable[[int, int], Floats]


def dtw(pairs: Sequence[tuple[int, int]], lengths: Sequence[int], distance: Distance) -> Floats:
    """The mean distance along the cheapest path through each pair.

    The path begins and ends at both ends, and steps by one frame of the one, of the other or of
    both; its cost is the sum of the distances on it, divided by its length, as in the ABX of
    ZeroSpeech. Of paths that cost the same, the one that comes by the diagonal counts.

    Args:
        pairs: Numbers of two sequences each.
        lengths: Frames of each sequence, at least one.
        distance: Distances of the frames of two sequences, **Shape** `[T, T']`, for their numbers.

    Returns:
        **Shape** `[P]`.
    """
    found = np.empty(len(pairs))
    sizes = [max(lengths[i], lengths[j]) for i, j in pairs]
    order = np.argsort(sizes, kind="stable")
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and sizes[order[stop]] ** 2 * (stop + 1 - start) <= CELLS:
            stop += 1
        chosen = order[start:stop]
        found[chosen] = _together([pairs[p] for p in chosen], lengths, distance)
        start = stop
    return found


def _together(
    pairs: Sequence[tuple[int, int]], lengths: Sequence[int], distance: Distance
) -> Floats:
    rows = np.array([lengths[i] for i, _ in pairs])
    columns = np.array([lengths[j] for _, j in pairs])
    cost = np.zeros((rows.max(), columns.max(), len(pairs)))
    for p, (i, j) in enumerate(pairs):
        cost[: lengths[i], : lengths[j], p] = distance(i, j)
    steps = np.ones(cost.shape, np.int32)
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            if i and j:
                best, taken = cost[i - 1, j - 1].copy(), steps[i - 1, j - 1].copy()
                for other, length in (
                    (cost[i - 1, j], steps[i - 1, j]),
                    (cost[i, j - 1], steps[i, j - 1]),
                ):
                    better = other < best
                    best[better], taken[better] = other[better], length[better]
            elif i or j:
                before = (i - 1, j) if i else (i, j - 1)
                best, taken = cost[before], steps[before]
            else:
                continue
            cost[i, j] += best
            steps[i, j] += taken
    at = rows - 1, columns - 1, np.arange(len(pairs))
    return np.asarray(cost[at] / steps[at], np.float64)


def hamming(codes: Sequence[Codes]) -> Distance:
    """Share of the books whose codes differ: 1 minus the cosine of their one-hot vectors.

    Args:
        codes: Codes of each sequence, **Shape** `[K, T]`.
    """
    return lambda i, j: np.mean(codes[i][:, :, None] != codes[j][:, None, :], axis=0)


def angular(vectors: Sequence[Floats]) -> Distance:
    """Angle between vectors, from 0 to 1 for opposite ones; a vector of zeros is at 0.5 to all.

    Args:
        vectors: Vectors of each sequence, **Shape** `[D, T]`.
    """
    units = []
    for one in vectors:
        norms = np.linalg.norm(one, axis=0)
        units.append(one / np.where(norms > 0, norms, 1))
    return lambda i, j: np.arccos(np.clip(units[i].T @ units[j], -1, 1)) / np.pi
