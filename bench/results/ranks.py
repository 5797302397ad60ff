"""Rank groups of a run: which codecs of a test set are not significantly different by a metric."""

from dataclasses import replace

import pandas as pd

from almbench.names import ORIGINAL
from almbench.results.manifest import Manifest
from almbench.results.table_rows import SummaryRow
from almbench.results.values import Values
from almbench.statistics.rank_groups import rank_groups


def with_rank_groups(
    summary: list[SummaryRow], values: Values, manifest: Manifest
) -> list[SummaryRow]:
    """Fill the field `rank_group` of a summary.

    As with the marks of a table, originals and anchors take no part, nor do codecs that were scored
    on fewer clips than another, nor metrics without a better direction.

    Args:
        summary: The summary.
        values: Every value.
        manifest: What was run.
    """
    anchors = {ORIGINAL, *(codec.id for codec in manifest.codecs if codec.anchor)}
    groups: dict[tuple[str, str, str], str] = {}
    for testset, metric in values:
        better = manifest.metrics_by_name[metric].higher_is_better
        if better is not None:
            of_metric = values.of(testset, metric)
            comparable = _comparable(of_metric[[id_ for id_ in of_metric if id_ not in anchors]])
            clusters = manifest.testsets_by_name[testset].clusters(comparable.index)
            found = rank_groups(comparable, clusters, higher_is_better=better)
            for codec, group in found.items():
                groups[testset, codec, metric] = group
    return [
        replace(row, rank_group=groups.get((row.testset, row.codec, row.metric), ""))
        for row in summary
    ]


def _comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The values over the clips that all ranked codecs share, one row per clip.

    Args:
        table: One row per clip, one column per codec, NaN for no value.
    """
    counts = table.count()
    return table[counts.index[counts == counts.max()]].dropna()
