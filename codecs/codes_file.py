"""Codes of a clip as a file of their own: `.npz` with the array `codes` and facts beside it.

The run folder has such files, `bench encode` writes them, and ready reconstructions may have them
beside their sounds, without facts or with some of `CodesFacts`.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from lzma import LZMAError
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, Any, Self
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from almbench.atomic import write_atomically
from almbench.codecs.base import CodecSpec
from almbench.codecs.code_faults import codes_fault
from almbench.errors import CodecError, in_a_line
from almbench.names import readable, safe_name
from almbench.validation import explain

SUFFIX = ".npz"
LONGEST_FACT = 2**16  # bytes of an array of facts
MOST_BYTES = 2**28  # of the codes of a clip, unpacked: 90 minutes of 128 codebooks at 50 Hz
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, MemoryError, BadZipFile, zlib.error, struct.error,
    LZMAError, RuntimeError, NotImplementedError, TypeError, OverflowError, SyntaxError, TokenError,
)  # fmt: skip
"""What zipfile and NumPy raise where a file of arrays is damaged."""


class CodesFacts(BaseModel):
    """What a file says of its codes; a file made elsewhere need not say all of it.

    Attributes:
        codec: Id of the codec that encoded.
        weights: SHA-256 of that codec's weights, as hexadecimal digits.
        codebook_sizes: Entries of each codebook.
        codebook_strides: Frames that a code of each codebook lasts, where not all are of one rate.
        frame_rate: Frames per second in Hz.
        sample_rate: Rate of the sound that was encoded in Hz.
        length: Its samples.
        bit_depth: Bits of a sample of its source: 16 or 24.
    """

    model_config = ConfigDict(frozen=True)

    codec: str = ""
    weights: str = ""
    codebook_sizes: tuple[Annotated[int, Field(ge=2)], ...] = ()
    codebook_strides: tuple[Annotated[int, Field(ge=1)], ...] = ()
    frame_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    sample_rate: int | None = Field(default=None, gt=0)
    length: int | None = Field(default=None, ge=0)
    bit_depth: int | None = Field(default=None, ge=1)

    @field_validator("codebook_sizes", "codebook_strides", mode="before")
    @classmethod
    def _one_may_stand_alone(cls, given: Any) -> Any:
        return (given,) if isinstance(given, int) else given

    @classmethod
    def of(cls, spec: CodecSpec, rate: int, length: int, bit_depth: int) -> Self:
        """Gather the facts of a sound that a codec encoded.

        Args:
            spec: Facts of the codec.
            rate: Rate at which the sound was encoded in Hz.
            length: Its samples.
            bit_depth: Bits of a sample of its source.
        """
        return cls(
            codec=spec.id,
            weights=spec.checkpoint.sha256 if spec.checkpoint else "",
            codebook_sizes=spec.codebook_sizes,
            codebook_strides=spec.codebook_strides,
            frame_rate=spec.frame_rate,
            sample_rate=rate,
            length=length,
            bit_depth=bit_depth,
        )


def write_codes(path: Path, codes: NDArray[np.int64], facts: CodesFacts) -> None:
    """Write codes in one step: the file is there whole, or not at all.

    Args:
        path: Where to; the folder is made.
        codes: **Shape** `[K, T]`.
        facts: What to say of them.
    """
    known = {name: value for name, value in facts.model_dump().items() if value}
    content = BytesIO()
    np.savez_compressed(content, codes=codes, **known)
    write_atomically(path, content.getvalue())


def read_facts(path: Path) -> CodesFacts:
    """Read what a file says of its codes, without reading the codes.

    Raises:
        CodecError: The file cannot be read, or says what cannot be.
    """
    try:
        with ZipFile(path) as archive:
            sizes = {
                info.filename.removesuffix(".npy"): info.file_size for info in archive.filelist
            }
        names = CodesFacts.model_fields
        small = [name for name in names if sizes.get(name, LONGEST_FACT) < LONGEST_FACT]
        with np.load(path, allow_pickle=False) as file:
            return CodesFacts.model_validate({name: file[name].tolist() for name in small})
    except ValidationError as error:
        raise CodecError(explain(error, CodesFacts, path.name).splitlines()[0]) from error
    except UNREADABLE as error:
        raise CodecError(f"the codes in {path.name} cannot be read: {_told(error)}") from error


def _told(error: Exception) -> str:
    if str(error) == "File is not a zip file":  # a sound, say, or the beginning of a file of codes
        return "it is no .npz file, or not a whole one"
    return in_a_line(str(error), 200)


def list_codes(folder: Path) -> dict[str, Path]:
    """The files of codes in a folder and below, by the id of their clip.

    That is the stem of a file, or its path below the folder where stems repeat.
    """
    paths = sorted(folder.rglob(f"*{SUFFIX}"))
    stems = Counter(path.stem for path in paths)
    inside = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    names = [p.stem if stems[p.stem] == 1 else i for p, i in zip(paths, inside, strict=True)]
    return {safe_name(readable(name)): path for name, path in zip(names, paths, strict=True)}


def header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the codes in a file, without reading them.

    Raises:
        CodecError: The file cannot be read.
    """
    try:
        with ZipFile(path) as archive:
            if "codes.npy" not in archive.namelist():
                names = ", ".join(name.removesuffix(".npy") for name in archive.namelist())
                raise CodecError(
                    f"{path.name} has no array 'codes'; it has: {in_a_line(names, 200) or 'none'}"
                )
            with archive.open("codes.npy") as file:
                np.lib.format.read_magic(file)
                shape, _, kind = np.lib.format.read_array_header_1_0(file)
    except UNREADABLE as error:
        raise CodecError(f"its codes cannot be read: {path.name}: {_told(error)}") from error
    return shape, kind


def read_codes(path: Path, sizes: Sequence[int] = ()) -> NDArray[np.int64]:
    """Read the codes of a clip, **Shape** `[K, T]`.

    Args:
        path: The file.
        sizes: Entries of each codebook; empty where they are not known.

    Raises:
        CodecError: They are not there, damaged, or not codes of such codebooks.
    """
    if not path.is_file():
        raise CodecError(f"its codes are gone: there is no {path.name}")
    shape, kind = header(path)
    if (size := prod(shape) * kind.itemsize) > MOST_BYTES:
        raise CodecError(f"its codes would take {size:,} bytes; at most {MOST_BYTES:,}")
    try:
        with np.load(path, allow_pickle=False) as file:
            codes = file["codes"]
    except UNREADABLE as error:
        raise CodecError(f"its codes cannot be read: {path.name}: {_told(error)}") from error
    if fault := codes_fault(codes, sizes) if sizes else _fault_without_sizes(codes):
        raise CodecError(f"its codes {fault}")
    return np.asarray(codes, np.int64)


def _fault_without_sizes(codes: NDArray[Any]) -> str:
    """Say what is wrong with codes of codebooks that are not known; empty for nothing."""
    if codes.ndim == 1:
        return f"have the shape {list(codes.shape)}, not [K, T]: store one codebook as codes[None]"
    if codes.ndim != 2:
        return f"have the shape {list(codes.shape)}, not [K, T] of K codebooks and T frames"
    if not np.issubdtype(codes.dtype, np.integer):
        return f"are {codes.dtype}, not integers"
    if (codes < 0).any():
        return f"are negative, {codes.min()} the smallest; they count from 0"
    return ""
