"""Sound as callers hand it over: arrays, tensors, or files."""

from pathlib import Path
from typing import Any

import numpy as np

from almbench.audio import Samples, Sound, read
from almbench.errors import UserError

SoundLike = Any
"""An array or tensor of **Shape** `[T]` or `[C, T]`, or the path of a sound file."""


def to_sound(sound: SoundLike, sample_rate: int | None, what: str) -> Sound:
    """Turn what a caller hands over into mono sound.

    Args:
        sound: Samples, **Shape** `[T]` or `[C, T]` with the channels first, as NumPy array, PyTorch
            tensor or sequence; or the path of a file. Floats lie in [-1, 1]; integers are scaled by
            the range of their type.
        sample_rate: Rate of samples in Hz; a file has its own.
        what: What it is, for messages, such as "the reference".

    Raises:
        AudioError: A file cannot be read.
        UserError: Samples without a sample rate, of another shape, empty, or not finite.
    """
    if isinstance(sound, str | Path):
        return read(Path(sound))
    if sample_rate is None or sample_rate <= 0:
        raise UserError(f"{what} is given as samples: give its sample_rate in Hz, above 0.")
    samples, channels = to_samples(sound, what)
    return Sound(samples, int(sample_rate), channels)


def to_samples(array: SoundLike, what: str) -> tuple[Samples, int]:
    """Turn an array or tensor into mono samples in [-1, 1].

    Args:
        array: **Shape** `[T]` or `[C, T]`.
        what: What it is, for messages.

    Returns:
        The samples, **Shape** `[T]`, and how many channels were averaged.

    Raises:
        UserError: It has another shape, no samples, or values that are not finite numbers.
    """
    if hasattr(array, "detach"):  # a tensor, on whatever device
        array = array.detach().cpu().numpy()
    try:
        given = np.asarray(array)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{what} is no array of samples: {error}") from error
    if given.dtype.kind not in "iuf" or given.ndim not in {1, 2}:
        raise UserError(
            f"{what} has shape {list(given.shape)} and type {given.dtype}; allowed: numbers of "
            "shape [T], or [C, T] with the channels first."
        )
    if not given.size:
        raise UserError(f"{what} holds no samples.")
    if given.ndim == 2 and given.shape[0] > given.shape[1]:
        raise UserError(
            f"{what} has shape {list(given.shape)}, which would be {given.shape[0]} channels: give "
            "[C, T] with the channels first, such as samples.T."
        )
    samples = _scaled(given)
    if not np.isfinite(samples).all():
        raise UserError(f"{what} holds NaN or infinite samples.")
    return (samples, 1) if samples.ndim == 1 else (samples.mean(axis=0), samples.shape[0])


def _scaled(given: np.ndarray[Any, np.dtype[Any]]) -> Samples:
    if given.dtype.kind == "f":
        return given.astype(np.float64)
    limits = np.iinfo(given.dtype)
    middle = 0 if limits.min < 0 else (limits.max + 1) / 2
    return np.asarray((given.astype(np.float64) - middle) / (limits.max + 1 - middle), np.float64)
