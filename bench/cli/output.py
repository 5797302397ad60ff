"""What commands write: to a file, or to standard output."""

import sys
from collections.abc import Iterable
from pathlib import Path

import typer

from almbench.errors import UserError


def write(content: str | bytes | Iterable[bytes], output: Path | None) -> None:
    """Write to a file, or to standard output where none is named.

    Args:
        content: What to write; bytes may come piece by piece.
        output: The file.

    Raises:
        UserError: The file cannot be written.
    """
    if isinstance(content, str | bytes):
        content = [content.encode() if isinstance(content, str) else content]
    if output is None:
        sys.stdout.flush()
        for piece in content:
            sys.stdout.buffer.write(piece)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("wb") as file:
            file.writelines(content)
    except OSError as error:
        raise UserError(f"-o {output} cannot be written: {error.strerror}.") from error
    typer.echo(f"Wrote {output}", err=True)
