"""`bench export` and `bench list`."""

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from almbench.cli.options import Listable, MetricOption, OutputOption
from almbench.cli.output import write
from almbench.errors import UserError
from almbench.results.formats import SUFFIXES, ExportFormat, TableName


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    format_: Annotated[
        ExportFormat | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"{', '.join(get_args(ExportFormat))}. (default: by the file's suffix, else csv)",
        ),
    ] = None,
    table: Annotated[
        TableName, typer.Option(help="Which table, for csv, parquet and json.")
    ] = "summary",
    codec: Annotated[
        list[str] | None,
        typer.Option(metavar="CODEC", help="Only this codec; may be repeated. versa takes one."),
    ] = None,
    output: OutputOption = None,
    testset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TESTSET", help="Only this test set; may be repeated. versa takes one."
        ),
    ] = None,
    metric: MetricOption = None,
    clips: Annotated[
        Literal["all", "common"],
        typer.Option(help="Means over the clips of each, or those that all codecs have values of."),
    ] = "all",
    ci: Annotated[
        bool,
        typer.Option("--ci", help="95 % intervals in latex and markdown; tables always have them."),
    ] = False,
    width: Annotated[
        str,
        typer.Option(metavar="LENGTH", help="Width of a drawing: a number with in, cm, mm or pt."),
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
    results = load_results(run)
    one: str | None = None
    if format_ == "versa":
        if len(codec or []) > 1:
            raise UserError("The format versa holds one codec: give --codec once.")
        one = codec[0] if codec else None
    elif codec or testset or metric or clips == "common":
        results = results.only(
            testsets=testset or (),
            codecs=codec or (),
            metrics=metric or (),
            common_clips=clips == "common",
        )
    chosen = testset or (), metric or ()
    if format_ in ("csv", "json"):
        write(results.table_parts(format_, table), output)
    else:
        write(results.export(format_, table, one, *chosen, width, intervals=ci), output)


def list_(
    what: Annotated[
        Listable, typer.Argument(metavar="|".join(get_args(Listable)), help="What to list.")
    ],
) -> None:
    """List what there is, what is usable here, and what is missing for the rest."""
    from almbench.cli.lists import print_list

    print_list(what)
