"""What the overview shows of a run: what was compared, the means, and how they were made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from almbench.comparison import ARROWS, Comparison, with_values
from almbench.site.source import Run, hertz, kbps, number

LACKING_SHOWN = 12
BETTER = {True: "higher is better", False: "lower is better", None: "neither way is better"}


@dataclass(frozen=True)
class Column:
    """A column of the table of means: its heading, and what made it."""

    label: str
    unit: str
    arrow: str
    better: str
    rate: str
    version: str

    @property
    def facts(self) -> str:
        """All of it in a line."""
        return "; ".join(text for text in (self.better, self.rate, self.version) if text)


@dataclass(frozen=True)
class Cell:
    """A mean: text, interval, rank (1 best, 2 second), count if not of all clips; or why none."""

    text: str
    interval: str
    rank: int
    count: str
    reason: str


@dataclass(frozen=True)
class Line:
    """A codec's row in the table of means."""

    label: str
    nominal: str
    anchor: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Means:
    """The table of means of a test set, and why values are lacking, if any are."""

    testset: dict[str, Any]
    columns: list[Column]
    lines: list[Line]
    lacking: list[tuple[str, str]]
    intervals: bool


def means(run: Run, table: Comparison) -> Means:
    """Make the table of means of a test set."""
    full = with_values(table)
    testset = run.testset(table.testset)
    lines = [
        Line(
            codec["label"],
            "" if codec["nominal_kbps"] is None else kbps(codec["nominal_kbps"]),
            codec["anchor"],
            [_cell(run, table, codec["id"], metric) for metric in full],
        )
        for codec in table.codecs
    ]
    return Means(
        testset,
        [_column(metric) for metric in full],
        lines,
        _lacking(run, table),
        any(cell.interval for line in lines for cell in line.cells),
    )


def _column(metric: dict[str, Any]) -> Column:
    better = metric["higher_is_better"]
    rate = metric["rate_hz"]
    return Column(
        metric["label"],
        metric["unit"],
        ARROWS[better],
        BETTER[better],
        f"at {hertz(rate)}" if rate else "",
        metric["version"],
    )


def _cell(run: Run, table: Comparison, codec: str, metric: dict[str, Any]) -> Cell:
    name, digits = metric["name"], metric["digits"]
    row = table.cells.get((codec, name))
    if row is None:
        return Cell("", "", 0, "", "not run yet")
    clips = run.testset(table.testset)["clips"]
    failed = f", {row['failed']} failed" if row["failed"] else ""
    count = f"{row['n']} of {clips}{failed}" if row["n"] != clips else ""
    reason = _reasons(run, table.testset, name, codec) if count else ""
    if pd.isna(row["mean"]):
        return Cell("", "", 0, failed.removeprefix(", "), reason)
    interval = ""
    if not pd.isna(row["ci95_low"]):
        low, high = number(row["ci95_low"], digits), number(row["ci95_high"], digits)
        interval = f"[{low}, {high}]"
    rank = int(table.ranks.loc[codec, name])
    return Cell(number(row["mean"], digits), interval, rank, count, reason)


def _reasons(run: Run, testset: str, metric: str, codec: str) -> str:
    """Why a codec lacks values of a metric, each reason once."""
    found = [
        row[metric]["reason"]
        for (set_, _, by), row in run.scores.items()
        if (set_, by) == (testset, codec) and metric in row and pd.isna(row[metric]["value"])
    ]
    return "; ".join(reason for reason in dict.fromkeys(found) if reason) or "no value"


def _lacking(run: Run, table: Comparison) -> list[tuple[str, str]]:
    """Each reason why values are lacking, and where: metrics, codecs, clips."""
    cases: dict[str, list[tuple[str, str, str]]] = {}
    for (testset, clip, codec), of_clip in run.scores.items():
        for metric, row in of_clip.items():
            if testset == table.testset and pd.isna(row["value"]):
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


def codec_table(run: Run) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """Facts of the codecs: headings, and label, what is missing, and the values of each.

    A column without any value is left out.
    """
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "Family": lambda c: str(c["family"]),
        "Nominal kbit/s": lambda c: "" if c["nominal_kbps"] is None else kbps(c["nominal_kbps"]),
        "Measured kbit/s": lambda c: _measured(run, c["id"]),
        "Codes": _codes,
        "Sample rate": lambda c: _sample_rate(run, c),
        "Licence": _licence,
    }
    codecs = run.manifest["codecs"]
    values = {name: [make(codec) for codec in codecs] for name, make in columns.items()}
    shown = [name for name in values if any(values[name])]
    rows = [
        (codec["label"], codec["missing"], [values[name][i] for name in shown])
        for i, codec in enumerate(codecs)
    ]
    return shown, rows


def _measured(run: Run, codec: str) -> str:
    """The least and the greatest mean over the test sets."""
    rows = [table.cells.get((codec, "measured_kbps")) for table in run.tables]
    found = sorted(row["mean"] for row in rows if row and not pd.isna(row["mean"]))
    return "–".join(dict.fromkeys(kbps(value) for value in (found[:1] + found[-1:])))


def _codes(codec: dict[str, Any]) -> str:
    if not (codec["frame_rate"] and codec["codebook_sizes"]):
        return ""
    sizes = codec["codebook_sizes"]
    entries = "/".join(str(size) for size in dict.fromkeys(sizes))
    return f"{codec['frame_rate']:g} Hz × {len(sizes)} of {entries}"


def _sample_rate(run: Run, codec: dict[str, Any]) -> str:
    """The codec's own rate, or those of what it gave."""
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


def circumstances(run: Run) -> list[tuple[str, str]]:
    """When, where and with what the run was made."""
    manifest = run.manifest
    machine, facts = manifest["machine"], manifest["run"]
    commit = manifest["commit"]
    almbench = manifest["almbench"] + (f", commit {commit[:12]}" if commit else "")
    packages = [f"{name} {version}" for name, version in manifest["packages"].items() if version]
    where = [machine["processor"], f"{machine['cores']} cores", machine["system"]]
    return [
        ("Finished", manifest["finished"].replace("T", " ").replace("+00:00", " UTC")),
        ("almbench", almbench),
        ("Machine", ", ".join(text for text in where if text)),
        ("Device", f"{facts['device']}, {facts['workers']} scoring processes"),
        ("Seed", str(manifest["suite"]["seed"])),
        ("Python", machine["python"]),
        ("Packages", ", ".join(packages)),
        ("Data", ", ".join(f"{t['name']} {t['data_hash']}" for t in manifest["testsets"])),
        ("Suite", manifest["suite_sha256"][:16]),
    ]
