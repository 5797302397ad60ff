"""What `bench listen analyse` prints."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.listening.abx import ALL
from almbench.listening.analysis import Analysis
from almbench.listening.panel import Panel
from almbench.results.tables import records

SURE = 0.05


def print_analysis(analysis: Analysis, written: list[Path]) -> int:
    """Print who was heard, the means, the differences and the ABX counts.

    Returns:
        The exit code: 0, or 1 where a test has no listener left.
    """
    console = Console(highlight=False)
    empty = False
    for panel in analysis.mushra:
        _print_panel(console, panel, f"MUSHRA, {panel.domain}")
        if panel.kept:
            console.print(_systems(_of(analysis.tables["listening"], panel.domain)))
            console.print(_differences(_of(analysis.tables["comparisons"], panel.domain)))
        empty |= not panel.kept
    for abx in analysis.abx:
        pair = abx.listeners[0].result.pair
        _print_panel(console, abx, f"ABX, {abx.domain}: {pair.a} or {pair.b}")
        if abx.kept:
            table = analysis.tables["abx"]
            of_pair = (table["a"] == pair.a) & (table["b"] == pair.b)
            console.print(_abx(_of(table[of_pair], abx.domain)))
        empty |= not abx.kept
    console.print(f"Written: {written[0].parent}/ {', '.join(p.name for p in written)}")
    return 1 if empty else 0


def _print_panel(console: Console, panel: Panel[Any], title: str) -> None:
    kept, all_ = len(panel.kept), len(panel.listeners)
    left_out = f", {all_ - kept} left out" if kept < all_ else ""
    console.print(f"\n[bold]{escape(title)}[/]: {escape(panel.title)} ({kept} heard{left_out})")
    for listener in panel.listeners:
        if listener.note:
            word = "[yellow]Note[/]" if listener.kept else "[yellow]Left out[/]"
            console.print(f"{word} {escape(listener.path.name)}: {escape(listener.note)}")
    if not panel.kept:
        console.print("[red]No listener is left.[/] listeners.csv says why.")


def _of(table: pd.DataFrame, domain: str) -> Iterable[dict[str, Any]]:
    return records(table[table["domain"] == domain])


def _systems(rows: Iterable[dict[str, Any]]) -> Table:
    table = _table("system", "mean", "95 % interval", "median", "ratings")
    for row in rows:
        role = "" if row["role"] == "system" else f" ({row['role']})"
        table.add_row(
            escape(row["label"]) + role,
            f"{row['mean']:.1f}",
            _interval(row, ".1f"),
            f"{row['median']:g}",
            str(row["ratings"]),
        )
    return table


def _differences(rows: Iterable[dict[str, Any]]) -> Table:
    table = _table("difference", "mean", "95 % interval", "p", "p (Holm)")
    for row in rows:
        adjusted = _p(row["p_holm"])
        sure = not pd.isna(row["p_holm"]) and row["p_holm"] < SURE
        table.add_row(
            f"{escape(row['label_a'])} - {escape(row['label_b'])}",
            "" if pd.isna(row["difference"]) else f"{row['difference']:+.1f}",
            _interval(row, "+.1f"),
            _p(row["p"]) or escape(row["note"]),
            f"[bold]{adjusted}[/]" if sure else adjusted,
        )
    return table


def _abx(rows: Iterable[dict[str, Any]]) -> Table:
    table = _table("listener", "right", "share", "95 % interval", "p of guessing", "p (Holm)")
    for row in rows:
        name = f"all {row['listeners']}" if row["listener"] == ALL else row["listener"]
        table.add_row(
            name,
            f"{row['right']} of {row['trials']}",
            f"{row['proportion']:.2f}",
            _interval(row, ".2f"),
            _p(row["p"]),
            _p(row["p_holm"]),
        )
    return table


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _interval(row: dict[str, Any], format_: str) -> str:
    if pd.isna(row["ci95_low"]):
        return ""
    return f"{row['ci95_low']:{format_}} to {row['ci95_high']:{format_}}"


def _p(value: float) -> str:
    if pd.isna(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
