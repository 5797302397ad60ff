"""Rows as JSON lines in a run folder: a file of each kind, or parts while workers share a run."""

import os
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from almbench.atomic import write_atomically
from almbench.results.records import Row

R = TypeVar("R", bound=Row)


def open_lines(path: Path) -> TextIO:
    """Open a file of lines for appending.

    A process that is killed while writing leaves half a line; the next is not glued to it.
    """
    file = path.open("a", encoding="utf-8")
    with path.open("rb") as written:
        if written.seek(0, 2) and (written.seek(-1, 2), written.read(1))[1] != b"\n":
            file.write("\n")
    return file


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _line(row: Row) -> str:
    kind: Any = type(row)
    return _adapter(kind).dump_json(row).decode() + "\n"


class Writer:
    """Appends rows to a file of a run folder; a killed process loses at most half a line."""

    def __init__(self, run: Path, row: type[Row]) -> None:
        """Open `rows/<file>.jsonl` for appending."""
        path = run / "rows" / f"{row.file}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open_lines(path)

    def write(self, row: Row) -> None:
        """Append a row."""
        self._file.write(_line(row))
        self._file.flush()

    def __enter__(self) -> Self:
        """Enter a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()


def write_part(run: Path, rows: Sequence[Row], number: int, unit: str) -> Path:
    """Write the rows of a unit of work as a file of their own, in one step.

    Args:
        run: The run folder.
        rows: At least one, all of one kind.
        number: Higher than that of any part whose rows these replace.
        unit: Id of the unit.

    Returns:
        The file, `rows/<kind>_<number>_<unit>.jsonl`.
    """
    path = run / "rows" / f"{rows[0].file}_{number:06d}_{unit}.jsonl"
    write_atomically(path, "".join(map(_line, rows)).encode())
    return path


def part_files(run: Path, row: type[Row]) -> list[tuple[int, Path]]:
    """The files of rows of a kind, the latest last, with their numbers; 0 where one has none."""
    found = []
    for path in (run / "rows").glob(f"{row.file}*.jsonl"):
        _, _, rest = path.stem.partition("_")
        number = rest.partition("_")[0]
        found.append((int(number) if number.isdecimal() else 0, path))
    return sorted(found)


def join_parts(run: Path, row: type[Row]) -> None:
    """Put all files of rows of a kind into one, `rows/<kind>.jsonl`, while nobody writes any.

    Killed meanwhile, it leaves some of the parts beside it; those go first that others replace.
    """
    parts = [path for _, path in part_files(run, row)]
    whole = run / "rows" / f"{row.file}.jsonl"
    if not parts or parts == [whole]:
        return
    unfinished = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            for path in parts:
                with path.open("rb") as part:
                    shutil.copyfileobj(part, file)
                    if part.tell() and (part.seek(-1, os.SEEK_END), part.read(1))[1] != b"\n":
                        file.write(b"\n")
        unfinished.replace(whole)
    finally:
        unfinished.unlink(missing_ok=True)
    for path in parts:
        if path != whole:
            path.unlink()


def read_rows(run: Path, row: type[R]) -> dict[tuple[str, ...], R]:
    """Read the latest row for each key, over all parts; a torn line is passed over."""
    return {parsed.key: parsed for parsed in iter_rows(run, row)}


def iter_rows(run: Path, row: type[R]) -> Iterator[R]:
    """Read all rows of a kind, over all parts, those of one key in the order they were written.

    Parts that are joined meanwhile are found in the whole, where some rows come once more.
    """
    try:
        for _, path in part_files(run, row):
            yield from read_part(path, row)
    except FileNotFoundError:
        yield from read_part(run / "rows" / f"{row.file}.jsonl", row)


def read_part(path: Path, row: type[R]) -> Iterator[R]:
    """Read the rows of a file; a torn line is passed over."""
    kind: Any = row
    parse = _adapter(kind).validate_json
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield parse(line)
            except ValidationError:
                continue  # half a line of a killed process: its row is computed again
