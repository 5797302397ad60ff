"""Rank groups: which columns of a table of values are not significantly different."""

from itertools import combinations

import numpy as np
import pandas as pd

from almbench.statistics.clusters import Numbers, count_clusters
from almbench.statistics.significance import ALPHA, holm_adjust, paired_t_test


def rank_groups(
    values: pd.DataFrame, clusters: Numbers | None = None, *, higher_is_better: bool
) -> dict[str, str]:
    """Group codecs by Holm-adjusted paired t-tests over clips.

    Two codecs share a group unless they are significantly different. A codec between two that
    differ may be in the groups of both. Groups are found by insertion and absorption: H.-P. Piepho,
    "An algorithm for a letter-based representation of all-pairwise comparisons", J. Comput. Graph.
    Stat. 13 (2004).

    Args:
        values: One row per clip, one column per codec, no value missing. **Shape** `[N, K]`.
        clusters: Number of each clip's cluster; without, each is one of its own. **Shape** `[N]`.
        higher_is_better: Which way is better.

    Returns:
        The numbers of each codec's groups, such as "1" or "1 2"; 1 has the best codec. Empty where
        there is nothing to test: fewer than two clips, clusters or codecs.
    """
    if min(values.shape) < 2 or count_clusters(clusters, len(values)) < 2:
        return dict.fromkeys(values.columns, "")
    best_first = values.mean().sort_values(ascending=not higher_is_better, kind="stable").index
    groups: list[set[str]] = [set(best_first)]
    for pair in significant_pairs(values, clusters):
        groups = [part for group in groups for part in _split(group, pair)]
        groups = [g for i, g in enumerate(groups) if not _absorbed(g, groups, i)]
    place = {codec: i for i, codec in enumerate(best_first)}
    groups.sort(key=lambda group: sorted(place[codec] for codec in group))
    return {
        codec: " ".join(str(i) for i, group in enumerate(groups, start=1) if codec in group)
        for codec in values.columns
    }


def significant_pairs(
    values: pd.DataFrame, clusters: Numbers | None = None
) -> list[tuple[str, str]]:
    """The pairs of columns that a paired t-test, Holm-adjusted for all pairs, finds different.

    Args:
        values: One row per clip, one column per codec, no value missing. **Shape** `[N, K]`.
        clusters: Number of each clip's cluster; without, each is one of its own. **Shape** `[N]`.
    """
    tests = {
        (a, b): paired_t_test((values[a] - values[b]).to_numpy(float), clusters)
        for a, b in combinations(values.columns, 2)
    }
    defined = {pair: p for pair, p in tests.items() if p is not None}
    adjusted = holm_adjust(np.array(list(defined.values())))
    return [pair for pair, p in zip(defined, adjusted, strict=True) if p < ALPHA]


def _split(group: set[str], pair: tuple[str, str]) -> list[set[str]]:
    return [group - {codec} for codec in pair] if group.issuperset(pair) else [group]


def _absorbed(group: set[str], groups: list[set[str]], index: int) -> bool:
    """Whether another group holds all of a group; of equal ones, the first is kept."""
    return any(
        group < other or (group == other and i < index)
        for i, other in enumerate(groups)
        if i != index
    )
