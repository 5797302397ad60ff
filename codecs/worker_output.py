"""What a worker wrote and answered, read with care: whatever is wrong is an error of the clip."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from almbench import policies
from almbench.audio import Samples, read
from almbench.codecs.base import Encoded, from_codes
from almbench.codecs.code_faults import codes_fault
from almbench.codecs.codes_file import UNREADABLE
from almbench.codecs.stated import StatedOptions
from almbench.errors import AudioError, CodecError, in_a_line

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
    path: Path, stated: StatedOptions, answer: Mapping[str, Any], length: int
) -> Encoded:
    """Read the codes of a codec with codebooks, or else the bits that the worker counted.

    Args:
        path: The file of codes, an integer array **Shape** `[K, T]`.
        stated: What is known of the codec.
        answer: The worker's answer.
        length: Samples of the clip.

    Raises:
        CodecError: The codes are missing, damaged, of another kind or shape, or out of range.
    """
    sizes = stated.codebook_sizes
    if not sizes:
        return Encoded(_number(answer, "bits"), length)
    if not path.is_file():
        raise CodecError(f"{FAULT} no codes, though codebook_sizes are given")
    try:
        codes = np.load(path, allow_pickle=False)
    except UNREADABLE as error:
        said = in_a_line(str(error), 200)
        raise CodecError(f"{FAULT} its codes are no .npy file: {said}") from error
    if fault := codes_fault(codes, sizes):
        raise CodecError(f"{FAULT} its codes {fault}")
    return from_codes(codes.astype(np.int64), sizes, length, stated.codebook_strides)


def read_seconds(answer: Mapping[str, Any]) -> tuple[float, float] | None:
    """What encoding and decoding took, where the worker measured both.

    Raises:
        CodecError: One of them is no number from 0 on.
    """
    encode_s, decode_s = _number(answer, "encode_s"), _number(answer, "decode_s")
    return None if encode_s is None or decode_s is None else (encode_s, decode_s)


def _number(answer: Mapping[str, Any], key: str) -> float | None:
    """A number that a worker may report."""
    value = answer.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise CodecError(f"{FAULT} {key} = {value!r} is not a number from 0 on")
    return float(value)
