"""Rank groups of a run: which codecs of a test set are not significantly different by a metric."""

from dataclasses import replace

import pandas as pd

from almbench.names import ORIGINAL
from almbench.results.manifest import Manifest
from almbench.results.table_rows import MetricRow, SummaryRow
from almbench.statistics.rank_groups import rank_groups


def with_rank_groups(
    summary: list[SummaryRow], metrics: list[MetricRow], manifest: Manifest
) -> list[SummaryRow]:
    """Fill the field `rank_group` of a summary.

    As with the marks of a table, originals and anchors take no part, nor do codecs that were scored
    on fewer clips than another, nor metrics without a better direction.

    Args:
        summary: The summary.
        metrics: Every value.
        manifest: What was run.
    """
    anchors = {ORIGINAL, *(codec.id for codec in manifest.codecs if codec.anchor)}
    values: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    for row in metrics:
        if row.value is not None and row.codec not in anchors:
            values.setdefault((row.testset, row.metric), {})[row.clip, row.codec] = row.value
    groups: dict[tuple[str, str, str], str] = {}
    for (testset, metric), of_metric in values.items():
        better = manifest.metrics_by_name[metric].higher_is_better
        if better is not None:
            comparable = _comparable(of_metric)
            clusters = manifest.testsets_by_name[testset].clusters(comparable.index)
            found = rank_groups(comparable, clusters, higher_is_better=better)
            for codec, group in found.items():
                groups[testset, codec, metric] = group
    return [
        replace(row, rank_group=groups.get((row.testset, row.codec, row.metric), ""))
        for row in summary
    ]


def _comparable(values: dict[tuple[str, str], float]) -> pd.DataFrame:
    """The values over the clips that all ranked codecs share, one row per clip.

    Args:
        values: The value of each (clip, codec).
    """
    clips = list(dict.fromkeys(clip for clip, _ in values))
    columns: dict[str, dict[str, float]] = {}
    for (clip, codec), value in values.items():
        columns.setdefault(codec, {})[clip] = value
    table = pd.DataFrame(columns, index=clips, dtype=float)
    counts = table.count()
    return table[counts.index[counts == counts.max()]].dropna()
