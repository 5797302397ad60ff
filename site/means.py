"""The tables of means: compact for a first look, whole with intervals and rank groups."""

from dataclasses import dataclass

from almbench.results.codec_names import kbps as nominal_text
from almbench.results.codec_names import nominal
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import ARROWS, Comparison, Mark
from almbench.results.metric_record import MetricRecord
from almbench.results.testset_record import TestSetRecord
from almbench.site.language import ntr, tr
from almbench.site.source import Run
from almbench.site.words import hertz, interval, kbps, number

MAX_REASONS = 12
COMPACT = 4  # columns of a compact table, where no metric of the domain is a main one


@dataclass(frozen=True)
class Column:
    """A column of the table of means.

    Attributes:
        name: Name of the metric.
        label: Its name for readers.
        unit: Unit of its values; empty for none.
        arrow: Which way is better, as an arrow; empty where neither is.
        first: How it sorts best first: "descending" or "ascending".
        rate: The sample rate it is computed at; empty where that means nothing.
    """

    name: str
    label: str
    unit: str
    arrow: str
    first: str
    rate: str


@dataclass(frozen=True)
class Cell:
    """A mean.

    Attributes:
        value: The mean; None for none.
        text: The mean for readers; empty for none.
        interval: Its 95 % interval.
        mark: Whether it is the best, ties for the best, or is the next.
        group: Its rank groups, such as "group 2" or "groups 1–3"; empty where it is not ranked.
        count: Over how many clips, if not all.
    """

    value: float | None = None
    text: str = ""
    interval: str = ""
    mark: Mark = ""
    group: str = ""
    count: str = ""


@dataclass(frozen=True)
class Line:
    """A codec's row in the table of means.

    Attributes:
        codec: Facts of the codec, as in the manifest.
        nominal: Its nominal kbps for readers; empty for none.
        seen: Its kbps as measured, else as it follows from its codes, where that reads otherwise.
        own: Whether it is what the suite is about.
        cells: One a column.
    """

    codec: CodecRecord
    nominal: str
    seen: str
    own: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Means:
    """The table of means of a test set.

    Attributes:
        testset: The test set.
        columns: The columns, a metric each.
        lines: The rows, a codec each; first the originals, where they were scored.
        footnotes: What must stand below it.
        missing: Each reason why values are missing, and of what.
        main: Which columns a compact table has, by index.
        seen: What the second figure of a bitrate is: "measured", "from codes" or both; empty where
            there is none.
    """

    testset: TestSetRecord
    columns: list[Column]
    lines: list[Line]
    footnotes: list[str]
    missing: list[tuple[str, str]]
    main: list[int]
    seen: str

    @property
    def intervals(self) -> bool:
        """Whether any mean has an interval."""
        return any(cell.interval for line in self.lines for cell in line.cells)

    @property
    def groups(self) -> bool:
        """Whether any mean is in a rank group."""
        return any(cell.group for line in self.lines for cell in line.cells)


def means(run: Run, table: Comparison) -> Means:
    """Make the table of means of a test set."""
    full = table.filled
    marks = [table.marks(metric) for metric in full]
    lines: list[Line] = []
    kinds: dict[str, None] = {}
    for codec in table.lines:
        cells = [cell(table, codec.id, m, of_m) for m, of_m in zip(full, marks, strict=True)]
        seen, kind = _seen(table, codec)
        kinds[kind] = None
        lines.append(Line(codec, nominal(codec), seen, codec.id == run.own, cells))
    columns = [column(table, metric) for metric in full]
    main = [full.index(metric) for metric in main_metrics(table)]
    seen = " or ".join(filter(None, kinds))
    return Means(table.of, columns, lines, table.footnotes, _missing(run, table), main, seen)


def main_metrics(table: Comparison) -> list[MetricRecord]:
    """The metrics of a first look: the domain's main ones, else some others, that have a value."""
    directed = [metric for metric in table.filled if metric.higher_is_better is not None]
    main = [metric for metric in directed if table.domain in metric.headline]
    return main or (directed or table.filled)[:COMPACT]


def _seen(table: Comparison, codec: CodecRecord) -> tuple[str, str]:
    """A bitrate to stand beside the nominal one, and what it is."""
    measured = table.mean(codec.id, "measured_kbps")
    if measured is not None:
        return kbps(measured), "measured"
    follows = codec.nominal_kbps
    if follows is None or nominal_text(follows) == nominal(codec):
        return "", ""
    return nominal_text(follows), "from codes"


def column(table: Comparison, metric: MetricRecord) -> Column:
    """The heading of a metric's column.

    Args:
        table: The comparison of the test set.
        metric: The metric.
    """
    better, rate = metric.higher_is_better, table.rate_hz(metric)
    first = "ascending" if better is False else "descending"
    at = hertz(rate) if rate else ""
    return Column(metric.name, metric.label, metric.unit, ARROWS[better], first, at)


def cell(
    table: Comparison, codec: str, metric: MetricRecord, marks: dict[str, Mark] | None = None
) -> Cell:
    """The mean of a codec.

    Args:
        table: The comparison of the test set.
        codec: Id of the codec.
        metric: The metric.
        marks: The marks by the metric, where they are at hand.
    """
    marks = table.marks(metric) if marks is None else marks
    name, digits = metric.name, metric.digits
    row = table.cells.get((codec, name))
    if row is None:
        return Cell()
    clips = len(table.of.clips)
    failed = tr("{count} failed", count=row.failed) if row.failed else ""
    if row.mean is None:
        return Cell(count=failed)
    return Cell(
        row.mean,
        number(row.mean, digits),
        interval(row.ci95_low, row.ci95_high, digits),
        marks.get(codec, ""),
        groups(row.rank_group),
        ", ".join(filter(None, (tr("{n} of {all}", n=row.n, all=clips), failed)))
        if row.n != clips
        else "",
    )


def groups(written: str) -> str:
    """Rank groups for readers.

    Args:
        written: As in `summary.csv`.

    >>> groups("1 2 3 5")
    'groups 1–3, 5'
    """
    runs: list[list[int]] = []
    for group in map(int, written.split()):
        if runs and group == runs[-1][-1] + 1:
            runs[-1].append(group)
        else:
            runs.append([group])
    if not runs:
        return ""
    named = ", ".join(f"{r[0]}–{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)
    if " " in written:
        return tr("groups {groups}", groups=named)
    return tr("group {group}", group=named)


def _missing(run: Run, table: Comparison) -> list[tuple[str, str]]:
    """Each reason why values are missing, and where: metrics, codecs, clips.

    A rate that no codec here has, such as that of tokens among codecs without any, is not missing.
    """
    filled = {metric.name for metric in table.filled}
    absent = {m.name for m in table.metrics if m.computed_from != "sound"} - filled
    rows = run.by_metric.table
    rows = rows[(rows["testset"] == table.testset) & rows["value"].isna()]
    rows = rows[~rows["metric"].isin(absent)]
    cases = [
        (str(reason or "no value"), [set(where[column]) for column in ("metric", "codec", "clip")])
        for reason, where in rows.groupby("reason", observed=True, sort=False)
    ]
    metrics = {m.name: m.label for m in table.metrics}
    codecs = {c.id: table.names[c.id].short for c in table.lines}
    listed = []
    for reason, (names, ids, clips) in cases[:MAX_REASONS]:
        count = ntr("{count} clip", "{count} clips", len(clips))
        listed.append(
            (
                reason,
                f"{_some(names, metrics, tr('all metrics'))}; "
                f"{_some(ids, codecs, tr('all codecs'))}; {count}",
            )
        )
    if len(cases) > MAX_REASONS:
        listed.append(
            (tr("{count} more reasons", count=len(cases) - MAX_REASONS), tr("see metrics.csv"))
        )
    return listed


def _some(names: set[str], labels: dict[str, str], all_: str) -> str:
    if len(names) == len(labels) > 1:
        return all_
    return ", ".join(dict.fromkeys(label for name, label in labels.items() if name in names))
