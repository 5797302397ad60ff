"""The sub-commands of `bench listen`. Heavy imports happen inside them."""

from pathlib import Path
from typing import Annotated

import typer

from almbench.cli.command import Command, Group

app = typer.Typer(
    help="Blind listening tests: analyse their results, export them.",
    no_args_is_help=True,
    cls=Group,
)


@app.command(cls=Command)
def analyse(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULTS", help="Result files of listeners, or folders of them."),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FOLDER", help="Folder of the tables and plots."),
    ] = Path("listening"),
    screening: Annotated[
        bool,
        typer.Option(
            "--screening/--no-screening",
            help="Leave out MUSHRA listeners who miss the hidden reference, following ITU-R "
            "BS.1534-3.",
        ),
    ] = True,
) -> None:
    """Analyse results: screening, means with intervals, paired tests, right answers."""
    from almbench.cli.listening_report import print_analysis
    from almbench.listening.analysis import analyse as analyse_results
    from almbench.listening.analysis import write

    analysis = analyse_results(results, screening=screening)
    raise typer.Exit(print_analysis(analysis, write(analysis, output)))


@app.command(cls=Command)
def export_webmushra(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Folder to be copied into webMUSHRA's."
        ),
    ] = Path("webmushra"),
    codec: Annotated[
        list[str] | None, typer.Option(metavar="CODEC", help="Only this codec; may be repeated.")
    ] = None,
    max_clips: Annotated[int, typer.Option(min=1, metavar="N", help="Clips per domain.")] = 8,
) -> None:
    """Export a run to webMUSHRA: one configuration per domain, and WAV files."""
    from almbench.listening.webmushra import export_webmushra as export

    for made in export(run, output, codec or [], max_clips):
        typer.echo(f"{made.config}: {made.clips} clips through {made.systems} systems")
        for note in made.notes:
            typer.echo(f"  {note}")
    typer.echo(f"Copy what is in {output} into webMUSHRA's folder; docs/listening.md says how.")
