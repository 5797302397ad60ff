"""Which suite a command is for, narrowed and filled in as its options say."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from almbench.cli.options import folders, metric_settings
from almbench.errors import UserError
from almbench.suite.kept import KEEP_AUDIO

if TYPE_CHECKING:
    from almbench.suite.config import Suite

SuiteArgument = Annotated[
    str | None,
    typer.Argument(metavar="SUITE", help="A built-in suite or a TOML file. (default: quick)"),
]
CodecsOption = Annotated[
    list[str] | None,
    typer.Option("--codec", metavar="CODEC", help="Only this codec; may be repeated."),
]
TestsetsOption = Annotated[
    list[str] | None,
    typer.Option("--testset", metavar="TESTSET", help="Only this test set; may be repeated."),
]
DataOption = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="NAME=PATH", help="Where a data folder of the suite lies."),
]
KeepOption = Annotated[
    str | None,
    typer.Option(
        "--keep-audio",
        metavar="all|sample:N|none",
        help="Whose sounds stay once they are scored: of all clips, of N of each test set, of none."
        " (default: as the suite says, or all)",
    ),
]
CheckpointsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint", metavar="CODEC=FOLDER", help="Where a codec's weights lie, if not the hub."
    ),
]


def whole_suite(suite: str | None) -> "Suite":
    """Load a suite by name or path, or the default one.

    Raises:
        UserError: There is no such suite, or it has a mistake.
    """
    from almbench.suite.load import load_suite

    return load_suite(suite or "quick")


def chosen_suite(
    whole: "Suite",
    codec: list[str] | None,
    testset: list[str] | None,
    metric: list[str] | None,
    data: list[str] | None,
    checkpoint: list[str] | None,
    setting: list[str] | None,
) -> "Suite":
    """Narrow a suite and fill it in; the arguments are the options as typed.

    Raises:
        UserError: Something does not exist, or has another form.
    """
    from almbench.runner.plan import select
    from almbench.suite.load import data_names, fill_in, use_checkpoints

    chosen = select(whole, codec or [], testset or [], metric or [])
    where = f"in suite '{whole.name}'"
    given = folders("--data", data, "demo=/data/demo", "data name", data_names(whole), where)
    ids = [codec.id for codec in [*whole.codec, *chosen.codec]]
    checkpoints = folders("--checkpoint", checkpoint, "mimi-1.1=/models/mimi", "codec", ids, where)
    fill_in(chosen, given)
    use_checkpoints(chosen, checkpoints)
    apply_settings(chosen, setting)
    return chosen


def apply_settings(suite: "Suite", settings: list[str] | None) -> None:
    """Put `--set FAMILY.KEY=VALUE` options into a suite."""
    for family, values in metric_settings(settings).items():
        suite.settings.setdefault(family, {}).update(values)


def keep_audio(suite: "Suite", keep: str | None) -> None:
    """Put `--keep-audio` into a suite; None leaves it as it is.

    Raises:
        UserError: There is no such choice.
    """
    if keep is None:
        return
    if not re.fullmatch(KEEP_AUDIO, keep):
        raise UserError(f"--keep-audio {keep}: give all, none, or sample:N (such as sample:200).")
    suite.keep_audio = keep


def run_root(suite: "Suite", output: Path | None) -> Path:
    """The run folder: as given, or of the suite's name.

    Raises:
        UserError: It is an address, such as s3://bucket/run, and no folder.
    """
    if output and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", output.as_posix()):
        raise UserError(
            f"-o {output}: a run folder lies in a file system that can create a file once and "
            "rename it in one step, as workers claim their units by that. To fix: choose a folder, "
            "and copy the finished run to where it is kept."
        )
    return output or Path("runs") / suite.name
