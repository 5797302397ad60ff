"""`bench train`: train a codec of one's own, measure it, and try what its parts are worth."""

from math import inf
from pathlib import Path
from typing import Annotated

import typer

from almbench.cli.command import Command, Group
from almbench.cli.options import Device, folders
from almbench.errors import UserError, unknown
from almbench.packages import missing_packages

app = typer.Typer(help="Train a codec of one's own.", no_args_is_help=True, cls=Group)

EXAMPLE = "speech=/data/librispeech"

Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PATH",
        help="A folder of sound to learn from. Recipe small: speech, and sound if there is any; "
        "medium: read, words, voice and sound; large: read, words, voice and sound; "
        "paper: speech, sound and music.",
    ),
]
Config = Annotated[
    str,
    typer.Option(metavar="RECIPE", help="A recipe: small, medium, large, paper, or a TOML file."),
]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, as stage2.steps=500."),
]


@app.command(cls=Command)
def almtokenizer(
    stage: Annotated[int, typer.Option(min=1, max=2, metavar="N", help="Stage of training.")],
    data: Data = None,
    config: Config = "small",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Folder. (default: runs/almtokenizer-<recipe>)"
        ),
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of held-out speech to be scored now and then."),
    ] = None,
    setting: Setting = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = "auto",
    workers: Annotated[
        int, typer.Option(min=0, metavar="N", help="Processes that read sound.")
    ] = 1,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stop after so long, as 90m or 2h; run again to go on."),
    ] = None,
) -> None:
    """Train ALMTokenizer: stage 1, then stage 2. Run again to go on where it stopped."""
    _require_packages()
    from almbench.training.session import start

    found = _folders(data, config, setting)
    start(config, setting or [], stage, found, output, validation, device, workers, _seconds(until))


@app.command(cls=Command)
def recipe(
    name: Annotated[str, typer.Argument(metavar="RECIPE", help="small, medium, large or paper.")],
) -> None:
    """Print a recipe that comes along; changed and kept in a file, it is one for --config."""
    from almbench.training.recipe import presets

    if name not in presets():
        raise UserError(unknown("recipe", name, presets()))
    typer.echo(presets()[name].read_text(encoding="utf-8"), nl=False)


@app.command(cls=Command)
def ablate(
    validation: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of held-out speech.")],
    data: Data = None,
    config: Config = "small",
    setting: Setting = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder.")
    ] = Path("runs/almtokenizer-ablation"),
    seeds: Annotated[
        int, typer.Option(min=1, metavar="N", help="How often, each time with another seed.")
    ] = 1,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Train only this one beside the whole; may be repeated. A wrong one lists all.",
        ),
    ] = None,
) -> None:
    """Train ALMTokenizer whole, then with one part changed at a time, equally long.

    What is finished in the folder is kept: run again to go on.
    """
    _require_packages()
    from almbench.training.ablation import ablate as run

    found = _folders(data, config, setting)
    table = run(config, setting or [], found, validation, output, seeds, variant or [])
    typer.echo(table.round(3).dropna(axis=1, how="all").to_string())


@app.command(cls=Command)
def measure(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="Folder of a checkpoint of ALMTokenizer.")
    ],
    speech: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of held-out speech.")],
    training: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of speech that was trained on.")
    ],
    sound: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of other held-out sounds.")
    ] = None,
    demo: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Files of ALMTokenizer's demo page, as the suite alm-demo takes them.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder of the runs.")
    ] = Path("runs/almtokenizer-card"),
) -> None:
    """Measure a checkpoint beside codecs and a constant; the figures go into its card."""
    _require_packages()
    from almbench.training.measure import measure as run

    run(checkpoint, speech, training, output, sound, demo)
    typer.echo(f"The figures are in {checkpoint / 'README.md'}")


def _folders(data: list[str] | None, config: str, setting: list[str] | None) -> dict[str, Path]:
    from almbench.training.recipe import load_config

    names = [folder.name for folder in load_config(config, setting or []).data]
    return folders("--data", data, EXAMPLE, "data name", names, "in the recipe")


def _seconds(time: str | None) -> float:
    if time is None:
        return inf
    number, unit = time[:-1], time[-1:]
    try:
        seconds = float(number) * {"s": 1, "m": 60, "h": 3600}[unit]
    except (ValueError, KeyError):
        seconds = 0
    if not 0 < seconds < inf:
        raise UserError(f"--until '{time}' is not a time, such as 90m or 2h.")
    return seconds


def _require_packages() -> None:
    modules = ("torch", "safetensors", "accelerate", "tensorboard", "sklearn")
    if missing := missing_packages(modules, "'almbench[train]'"):
        raise UserError(f"Training cannot run here: {missing}")
