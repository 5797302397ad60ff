"""What the overview shows of a run: what was compared, the means, and what others published."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from almbench.results.codec_names import nominal
from almbench.results.comparison import ARROWS, Comparison
from almbench.results.manifest import CodecRecord, MetricRecord, TestSetRecord
from almbench.site.source import Run, hertz, kbps, number

MAX_REASONS = 12
EXTERNAL_METRICS = {"dnsmos": "DNSMOS", "mushra": "MUSHRA", "utmos": "UTMOS", "wer": "WER"}
"""Names of metrics that only others measured."""


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
        rank: 1 for the best, 2 for the second, else 0.
        group: Its rank groups, such as "group 2" or "groups 1–3"; empty where it is not ranked.
        count: Over how many clips, if not all.
    """

    value: float | None = None
    text: str = ""
    interval: str = ""
    rank: int = 0
    group: str = ""
    count: str = ""


@dataclass(frozen=True)
class Line:
    """A codec's row in the table of means.

    Attributes:
        codec: Facts of the codec, as in the manifest.
        nominal: Its nominal kbps for readers; empty for none.
        cells: One a column.
    """

    codec: CodecRecord
    nominal: str
    cells: list[Cell]


@dataclass(frozen=True)
class Means:
    """The table of means of a test set, its footnotes, and why values are missing, if any are."""

    testset: TestSetRecord
    columns: list[Column]
    lines: list[Line]
    footnotes: list[str]
    missing: list[tuple[str, str]]

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
    lines = [
        Line(codec, nominal(codec), [cell(table, codec.id, metric) for metric in full])
        for codec in table.codecs
    ]
    columns = [column(table, metric) for metric in full]
    return Means(table.of, columns, lines, table.footnotes, _missing(run, table))


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


def cell(table: Comparison, codec: str, metric: MetricRecord) -> Cell:
    """The mean of a codec.

    Args:
        table: The comparison of the test set.
        codec: Id of the codec.
        metric: The metric.
    """
    name, digits = metric.name, metric.digits
    row = table.cells.get((codec, name))
    if row is None:
        return Cell()
    clips = len(table.of.clips)
    failed = f", {row.failed} failed" if row.failed else ""
    if row.mean is None:
        return Cell(count=failed.removeprefix(", "))
    return Cell(
        row.mean,
        number(row.mean, digits),
        interval(row.ci95_low, row.ci95_high, digits),
        table.rank(codec, metric),
        groups(row.rank_group),
        f"{row.n} of {clips}{failed}" if row.n != clips else "",
    )


def interval(low: float | None, high: float | None, digits: int) -> str:
    """The ends of an interval for readers; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"[{number(low, digits)}, {number(high, digits)}]"


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
    return f"group{'s' if ' ' in written else ''} {named}"


def _missing(run: Run, table: Comparison) -> list[tuple[str, str]]:
    """Each reason why values are missing, and where: metrics, codecs, clips.

    A rate that no codec here has, such as that of tokens among codecs without any, is not missing.
    """
    filled = {metric.name for metric in table.filled}
    absent = {m.name for m in table.metrics if m.computed_from != "sound"} - filled
    cases: dict[str, list[tuple[str, str, str]]] = {}
    for (testset, clip, codec), of_clip in run.scores.items():
        for metric, row in of_clip.items():
            if testset == table.testset and row.value is None and metric not in absent:
                cases.setdefault(row.reason or "no value", []).append((metric, codec, clip))
    metrics = {m.name: m.label for m in table.metrics}
    codecs = {c.id: table.names[c.id].short for c in table.codecs}
    listed = []
    for reason, where in list(cases.items())[:MAX_REASONS]:
        names, ids, clips = (set(column) for column in zip(*where, strict=True))
        count = f"{len(clips)} clip{'s' if len(clips) > 1 else ''}"
        listed.append(
            (reason, f"{_some(names, metrics, 'metrics')}; {_some(ids, codecs, 'codecs')}; {count}")
        )
    if len(cases) > MAX_REASONS:
        listed.append((f"{len(cases) - MAX_REASONS} more reasons", "see metrics.csv"))
    return listed


def _some(names: set[str], labels: dict[str, str], kind: str) -> str:
    if len(names) == len(labels) > 1:
        return f"all {kind}"
    return ", ".join(dict.fromkeys(label for name, label in labels.items() if name in names))


@dataclass(frozen=True)
class Figure:
    """A figure that was published of a codec, beside the mean measured here; texts."""

    codec: CodecRecord
    metric: str
    value: str
    measured: str
    source: str


def published(run: Run, table: Comparison) -> list[Figure]:
    """What the suite says was published for a test set or its domain."""
    codecs = {codec.id: codec for codec in table.codecs}
    metrics = {metric.name: metric for metric in table.metrics}
    made = []
    for figure in run.manifest.suite.published:
        if figure.codec in codecs and table.testset == (figure.testset or table.testset):
            if figure.domain not in (None, table.domain):
                continue
            facts = metrics.get(figure.metric)
            measured = cell(table, figure.codec, facts).text if facts else ""
            label = facts.label if facts else EXTERNAL_METRICS.get(figure.metric, figure.metric)
            value = number(figure.value, _decimals(figure.value))
            made.append(Figure(codecs[figure.codec], label, value, measured, figure.source))
    return made


def _decimals(value: float) -> int:
    """So many decimals as the shortest way to write it has, at least one."""
    return max(1, -int(Decimal(repr(value)).as_tuple().exponent))


@dataclass(frozen=True)
class CodecTable:
    """Facts of the codecs of a run: headings, and each codec with its values."""

    headings: list[str]
    rows: list[tuple[CodecRecord, list[str]]]


def codec_table(run: Run) -> CodecTable:
    """Make the table of codecs; a column without any value is left out."""
    columns: dict[str, Callable[[CodecRecord], str]] = {
        "Family": lambda c: str(c.family),
        "Nominal kbps": nominal,
        "Measured kbps": lambda c: measured_rate(run, c.id),
        "Codes": _codes,
        "Sample rate": lambda c: sample_rate(run, c),
        "Licence": _license,
    }
    codecs = run.manifest.codecs
    values = {name: [make(codec) for codec in codecs] for name, make in columns.items()}
    shown = [name for name in values if any(values[name])]
    rows = [(codec, [values[name][i] for name in shown]) for i, codec in enumerate(codecs)]
    return CodecTable(shown, rows)


def measured_rate(run: Run, codec: str) -> str:
    """A codec's measured kbps: the least and the greatest mean over the test sets."""
    means = [table.mean(codec, "measured_kbps") for table in run.tables]
    found = sorted(mean for mean in means if mean is not None)
    return "–".join(dict.fromkeys(kbps(value) for value in (found[:1] + found[-1:])))


def _codes(codec: CodecRecord) -> str:
    if not (codec.frame_rate and codec.codebook_sizes):
        return ""
    sizes = codec.codebook_sizes
    entries = "/".join(str(size) for size in dict.fromkeys(sizes))
    return f"{codec.frame_rate:g} Hz × {len(sizes)} of {entries}"


def sample_rate(run: Run, codec: CodecRecord) -> str:
    """A codec's own sample rate, or those of what it gave."""
    if codec.sample_rate:
        return hertz(codec.sample_rate)
    rows = [row for row in run.clips if row.codec == codec.id]
    rates = {row.sample_rate_hz for row in rows if row.sample_rate_hz}
    return ", ".join(map(hertz, sorted(rates)))


def _license(codec: CodecRecord) -> str:
    weights = codec.weights_license
    return "; ".join(filter(None, (codec.license, f"weights {weights}" if weights else "")))


def duration(seconds: float) -> str:
    """A duration for readers."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
