"""Clips drawn so that all kinds of them are alike in number."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from almbench.statistics.clusters import Numbers


def in_turns(kinds: Sequence[Hashable], count: int, seed: int) -> Numbers:
    """Draw one of each kind, such as a word, in turn: places in order, **Shape** `[M]`.

    Args:
        kinds: The kind of each.
        count: How many, at most.
        seed: Seed of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(kinds))
    seen: Counter[Hashable] = Counter()
    turns = []
    for place in order:
        turns.append(seen[kinds[place]])
        seen[kinds[place]] += 1
    return np.sort(order[np.argsort(turns, kind="stable")][:count])
