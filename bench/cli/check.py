"""`bench check`: the health of codec adapters."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from almbench.cli.options import CheckpointOption, DeviceOption, OptionOption, usable_codec
from almbench.errors import UserError

if TYPE_CHECKING:
    from almbench.codecs.base import Codec

COLOURS = {"pass": "green", "FAIL": "red", "info": "yellow"}


def check(
    codecs: Annotated[
        list[str],
        typer.Argument(metavar="CODEC", help="Built-in presets, adapters, or hf:ORG/NAME@K."),
    ],
    checkpoint: CheckpointOption = None,
    option: OptionOption = None,
    device: DeviceOption = "auto",
    against: Annotated[
        Literal["cpu", "cuda"] | None,
        typer.Option(help="Also compare codes, sound and speed with those on this device."),
    ] = None,
) -> None:
    """Check adapters: shapes, length, bitrate, determinism, batches, delay, odd sounds."""
    if checkpoint and len(codecs) > 1:
        raise UserError(
            f"--checkpoint {checkpoint}: the weights of one codec, but {len(codecs)} are to be "
            "checked. To fix: check it in a command of its own."
        )
    made = [usable_codec(name, option, checkpoint) for name in codecs]
    failed = [codec.id for codec in made if not _holds(codec, device, against)]
    raise typer.Exit(1 if failed else 0)


def _holds(codec: "Codec[Any]", device: str, against: str | None) -> bool:
    """Check a codec, print what was found, and say whether all that it claims holds."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from almbench.checks.run import check_codec
    from almbench.devices import choose

    if against:
        choose(against, used=codec.uses_device)
    kind = choose(device, used=codec.uses_device).kind if codec.uses_device else "cpu"
    console = Console(highlight=False)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("check", "", "measured"):
        table.add_column(column, no_wrap=column != "measured", overflow="fold")
    failed = 0
    with console.status(f"Checking {escape(codec.id)} on {kind}"):
        for finding in check_codec(codec, kind, against):
            verdict = f"[{COLOURS[finding.verdict]}]{finding.verdict}[/]"
            table.add_row(finding.check, verdict, escape(finding.measured))
            failed += finding.verdict == "FAIL"
    console.print(f"[bold]{escape(codec.id)}[/] on {kind}")
    console.print(table)
    console.print(f"{failed} of its claims do not hold." if failed else "Its claims hold.")
    return not failed
