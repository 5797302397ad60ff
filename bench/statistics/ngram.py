"""An interpolated n-gram model of the tokens of one codebook: how probable each is under it.

F. Jelinek and R. L. Mercer, "Interpolated estimation of Markov source parameters from sparse data",
Pattern Recognition in Practice, 1980: a weighted sum of the uniform distribution, of the
frequencies of the tokens, of their frequencies after the token before (none before a clip's first),
and of those given the token of the codebook below in the same frame. A context that is new leaves
the token's own frequency. The weights are found by expectation maximization, on tokens that the
frequencies were not counted in.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Count = Callable[[Codes, Codes], Codes]
"""How often each event of tokens was seen where the model learns: `(events, owners)`, both `[N]`.
"""

EM_STEPS = 200
EM_PRECISION = 1e-6  # of a weight


def leave_one_out(tokens: Codes, below: Codes | None, owners: Codes, size: int) -> Floats:
    """Probability of each token under a model of the other clips.

    The weights of each half of the clips are found on the other half, each clip of which is
    predicted by the others in the same way, so that no clip is predicted by what was learnt from
    itself.

    Args:
        tokens: **Shape** `[N]`, as all below.
        below: The token of the codebook below; None for the first.
        owners: The clip of each.
        size: Entries of the codebook.
    """
    parts = _parts(tokens, below, owners, size, _elsewhere)
    halves = owners % 2 == 0
    mixed = np.empty(len(tokens))
    for half in (halves, ~halves):
        mixed[half] = _weights(parts[:, ~half]) @ parts[:, half]
    return mixed


def held_out(
    tokens: Codes, below: Codes | None, owners: Codes, size: int, learns: Flags, tunes: Flags
) -> Floats:
    """Probability of each token under a model of some of the clips.

    Args:
        tokens: **Shape** `[N]`, as the next two.
        below: The token of the codebook below; None for the first.
        owners: The clip of each.
        size: Entries of the codebook.
        learns: Whether a clip's tokens are counted. **Shape** `[clips]`, as the next.
        tunes: Whether the weights are found on a clip's tokens.
    """

    def learnt(events: Codes, of: Codes) -> Codes:
        event, count = _numbered(events)
        return np.asarray(np.bincount(event[learns[of]], minlength=count)[event])

    parts = _parts(tokens, below, owners, size, learnt)
    return np.asarray(_weights(parts[:, tunes[owners]]) @ parts)


def _parts(tokens: Codes, below: Codes | None, owners: Codes, size: int, count: Count) -> Floats:
    """Probability of each token by each part of the mixture, **Shape** `[P, N]`."""
    uniform = np.full(len(tokens), 1 / size)
    unigram = _frequencies(tokens, np.zeros_like(tokens), owners, uniform, size, count)
    follows = np.flatnonzero(owners[1:] == owners[:-1]) + 1
    bigram = unigram.copy()
    bigram[follows] = _frequencies(
        tokens[follows], tokens[follows - 1], owners[follows], unigram[follows], size, count
    )
    parts = [uniform, unigram, bigram]
    if below is not None:
        parts.append(_frequencies(tokens, below, owners, unigram, size, count))
    return np.stack(parts)


def _frequencies(
    tokens: Codes, contexts: Codes, owners: Codes, otherwise: Floats, size: int, count: Count
) -> Floats:
    """Frequency of each token in its context where the model learns; `otherwise` where new."""
    c = count(contexts * size + tokens, owners)
    n = count(contexts, owners)
    return np.where(n > 0, c / np.maximum(n, 1), otherwise)


def _elsewhere(events: Codes, owners: Codes) -> Codes:
    """How often each event occurs in the clips other than its own."""
    event, count = _numbered(events)
    place, _ = _numbered(owners * count + event)
    return np.asarray(np.bincount(event)[event] - np.bincount(place)[place])


def _weights(parts: Floats) -> Floats:
    """Weights of a mixture that make its tokens likeliest, by expectation maximization.

    Args:
        parts: Probability of each token by each part, **Shape** `[P, N]`; the first is never 0.
    """
    weights = np.full(len(parts), 1 / len(parts))
    for _ in range(EM_STEPS):
        shares = weights[:, None] * parts
        updated = (shares / shares.sum(axis=0)).mean(axis=1)
        done = np.abs(updated - weights).max() < EM_PRECISION
        weights = updated
        if done:
            break
    floor = 0.5 / parts.shape[1]  # the uniform part's: what has not been seen is never impossible
    weights = np.maximum(weights, np.where(np.arange(len(weights)) == 0, floor, 0))
    return np.asarray(weights / weights.sum(), np.float64)


def _numbered(values: Codes) -> tuple[Codes, int]:
    """Number the distinct values from 0, by hashing, which is faster than sorting.

    Returns:
        The number of each value, and how many distinct ones there are.
    """
    numbers, names = pd.factorize(values)
    return numbers, len(names)
