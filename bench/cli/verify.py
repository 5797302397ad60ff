"""`bench verify`: check a run that someone published."""

from pathlib import Path
from typing import Annotated

import typer

COLOURS = {"pass": "green", "FAIL": "red", "info": "yellow"}


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    sample: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="How many scores to compute anew from the sounds."),
    ] = 20,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Seed of the sample. (default: another each time)"),
    ] = None,
) -> None:
    """Verify a run: checksums, sounds, tables made again from its rows, a sample of scores."""
    from rich.console import Console
    from rich.markup import escape

    from almbench.checks.verify import verify as check

    console = Console(highlight=False)
    failed = 0
    for finding in check(run, sample, seed):
        colour = COLOURS[finding.verdict]
        word = f"[{colour}]{finding.verdict}[/]"
        console.print(f"{word} {finding.check}: {escape(finding.measured)}")
        failed += finding.verdict == "FAIL"
    console.print(f"{failed} things differ." if failed else "The run is what it says.")
    raise typer.Exit(1 if failed else 0)
