"""Paired comparisons as text: a table to read, CSV, JSON and Markdown."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields

import pandas as pd

from almbench.results.compare import PairedComparison
from almbench.results.plain_text import interval, markdown_table, number

COLUMNS = [field.name for field in fields(PairedComparison) if field.name != "moved"]
Rows = Sequence[PairedComparison]
Lines = Sequence[str]


def to_csv(rows: Rows, differences: Lines) -> str:
    """One row per comparison; what differs between the runs is left out."""
    del differences
    return pd.DataFrame([vars(row) for row in rows], columns=COLUMNS).to_csv(index=False)


def to_json(rows: Rows, differences: Lines) -> str:
    """All that is known, the clips that moved most among it."""
    whole = {"differences": list(differences), "comparisons": [asdict(row) for row in rows]}
    return json.dumps(whole, indent=1, ensure_ascii=False, default=str) + "\n"


def to_text(rows: Rows, differences: Lines) -> str:
    """What differs between the runs, and each comparison in a few lines."""
    parts = [f"Differs: {line}\n" for line in differences]
    for row in rows:
        parts.append(f"\n{row.testset}, {row.metric}: {row.codec} against {row.baseline}\n")
        parts += [f"  {line}\n" for line in _lines(row)]
    if len({row.metric for row in rows}) > 1:
        tested = sum(row.p_holm is not None for row in rows)
        parts.append(
            f"\np (Holm) is adjusted for {tested} tests together, those of all these metrics; a "
            "run's tables adjust for each metric alone. To ask for fewer: --metric\n"
        )
    return "".join(parts).lstrip("\n")


def _lines(row: PairedComparison) -> list[str]:
    lines = [
        f"{row.verdict}{f': {row.note}' if row.note else ''}",
        f"difference {number(row.difference)} {interval(row.ci95_low, row.ci95_high)}, "
        f"p {number(row.p, sign='')} "
        f"(Holm {number(row.p_holm, sign='')}), d {number(row.effect_size)}, "
        f"{row.wins} wins {row.ties} ties {row.losses} losses of {row.n} clips "
        f"({row.clusters} clusters)",
    ]
    if row.smallest_difference is not None:
        least = number(row.smallest_difference, sign="")
        lines.append(f"smallest difference that these clips show at 80 % power: {least}")
    lines += [
        f"{moved.clip}: {moved.baseline_value:.4g} -> {moved.value:.4g}"
        + "".join(f"  {sound}" for sound in (moved.baseline_sound, moved.sound) if sound)
        for moved in row.moved
        if moved.value != moved.baseline_value
    ]
    return lines


def to_markdown(rows: Rows, differences: Lines) -> str:
    """What differs between the runs as a list, and a table of the comparisons."""
    heads = ["Test set", "Metric", "Codec", "Baseline", "Difference", "95 % interval", "p (Holm)"]
    heads += ["d", "Wins/ties/losses", "Clips", "Clusters", "Smallest at 80 %", "Verdict"]
    table = markdown_table(heads, map(_cells, rows))
    listed = "".join(f"- {line}\n" for line in differences)
    return f"{listed}\n{table}" if listed else table


def _cells(row: PairedComparison) -> list[str]:
    return [
        row.testset,
        row.metric,
        row.codec,
        row.baseline,
        number(row.difference),
        interval(row.ci95_low, row.ci95_high),
        number(row.p_holm, sign=""),
        number(row.effect_size),
        f"{row.wins}/{row.ties}/{row.losses}",
        str(row.n),
        str(row.clusters),
        number(row.smallest_difference, sign=""),
        f"{row.verdict}{f' ({row.note})' if row.note else ''}",
    ]


FORMS: dict[str, Callable[[Rows, Lines], str]] = {
    "table": to_text,
    "csv": to_csv,
    "json": to_json,
    "markdown": to_markdown,
}
