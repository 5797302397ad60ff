"""What commands write: to a file, or to standard output."""

import sys
from pathlib import Path

import typer

from almbench.errors import UserError


def write(content: str | bytes, output: Path | None) -> None:
    """Write to a file, or to standard output where none is named.

    Raises:
        UserError: The file cannot be written.
    """
    raw = content.encode() if isinstance(content, str) else content
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(raw)
    except OSError as error:
        raise UserError(f"-o {output} cannot be written: {error.strerror}.") from error
    typer.echo(f"Wrote {output}", err=True)
