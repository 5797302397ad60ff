"""Files that are there whole, or not at all."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever reads it finds the old content or the new.

    Args:
        path: Where to; the folder is made.
        content: All its bytes.
    """
    write_parts_atomically(path, [content])


def write_parts_atomically(path: Path, content: Iterable[bytes]) -> None:
    """Write a large file in one step.

    Args:
        path: Where to; the folder is made.
        content: Its bytes, piece by piece.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.writelines(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
