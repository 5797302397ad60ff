"""`bench export` and `bench list`."""

from pathlib import Path
from typing import Annotated

import typer

from almbench.cli.options import Listable, OutputOption
from almbench.cli.output import write
from almbench.errors import UserError
from almbench.results.formats import COMPARING, SUFFIXES, TABLE_FORMATS, ExportFormat, TableName


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    format_: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="What to write. (default: by the file's suffix, else csv)"),
    ] = None,
    table: Annotated[
        TableName, typer.Option(help="Which table, for csv, parquet and json.")
    ] = "summary",
    codec: Annotated[
        str | None, typer.Option(help="Which codec, for versa. (default: the only one)")
    ] = None,
    output: OutputOption = None,
    testset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Test set to compare or draw; may be repeated. versa takes one."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Metric to compare or draw; may be repeated."),
    ] = None,
    width: Annotated[
        str, typer.Option(help="Width of a drawing: a number with in, cm, mm or pt.")
    ] = "3.3in",
) -> None:
    """Export tables; latex and markdown compare the codecs, pdf and svg draw them by bitrate.

    The format versa holds the scores of one codec on one test set, as JSON lines.
    """
    from almbench.results.results import load_results

    if format_ is None:
        suffix = output.suffix if output else ""
        if suffix and suffix not in SUFFIXES:
            raise UserError(
                f"-o {output}: the suffix says no format. Allowed: {', '.join(SUFFIXES)}; or name "
                "the format with --format."
            )
        format_ = SUFFIXES.get(suffix, "csv")
    if format_ in ("parquet", "pdf") and output is None:
        raise UserError(f"The format {format_} is not text: name a file with -o FILE.")
    if format_ in TABLE_FORMATS and (testset or metric):
        raise UserError(
            f"--testset and --metric choose what {', '.join(COMPARING)} hold; "
            f"{format_} holds a whole table."
        )
    results = load_results(run)
    content = results.export(format_, table, codec, testset or (), metric or (), width)
    write(content, output)


def list_(
    what: Annotated[Listable, typer.Argument(help="What to list.")],
) -> None:
    """List what there is, what is usable here, and what is missing for the rest."""
    from almbench.cli.lists import print_list

    print_list(what)
