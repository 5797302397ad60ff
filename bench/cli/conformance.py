"""`bench conformance`: each metric against known values."""

from pathlib import Path
from typing import Annotated

import typer

WIDE = 120  # columns of a terminal that hold sources and versions too


def conformance(
    metrics: Annotated[
        list[str] | None, typer.Argument(metavar="METRIC", help="Only these metrics.")
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the sounds that sources publish values of: the testdata of "
            "google/visqol, the audio of the package pesq. Those that are there are used.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Try each metric against values published by its source or computed independently."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from almbench.checks.conformance import conformance as run

    console = Console(highlight=False)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    wide = console.width >= WIDE
    for column in ("metric", "case", "source", "version") if wide else ("metric", "case"):
        table.add_column(column, no_wrap=column == "metric")
    for column in ("expected", "got", "difference", "tolerance", ""):
        table.add_column(column, justify="right", no_wrap=True)
    failed = skipped = passed = 0
    with console.status("Computing"):
        for found in run(metrics or [], files):
            case = found.case
            verdict = "[red]FAIL[/]" if found.failed else "[green]pass[/]"
            if found.skipped:
                verdict = "[yellow]skipped[/]"
            numbers = [found.expected, found.got]
            texts = ["" if value is None else f"{value:.6f}" for value in numbers]
            difference = "" if found.difference is None else f"{found.difference:+.2g}"
            name = case.name + (f": {found.reason}" if found.reason else "")
            facts = [case.metric, name, *([case.source, found.version] if wide else [])]
            tolerance = f"{case.tolerance:.2g}"
            table.add_row(*map(escape, facts), *texts, difference, tolerance, verdict)
            failed += found.failed
            skipped += found.skipped
            passed += not (found.failed or found.skipped)
    console.print(table)
    if not wide:
        console.print(f"Sources and versions stand here from {WIDE} columns on.")
    console.print(f"{passed} conform, {failed} do not, {skipped} skipped.")
    raise typer.Exit(1 if failed else 0)
