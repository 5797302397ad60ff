"""`bench export` and `bench list`."""

from pathlib import Path
from typing import Annotated

import typer

from almbench.cli.options import Listable, OutputOption
from almbench.cli.output import write
from almbench.errors import UserError
from almbench.results.formats import SUFFIXES, ExportFormat, TableName


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
    testset: Annotated[
        str | None, typer.Option(help="Which test set, for versa. (default: the only one)")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Export tables; latex and markdown compare the codecs, versa writes its JSON lines."""
    from almbench.results.results import load_results

    if format_ is None:
        suffix = output.suffix if output else ""
        if suffix and suffix not in SUFFIXES:
            raise UserError(
                f"-o {output}: the suffix says no format. Allowed: {', '.join(SUFFIXES)}; or name "
                "the format with --format."
            )
        format_ = SUFFIXES.get(suffix, "csv")
    if format_ == "parquet" and output is None:
        raise UserError("Parquet is not text: name a file with -o FILE.")
    content = load_results(run).export(format_, table, codec, testset)
    write(content, output)


def list_(
    what: Annotated[Listable, typer.Argument(help="What to list.")],
) -> None:
    """List what there is, what is usable here, and what is missing for the rest."""
    from almbench.cli.lists import print_list

    print_list(what)
