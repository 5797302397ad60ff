"""The rank groups of a summary table."""

import pandas as pd

from almbench.runner.plan import Plan, TestSet
from almbench.statistics.rank_groups import rank_groups


def with_rank_groups(summary: pd.DataFrame, metrics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Fill the column `rank_group` of a summary.

    As with the marks of a table, anchors take no part, nor do codecs that were scored on fewer
    clips than another, nor metrics without a better direction.

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
    """The values over the clips that all ranked codecs share. **Shape** `[clips, codecs]`."""
    anchors = {entry.spec.id for entry in testset.entries if entry.spec.anchor}
    ranked = rows[rows["value"].notna() & ~rows["codec"].isin(anchors)]
    values = ranked.pivot_table(index="clip", columns="codec", values="value", sort=False)
    counts = values.count()
    return values[counts.index[counts == counts.max()]].astype(float).dropna()
