"""`bench train`."""

from pathlib import Path
from typing import Annotated

import typer

from almbench.cli.options import Device, folders

app = typer.Typer(help="Train a codec of one's own.", no_args_is_help=True)


@app.callback()
def _train() -> None:
    """Keep `almtokenizer` a sub-command, though it is the only one."""


@app.command()
def almtokenizer(
    stage: Annotated[int, typer.Option(min=1, max=2, help="Stage of training.")],
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="Where a data folder of the recipe lies."),
    ] = None,
    config: Annotated[str, typer.Option(help="A recipe: small, paper, or a TOML file.")] = "small",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder. [default: runs/almtokenizer-<recipe>]"),
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Folder of held-out speech to be scored now and then.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, as stage2.steps=500."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that read sound.")] = 1,
) -> None:
    """Train ALMTokenizer: stage 1, then stage 2. Run again to go on where it stopped."""
    from almbench.training.session import start

    found = folders("--data", data, "speech=/data/librispeech")
    start(config, setting or [], stage, found, output, validation, device, workers)
