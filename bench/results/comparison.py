"""The comparison table: one row per codec, one column per metric, the best marked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from almbench.domains import Domain
from almbench.results.codec_names import CodecName, name_codecs
from almbench.results.codec_record import ORIGINALS, CodecRecord
from almbench.results.manifest import Manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.table_rows import SummaryRow
from almbench.results.testset_record import TestSetRecord

TIE = "⁼"
MARKS = (
    f"Bold: the best, where none ties with it; {TIE}: ties for the best, not significantly "
    "different from it; underlined: the next, and what ties with it."
)
"""What the marks of a table say, for readers."""
Mark = Literal["best", "tied", "next", ""]
ARROWS = {True: "↑", False: "↓", None: ""}


@dataclass(frozen=True)
class Comparison:
    """One test set's table.

    Attributes:
        of: The test set.
        codecs: The codecs, in order.
        metrics: The metrics that tables compare, in order.
        cells: The summary row of (codec id, metric name), those of single codebooks included.
        names: The names of each codec of the run, and of the originals, by id.
    """

    of: TestSetRecord
    codecs: list[CodecRecord]
    metrics: list[MetricRecord]
    cells: dict[tuple[str, str], SummaryRow]
    names: dict[str, CodecName]

    @property
    def testset(self) -> str:
        """Name of the test set."""
        return self.of.name

    @property
    def domain(self) -> Domain:
        """Its domain."""
        return self.of.domain

    @property
    def lines(self) -> list[CodecRecord]:
        """What has a row: the originals, if no-reference metrics scored them, and the codecs."""
        scored = any(id_ == ORIGINALS.id for id_, _ in self.cells)
        return [ORIGINALS, *self.codecs] if scored else self.codecs

    def mean(self, codec: str, metric: str) -> float | None:
        """The mean of a codec by a metric; None for none."""
        row = self.cells.get((codec, metric))
        return row.mean if row else None

    def rate_hz(self, metric: MetricRecord) -> int | None:
        """The sample rate that a metric is computed at here; None where that means nothing."""
        return (metric.rate or self.of.scoring_rate) if metric.computed_from == "sound" else None

    def over(self, metrics: Iterable[MetricRecord]) -> str:
        """What the means of some metrics are over: all clips, or how many of them have values."""
        names = {metric.name for metric in metrics}
        counts = {row.n for (_, name), row in self.cells.items() if name in names and row.n}
        every = len(self.of.clips)
        if self.of.means or not counts or min(counts) >= every:
            return self.of.size
        least, most = min(counts), max(counts)
        return f"{least if least == most else f'{least} to {most}'} of {self.of.size}"

    def most_clips(self, metric: str) -> int:
        """Over how many clips the mean of a metric is, at most."""
        return max((row.n for (_, name), row in self.cells.items() if name == metric), default=0)

    def ranked(self, metric: MetricRecord) -> dict[str, set[str]]:
        """The rank groups of each codec that is ranked by a metric, the best first.

        Two codecs that share a group tie: the test set does not tell them apart.
        """
        rows = {
            record.id: (row.mean, set(row.rank_group.split()))
            for record in self.codecs
            if (row := self.cells.get((record.id, metric.name)))
            and row.mean is not None
            and row.rank_group
        }
        best_first = bool(metric.higher_is_better)
        order = sorted(rows, key=lambda id_: rows[id_][0], reverse=best_first)
        return {id_: rows[id_][1] for id_ in order}

    def ranks(self, metric: MetricRecord) -> dict[str, int]:
        """1 for the best codec and all that tie with it, 2 for the next and its ties.

        Where all tie, nothing has a rank, and codecs outside the rank groups, such as anchors, have
        none.
        """
        left = self.ranked(metric)
        ties: list[list[str]] = []
        while left and len(ties) < 2:
            best = next(iter(left.values()))
            ties.append([id_ for id_, groups in left.items() if groups & best])
            left = {id_: groups for id_, groups in left.items() if id_ not in ties[-1]}
        if len(ties) < 2:
            return {}
        return {id_: place for place, tied in enumerate(ties, start=1) for id_ in tied}

    def rank(self, codec: str, metric: MetricRecord) -> int:
        """The rank of a codec as `ranks` gives it; 0 for none."""
        return self.ranks(metric).get(codec, 0)

    def ties(self, codec: str, metric: MetricRecord) -> list[str]:
        """The ids of the codecs that tie with a codec by a metric, the best first."""
        ranked = self.ranked(metric)
        own = ranked.get(codec, set())
        return [id_ for id_, groups in ranked.items() if id_ != codec and groups & own]

    def marks(self, metric: MetricRecord) -> dict[str, Mark]:
        """How the means of codecs are marked: "best" where none ties with it, else "tied"."""
        ranks = self.ranks(metric)
        first: Mark = "best" if list(ranks.values()).count(1) == 1 else "tied"
        return {id_: first if rank == 1 else "next" for id_, rank in ranks.items()}

    def mark(self, codec: str, metric: MetricRecord) -> Mark:
        """How the mean of a codec is marked; empty for not at all."""
        return self.marks(metric).get(codec, "")

    @property
    def filled(self) -> list[MetricRecord]:
        """The metrics that have a value for some codec."""
        return [
            metric
            for metric in self.metrics
            if any(self.mean(codec.id, metric.name) is not None for codec in self.codecs)
        ]

    @property
    def footnotes(self) -> list[str]:
        """What must stand below the table."""
        return [metric.footnote for metric in self.filled if metric.footnote]


def compare(summary: list[SummaryRow], manifest: Manifest) -> list[Comparison]:
    """Make the comparison tables of a run, one per test set."""
    tables = []
    codec_names = name_codecs([ORIGINALS, *manifest.codecs])
    for testset in manifest.testsets:
        cells = {(row.codec, row.metric): row for row in summary if row.testset == testset.name}
        ran = {codec for codec, _ in cells}
        names = dict.fromkeys(metric for _, metric in cells)
        metrics = [manifest.metrics_by_name[n] for n in names if n in manifest.metrics_by_name]
        tables.append(
            Comparison(
                testset,
                [manifest.codecs_by_id[id_] for id_ in testset.codecs if id_ in ran],
                [metric for metric in metrics if metric.compared],
                cells,
                codec_names,
            )
        )
    return tables


def cell(
    table: Comparison,
    codec: str,
    metric: MetricRecord,
    missing: str = "",
    *,
    intervals: bool = False,
) -> str:
    """A mean as text, with the count of its clips where another codec has more.

    Args:
        table: The comparison.
        codec: Id of the codec.
        metric: The metric.
        missing: What stands for no value.
        intervals: Whether its 95 % interval stands beside it, where there is one.
    """
    row = table.cells.get((codec, metric.name))
    if row is None or row.mean is None:
        return missing
    count = f" (n={row.n})" if row.n < table.most_clips(metric.name) else ""
    number = f"z.{metric.digits}f"
    interval = ""
    if intervals and row.ci95_low is not None and row.ci95_high is not None:
        interval = f" [{row.ci95_low:{number}}, {row.ci95_high:{number}}]"
    return f"{row.mean:{number}}{interval}{count}"


def metric_label(metric: MetricRecord) -> str:
    """A metric's label with unit and the arrow that says which way is better."""
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.label}{unit} {ARROWS[metric.higher_is_better]}".rstrip()


def formatted(
    table: Comparison, forms: Mapping[Mark, str], missing: str, *, intervals: bool = False
) -> pd.DataFrame:
    """The table as text, without the metrics that have no value at all.

    Args:
        table: The comparison.
        forms: The format of each mark, with `{}` for the number.
        missing: What stands for no value.
        intervals: Whether 95 % intervals stand beside the means.
    """
    columns: dict[str, list[str]] = {"Codec": [table.names[c.id].label for c in table.lines]}
    for metric in table.filled:
        columns[metric_label(metric)] = [
            _marked(forms[table.mark(codec.id, metric)], text)
            for codec in table.lines
            for text in [cell(table, codec.id, metric, missing, intervals=intervals)]
        ]
    return pd.DataFrame(columns)


def _marked(form: str, text: str) -> str:
    """Mark the number of a cell, and not what stands behind it."""
    number, space, rest = text.partition(" ")
    return form.format(number) + space + rest
