"""What `bench listen analyse` prints."""

from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.listening.analysis import Analysis
from almbench.listening.kinds import load_kind
from almbench.listening.panel import Panel
from almbench.listening.report import ReportTable


def print_analysis(analysis: Analysis, written: list[Path]) -> int:
    """Print the listeners of each test and its tables.

    Returns:
        The exit code: 0, or 1 where a test has no listener left.
    """
    console = Console(highlight=False)
    for panel in analysis.panels:
        _print_panel(console, panel)
        if panel.kept:
            for table in load_kind(panel.kind).report(panel, analysis.tables):
                console.print(_rendered(table))
    console.print(f"Written: {written[0].parent}/ {', '.join(p.name for p in written)}")
    return 0 if all(panel.kept for panel in analysis.panels) else 1


def _print_panel(console: Console, panel: Panel[Any]) -> None:
    title = ": ".join([f"{load_kind(panel.kind).label}, {panel.domain}", *_subject(panel)])
    kept, all_ = len(panel.kept), len(panel.listeners)
    left_out = f", {all_ - kept} left out" if kept < all_ else ""
    plural = "" if kept == 1 else "s"
    console.print(
        f"\n[bold]{escape(title)}[/]: {escape(panel.title)} ({kept} listener{plural}{left_out})"
    )
    for listener in panel.listeners:
        if listener.note:
            word = "[yellow]Note[/]" if listener.kept else "[yellow]Left out[/]"
            console.print(f"{word} {escape(listener.path.name)}: {escape(listener.note)}")
    if not panel.kept:
        console.print("[red]No listener is left.[/] listeners.csv says why.")


def _subject(panel: Panel[Any]) -> list[str]:
    return [" or ".join(panel.subject)] if panel.subject else []


def _rendered(table: ReportTable) -> Table:
    rendered = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    first, *others = table.headings
    rendered.add_column(first, overflow="fold")
    for heading in others:
        rendered.add_column(heading, justify="right")
    for cells, significant in table.rows:
        *plain, last = map(escape, cells)
        rendered.add_row(*plain, f"[bold]{last}[/]" if significant else last)
    return rendered
