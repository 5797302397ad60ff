"""`bench check` and `bench codec`."""

from typing import Annotated

import typer

from almbench.cli.options import DeviceOption

app = typer.Typer(help="Environments of codecs that need their own.", no_args_is_help=True)


def check(
    codec: Annotated[str, typer.Argument(help="A built-in preset, or an adapter's name.")],
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the adapter; may be repeated."),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Check an adapter: shapes, length, bitrate, determinism, batches, delay, odd sounds."""
    from almbench.checks.adapter import print_check

    raise typer.Exit(print_check(codec, option or [], device))


@app.command()
def install(
    name: Annotated[str, typer.Argument(help="An environment, such as stablecodec.")],
    python: Annotated[
        str | None, typer.Option(help="Interpreter to make it with. [default: this one]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it anew.")] = False,
) -> None:
    """Install the environment of an external codec below $ALMBENCH_HOME (~/.cache/almbench)."""
    from almbench.codecs.environments import install as make

    make(name, python, force=force, show=typer.echo)
