"""What a worker wrote and answered, read with care: whatever is wrong is an error of the clip."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from almbench import policies
from almbench.audio import Samples, read
from almbench.codecs.base import Encoded, from_codes
from almbench.errors import AudioError, CodecError

FAULT = "its worker's fault:"


def read_decoded(path: Path, length: int, rate: int) -> Samples:
    """Read a decoded sound, **Shape** `[T]`.

    Args:
        path: The file that the worker wrote.
        length: Samples of the clip.
        rate: Sample rate of the clip in Hz.

    Raises:
        CodecError: It is no sound, has another rate, or is too short.
    """
    try:
        sound = read(path)
    except AudioError as error:
        raise CodecError(f"{FAULT} {error}") from error
    if sound.rate != rate:
        raise CodecError(f"{FAULT} a sound at {sound.rate} Hz instead of {rate} Hz")
    if len(sound.samples) < policies.LEAST_LENGTH * length:
        raise CodecError(f"{FAULT} {len(sound.samples)} samples came back of {length}")
    return sound.samples


def read_encoded(
    path: Path, sizes: tuple[int, ...], answer: Mapping[str, Any], length: int
) -> Encoded:
    """Read the codes of a codec with codebooks, or else the bits that the worker counted.

    Args:
        path: The file of codes, an integer array **Shape** `[K, T]`.
        sizes: Entries of each codebook; empty for a codec without.
        answer: The worker's answer.
        length: Samples of the clip.

    Raises:
        CodecError: The codes are missing, damaged, of another kind or shape, or out of range.
    """
    if not sizes:
        return Encoded(_number(answer, "bits"), length)
    if not path.is_file():
        raise CodecError(f"{FAULT} no codes, though codebook_sizes are given")
    try:
        codes = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CodecError(f"{FAULT} its codes are no .npy file: {error}") from error
    _check_codes(codes, sizes)
    return from_codes(codes.astype(np.int64), sizes, length)


def read_seconds(answer: Mapping[str, Any]) -> tuple[float, float] | None:
    """What encoding and decoding took, where the worker measured both.

    Raises:
        CodecError: One of them is no number from 0 on.
    """
    encode_s, decode_s = _number(answer, "encode_s"), _number(answer, "decode_s")
    return None if encode_s is None or decode_s is None else (encode_s, decode_s)


def _check_codes(codes: NDArray[Any], sizes: tuple[int, ...]) -> None:
    if codes.dtype.kind not in "iu":
        raise CodecError(f"{FAULT} its codes are {codes.dtype}, not integers")
    if codes.ndim != 2 or len(codes) != len(sizes) or not codes.size:
        raise CodecError(
            f"{FAULT} its codes have the shape {list(codes.shape)}, not [{len(sizes)}, frames]"
        )
    for book, (row, size) in enumerate(zip(codes, sizes, strict=True)):
        wrong = row[(row < 0) | (row >= size)]
        if len(wrong):
            raise CodecError(
                f"{FAULT} code {wrong[0]} of codebook {book} is not within 0 to {size - 1}"
            )


def _number(answer: Mapping[str, Any], key: str) -> float | None:
    """A number that a worker may report."""
    value = answer.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise CodecError(f"{FAULT} {key} = {value!r} is not a number from 0 on")
    return float(value)
