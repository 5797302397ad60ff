"""What a run writes down: JSON lines, never changed. Every table is a view of these rows."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, ClassVar, Literal, Self, TextIO, TypeVar

from pydantic import AfterValidator, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from almbench.atomic import write_atomically
from almbench.names import ORIGINAL, check_file_name
from almbench.privacy import without_folders

SCHEMA_VERSION = 1
Status = Literal["ok", "failed", "skipped", "unavailable"]

# A run has millions of rows: equal names and hashes are one object, and names are checked once.
Name = Annotated[str, AfterValidator(lru_cache(maxsize=2**17)(check_file_name))]
Words = Annotated[str, AfterValidator(lru_cache(maxsize=2**14)(without_folders))]
Hash = Annotated[str, AfterValidator(sys.intern)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What all rows share.

    Attributes:
        testset: Name of the test set.
        status: ok, failed, skipped or unavailable.
        reason: Why there is no value; empty for ok.
        signature: Hash of all that can change the result.
    """

    file: ClassVar[str]

    testset: Name
    status: Status
    reason: Words = ""
    signature: str

    @property
    def key(self) -> tuple[str, ...]:
        """What the row is about; a later row with the same key replaces an earlier one."""
        return (self.testset,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOfClip(Row):
    """What all rows of a clip share.

    Attributes:
        clip: Id of the clip.
    """

    clip: Name

    @property
    def key(self) -> tuple[str, ...]:
        """Test set and clip."""
        return self.testset, self.clip


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalRow(RowOfClip):
    """A clip, taken into the run folder.

    Attributes:
        duration_s: Duration in seconds.
        rate: Sample rate in Hz.
        channels: Channels of the source.
        bit_depth: Bits per sample of the stored FLAC file.
        gain: What all versions of the clip are multiplied by, so that an original beyond full scale
            is not clipped; 1 for all others.
        note: What to know of an original that is ok.
        samples_sha256: Hash of the mono samples and their rate, before the gain.
        audio_sha256: Hash of the stored FLAC file.
    """

    file = "originals"

    duration_s: float | None = None
    rate: int | None = None
    channels: int | None = None
    bit_depth: int = 16
    gain: float = 1.0
    note: Words = ""
    samples_sha256: str = ""
    audio_sha256: Hash = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructionRow(RowOfClip):
    """A clip through a codec.

    Attributes:
        codec: Id of the codec.
        note: What to know of a reconstruction that is ok.
        rate: Sample rate of the stored FLAC in Hz.
        bits: Payload bits that the codec emitted.
        encode_s: Seconds of encoding.
        decode_s: Seconds of decoding.
        clipped: Samples beyond full scale.
        audio_sha256: Hash of the stored FLAC file.
        device: What it ran on.
        batch: How many clips shared the call; the seconds are a clip's share by its duration.
        encoded_with: The deeper codec whose encoding this one shares, if it does.
    """

    file = "reconstructions"

    codec: Name
    note: Words = ""
    rate: int | None = None
    bits: float | None = None
    encode_s: float | None = None
    decode_s: float | None = None
    clipped: int = 0
    audio_sha256: Hash = ""
    device: str = ""
    batch: int = 1
    encoded_with: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Test set, clip and codec."""
        return self.testset, self.clip, self.codec


def unchanged(row: OriginalRow) -> ReconstructionRow:
    """An original as a reconstruction of itself, for metrics that look at one sound alone."""
    return ReconstructionRow(
        testset=row.testset,
        clip=row.clip,
        codec=ORIGINAL,
        status=row.status,
        reason=row.reason,
        signature=row.signature,
        rate=row.rate,
        audio_sha256=row.audio_sha256,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow(RowOfClip):
    """A metric of a clip through a codec.

    Attributes:
        codec: Id of the codec; "original" where the original itself was scored.
        metric: Name of the metric.
        value: The value; None for none.
        seconds: Seconds of computing it.
        audio_sha256: Hash of the reconstruction it was computed from.
        final: Whether a row that failed would fail again, so that it is not computed again.
    """

    file = "scores"

    codec: Name
    metric: str
    value: float | None = None
    seconds: float = 0.0
    audio_sha256: Hash = ""
    final: bool = False

    @model_validator(mode="after")
    def _ok_has_a_value(self) -> Self:
        if self.status == "ok" and (self.value is None or not isfinite(self.value)):
            raise ValueError("a row that is ok has a finite value")
        return self

    @property
    def key(self) -> tuple[str, ...]:
        """Test set, clip, codec and metric."""
        return self.testset, self.clip, self.codec, self.metric


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


def signature(*parts: Any) -> str:
    """Hash whatever can change a result: 16 hexadecimal digits of the SHA-256 of canonical JSON."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
