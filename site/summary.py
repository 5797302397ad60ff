"""What the overview shows of a run: what was compared, the means, and what others published."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from almbench.results.comparison import ARROWS, RATES, Comparison, with_values
from almbench.site.metricnotes import ELSEWHERE
from almbench.site.source import Run, hertz, kbps, number

LACKING_SHOWN = 12


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
        nominal: Its nominal kbit/s for readers; empty for none.
        cells: One a column.
    """

    codec: dict[str, Any]
    nominal: str
    cells: list[Cell]


@dataclass(frozen=True)
class Means:
    """The table of means of a test set, and why values are lacking, if any are."""

    testset: dict[str, Any]
    columns: list[Column]
    lines: list[Line]
    lacking: list[tuple[str, str]]

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
    full = with_values(table)
    lines = [
        Line(codec, _nominal(codec), [cell(run, table, codec["id"], metric) for metric in full])
        for codec in table.codecs
    ]
    columns = [column(metric) for metric in full]
    return Means(run.testset(table.testset), columns, lines, _lacking(run, table))


def column(metric: dict[str, Any]) -> Column:
    """The heading of a metric's column.

    Args:
        metric: Facts of the metric, as in a comparison.
    """
    better, rate = metric["higher_is_better"], metric["rate_hz"]
    first = "ascending" if better is False else "descending"
    at = hertz(rate) if rate else ""
    return Column(metric["name"], metric["label"], metric["unit"], ARROWS[better], first, at)


def cell(run: Run, table: Comparison, codec: str, metric: dict[str, Any]) -> Cell:
    """The mean of a codec.

    Args:
        run: The run.
        table: The comparison of the test set.
        codec: Id of the codec.
        metric: Facts of the metric, as in the comparison.
    """
    name, digits = metric["name"], metric["digits"]
    row = table.cells.get((codec, name))
    if row is None:
        return Cell()
    clips = run.testset(table.testset)["clips"]
    failed = f", {row['failed']} failed" if row["failed"] else ""
    if pd.isna(row["mean"]):
        return Cell(count=failed.removeprefix(", "))
    interval = ""
    if not pd.isna(row["ci95_low"]):
        low, high = number(row["ci95_low"], digits), number(row["ci95_high"], digits)
        interval = f"[{low}, {high}]"
    return Cell(
        float(row["mean"]),
        number(row["mean"], digits),
        interval,
        int(table.ranks.loc[codec, name]),
        groups(row["rank_group"]),
        f"{row['n']} of {clips}{failed}" if row["n"] != clips else "",
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
    return f"group{'s' if ' ' in written else ''} {named}"


def _lacking(run: Run, table: Comparison) -> list[tuple[str, str]]:
    """Each reason why values are lacking, and where: metrics, codecs, clips.

    A rate that no codec here has, such as that of tokens among codecs without any, lacks nothing.
    """
    absent = set(RATES) - {metric["name"] for metric in with_values(table)}
    cases: dict[str, list[tuple[str, str, str]]] = {}
    for (testset, clip, codec), of_clip in run.scores.items():
        for metric, row in of_clip.items():
            if testset == table.testset and pd.isna(row["value"]) and metric not in absent:
                cases.setdefault(row["reason"] or "no value", []).append((metric, codec, clip))
    metrics = {m["name"]: m["label"] for m in table.metrics}
    codecs = {c["id"]: c["label"] for c in table.codecs}
    listed = []
    for reason, where in list(cases.items())[:LACKING_SHOWN]:
        names, ids, clips = (set(column) for column in zip(*where, strict=True))
        count = f"{len(clips)} clip{'s' if len(clips) > 1 else ''}"
        listed.append(
            (reason, f"{_some(names, metrics, 'metrics')}; {_some(ids, codecs, 'codecs')}; {count}")
        )
    if len(cases) > LACKING_SHOWN:
        listed.append((f"{len(cases) - LACKING_SHOWN} more reasons", "see metrics.csv"))
    return listed


def _some(names: set[str], labels: dict[str, str], kind: str) -> str:
    if len(names) == len(labels) > 1:
        return f"all {kind}"
    return ", ".join(dict.fromkeys(label for name, label in labels.items() if name in names))


@dataclass(frozen=True)
class Figure:
    """A figure that was published of a codec, beside the mean measured here; texts."""

    codec: dict[str, Any]
    metric: str
    value: str
    measured: str
    source: str


def published(run: Run, table: Comparison) -> list[Figure]:
    """What the suite says was published for a test set or its domain."""
    codecs = {codec["id"]: codec for codec in table.codecs}
    metrics = {metric["name"]: metric for metric in table.metrics}
    made = []
    for figure in run.about.published:
        if figure.codec in codecs and table.testset == (figure.testset or table.testset):
            if figure.domain not in (None, table.domain):
                continue
            facts = metrics.get(figure.metric)
            measured = cell(run, table, figure.codec, facts).text if facts else ""
            label = facts["label"] if facts else ELSEWHERE.get(figure.metric, figure.metric)
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
    rows: list[tuple[dict[str, Any], list[str]]]


def codec_table(run: Run) -> CodecTable:
    """Make the table of codecs; a column without any value is left out."""
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "Family": lambda c: str(c["family"]),
        "Nominal kbit/s": _nominal,
        "Measured kbit/s": lambda c: measured_rate(run, c["id"]),
        "Codes": _codes,
        "Sample rate": lambda c: sample_rate(run, c),
        "Licence": _licence,
    }
    codecs = run.manifest["codecs"]
    values = {name: [make(codec) for codec in codecs] for name, make in columns.items()}
    shown = [name for name in values if any(values[name])]
    rows = [(codec, [values[name][i] for name in shown]) for i, codec in enumerate(codecs)]
    return CodecTable(shown, rows)


def _nominal(codec: dict[str, Any]) -> str:
    return "" if codec["nominal_kbps"] is None else kbps(codec["nominal_kbps"])


def measured_rate(run: Run, codec: str) -> str:
    """A codec's measured kbit/s: the least and the greatest mean over the test sets."""
    rows = [table.cells.get((codec, "measured_kbps")) for table in run.tables]
    found = sorted(row["mean"] for row in rows if row and not pd.isna(row["mean"]))
    return "–".join(dict.fromkeys(kbps(value) for value in (found[:1] + found[-1:])))


def _codes(codec: dict[str, Any]) -> str:
    if not (codec["frame_rate"] and codec["codebook_sizes"]):
        return ""
    sizes = codec["codebook_sizes"]
    entries = "/".join(str(size) for size in dict.fromkeys(sizes))
    return f"{codec['frame_rate']:g} Hz × {len(sizes)} of {entries}"


def sample_rate(run: Run, codec: dict[str, Any]) -> str:
    """A codec's own sample rate, or those of what it gave."""
    if codec["sample_rate"]:
        return hertz(codec["sample_rate"])
    of_codec = run.clips.loc[run.clips["codec"] == codec["id"], "sample_rate_hz"]
    return ", ".join(hertz(rate) for rate in sorted(of_codec.dropna().unique()))


def _licence(codec: dict[str, Any]) -> str:
    weights = codec["weights_licence"]
    return "; ".join(filter(None, (codec["licence"], f"weights {weights}" if weights else "")))


def duration(seconds: float) -> str:
    """A duration for readers."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
