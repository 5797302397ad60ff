"""Rank groups: which codecs of a table cannot be told apart."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from almbench.policies import CONFIDENCE
from almbench.runner.plan import Plan, TestSet


def rank_groups(values: pd.DataFrame, *, higher_is_better: bool) -> dict[str, str]:
    """Group codecs by paired t-tests over clips, adjusted after Holm for their number.

    Two codecs share a group unless the test of that pair tells them apart. A codec between two that
    differ may be in the groups of both. Groups are found by insertion and absorption: H.-P. Piepho,
    "An algorithm for a letter-based representation of all-pairwise comparisons", J. Comput. Graph.
    Stat. 13 (2004).

    Args:
        values: A row a clip, a column a codec, nothing lacking. **Shape** `[N, K]`.
        higher_is_better: Which way is better.

    Returns:
        The numbers of each codec's groups, such as "1" or "1 2"; 1 has the best codec. Empty where
        there is nothing to test: fewer than two clips or codecs.
    """
    if min(values.shape) < 2:
        return dict.fromkeys(values.columns, "")
    best_first = values.mean().sort_values(ascending=not higher_is_better, kind="stable").index
    groups: list[set[str]] = [set(best_first)]
    for pair in _told_apart(values):
        groups = [part for group in groups for part in _split(group, pair)]
        groups = [g for i, g in enumerate(groups) if not _absorbed(g, groups, i)]
    place = {codec: i for i, codec in enumerate(best_first)}
    groups.sort(key=lambda group: sorted(place[codec] for codec in group))
    return {
        codec: " ".join(str(i) for i, group in enumerate(groups, start=1) if codec in group)
        for codec in values.columns
    }


def with_rank_groups(summary: pd.DataFrame, metrics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Fill the column `rank_group` of a summary.

    As with the marks of a table, anchors take no part, nor do codecs that were scored on fewer
    clips than another, nor metrics of which neither way is better.

    Args:
        summary: The summary.
        metrics: The table of every value.
        plan: What was run.
    """
    found: dict[tuple[str, str, str], str] = {}
    for testset in plan.testsets:
        rows = metrics[metrics["testset"] == testset.name]
        for metric, better in _directions(testset).items():
            values = _comparable(rows[rows["metric"] == metric], testset)
            for codec, group in rank_groups(values, higher_is_better=better).items():
                found[testset.name, codec, metric] = group
    keys = zip(summary["testset"], summary["codec"], summary["metric"], strict=True)
    return summary.assign(rank_group=[found.get(key, "") for key in keys])


def _directions(testset: TestSet) -> dict[str, bool]:
    return {
        metric.name: metric.higher_is_better
        for judge in testset.judges
        for metric in judge.metrics
        if metric.higher_is_better is not None
    }


def _comparable(rows: pd.DataFrame, testset: TestSet) -> pd.DataFrame:
    """The values over the clips that all ranked codecs share: a row a clip, a column a codec."""
    anchors = {entry.spec.id for entry in testset.entries if entry.spec.anchor}
    ranked = rows[rows["value"].notna() & ~rows["codec"].isin(anchors)]
    values = ranked.pivot_table(index="clip", columns="codec", values="value", sort=False)
    counts = values.count()
    return values[counts.index[counts == counts.max()]].astype(float).dropna()


def _told_apart(values: pd.DataFrame) -> list[tuple[Any, Any]]:
    from almbench.statistics.inference import holm, paired_t

    tests = {
        pair: paired_t((values[pair[0]] - values[pair[1]]).to_numpy())
        for pair in combinations(values.columns, 2)
    }
    defined = {pair: p for pair, p in tests.items() if p is not None}
    adjusted = holm(np.array(list(defined.values())))
    return [pair for pair, p in zip(defined, adjusted, strict=True) if p < 1 - CONFIDENCE]


def _split(group: set[str], pair: tuple[str, str]) -> list[set[str]]:
    return [group - {codec} for codec in pair] if group.issuperset(pair) else [group]


def _absorbed(group: set[str], groups: list[set[str]], index: int) -> bool:
    """Whether another group holds all of a group; of equal ones, the first is kept."""
    return any(
        group < other or (group == other and i < index)
        for i, other in enumerate(groups)
        if i != index
    )
