"""Rate-distortion comparisons as text: a table to read, CSV, JSON and Markdown."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from itertools import groupby

import pandas as pd

from almbench.results.plain_text import interval, markdown_table, number, percent
from almbench.results.rate_distortion import RateDistortion

COLUMNS = [field.name for field in fields(RateDistortion)]
LABELS = {"bd_rate": "BD-rate", "bd_quality": "BD-quality"}
EQUAL = {"bd_rate": "bitrate at equal quality", "bd_quality": "at equal bitrate"}
VERDICTS = {True: "better", False: "worse", None: "not separated"}
Rows = Sequence[RateDistortion]


def to_csv(rows: Rows) -> str:
    """One row per delta; codecs are separated by spaces."""
    joined = [
        {n: " ".join(v) if isinstance(v, tuple) else v for n, v in vars(row).items()}
        for row in rows
    ]
    return pd.DataFrame(joined, columns=COLUMNS).to_csv(index=False)


def to_json(rows: Rows) -> str:
    """A list with one object per delta."""
    return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"


def to_text(rows: Rows) -> str:
    """Each pair of families by each metric, in a few lines."""
    parts = []
    for _, same in groupby(rows, key=lambda r: (r.testset, r.metric, r.family, r.baseline)):
        group = list(same)
        row = group[0]
        parts.append(f"{row.testset}, {row.metric}: {_named(row)}\n")
        parts += [f"  {_line(one)}\n" for one in group]
    return "".join(parts)


def _named(row: RateDistortion) -> str:
    family = f"{row.family} ({', '.join(row.codecs)})"
    size = f"{row.n} clips" + (f" of {row.clusters} clusters" if row.clusters < row.n else "")
    return f"{family} against {row.baseline} ({', '.join(row.baseline_codecs)}), {size}"


def _line(row: RateDistortion) -> str:
    if row.value is None:
        return f"{LABELS[row.measure]}: none, as {row.reason}"
    value = f"{number(row.value)} {row.unit}".strip()
    words = f"{LABELS[row.measure]} {value} {interval(row.ci95_low, row.ci95_high)}"
    words += f" ({EQUAL[row.measure]}), {VERDICTS[row.better]}; overlap {percent(row.overlap)}"
    return f"{words}; {row.reason}" if row.reason else words


def to_markdown(rows: Rows) -> str:
    """A table, one row per delta."""
    heads = ["Test set", "Metric", "Family", "Baseline", "Measure", "Delta", "95 % interval"]
    heads += ["Overlap", "Clips", "Clusters", "Note"]
    return markdown_table(heads, map(_cells, rows))


def _cells(row: RateDistortion) -> list[str]:
    return [
        row.testset,
        row.metric,
        f"{row.family} ({', '.join(row.codecs)})",
        f"{row.baseline} ({', '.join(row.baseline_codecs)})",
        LABELS[row.measure],
        f"{number(row.value)} {row.unit}".strip() if row.value is not None else number(None),
        interval(row.ci95_low, row.ci95_high),
        percent(row.overlap),
        str(row.n),
        str(row.clusters),
        row.reason,
    ]


FORMS: dict[str, Callable[[Rows], str]] = {
    "table": to_text,
    "csv": to_csv,
    "json": to_json,
    "markdown": to_markdown,
}
