"""`bench codec`: environments of codecs that need their own."""

from typing import Annotated

import typer

from almbench.cli.command import Command, Group

app = typer.Typer(
    help="Environments of codecs that need their own.", no_args_is_help=True, cls=Group
)


@app.command(cls=Command)
def install(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An environment, such as stablecodec.")
    ],
    python: Annotated[
        str | None,
        typer.Option(metavar="PROGRAM", help="Interpreter to make it with. (default: this one)"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it anew.")] = False,
) -> None:
    """Install the environment of an external codec below $ALMBENCH_HOME (~/.cache/almbench)."""
    from almbench.codecs.environments import install as make

    make(name, python, force=force, show=typer.echo)
