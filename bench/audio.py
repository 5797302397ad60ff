"""Sound in memory and on disk: mono float, soxr resampling, FLAC without wrapping or guessing."""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from almbench import decoding
from almbench.atomic import write_atomically
from almbench.errors import AudioError
from almbench.interrupts import interrupts_deferred

Samples = decoding.Samples
BY_SOUNDFILE = frozenset(
    {
        ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au",
        ".w64", ".caf",
    }
)  # fmt: skip
BY_PYAV = frozenset({".m4a", ".mp4", ".aac", ".webm", ".mka", ".mkv", ".wma", ".amr"})
EXTENSIONS = BY_SOUNDFILE | BY_PYAV
FLAC_RATES = "up to 65535 Hz, and multiples of 10 up to 655350 Hz"


@dataclass(frozen=True)
class Sound:
    """A mono sound.

    Attributes:
        samples: Amplitudes, nominally in [-1, 1]. **Shape** `[T]`.
        rate: Sample rate in Hz.
        channels: How many channels the source had; more than one were averaged.
        note: What to know of how it was read; empty for nothing.
    """

    samples: Samples
    rate: int
    channels: int = 1
    note: str = ""

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate


def read(path: Path) -> Sound:
    """Read a sound file as mono float.

    Raises:
        AudioError: The file is missing, empty, not audio, too long, or holds NaN or infinite
            samples. It is named without its folder, since reasons are published.
    """
    decoded = decoding.decode(path)
    note = "; ".join(filter(None, [decoded.note, decoded.cancelled]))
    return Sound(decoded.samples, decoded.rate, decoded.channels, note)


def resample(samples: Samples, rate: int, target: int) -> Samples:
    """Resample by soxr at very high quality, without delay.

    Args:
        samples: **Shape** `[T]`.
        rate: Rate of `samples` in Hz.
        target: Rate wanted in Hz.

    Returns:
        **Shape** `[T']` with `T' = floor(T * target / rate)`, or `samples` itself at equal rates.
    """
    if rate == target:
        return samples
    length = len(samples) * target // rate
    out: Samples = np.asarray(soxr.resample(samples, rate, target, quality="VHQ"), np.float64)
    return fit(out, length)


def fit(samples: Samples, length: int) -> Samples:
    """Cut the end off, or pad it with zeros, to `length` samples."""
    if len(samples) >= length:
        return samples[:length]
    return np.pad(samples, (0, length - len(samples)))


def to_integers(samples: Samples, bits: int) -> tuple[NDArray[np.int32], int]:
    """Round to signed integers of `bits` bits; what lies beyond full scale is clipped.

    Returns:
        The integers, and how many samples were clipped.
    """
    scale = 2 ** (bits - 1)
    wanted = np.rint(samples * scale)
    clipped = np.clip(wanted, -scale, scale - 1)
    # Float sources at exactly +1.0 lose one step; that is rounding, not clipping.
    count = int(np.count_nonzero(np.abs(wanted - clipped) > 1))
    return clipped.astype(np.int32), count


def write_flac(path: Path, samples: Samples, rate: int, bits: int = 16) -> int:
    """Write a FLAC file in one step: it is there whole, or not at all.

    Args:
        path: Where to; the folder is made.
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.
        bits: 16 or 24.

    Returns:
        How many samples were clipped.

    Raises:
        AudioError: FLAC has no such rate.
    """
    content, clipped = flac_bytes(samples, rate, bits)
    write_atomically(path, content)
    return clipped


def flac_bytes(samples: Samples, rate: int, bits: int = 16) -> tuple[bytes, int]:
    """Encode a sound as FLAC.

    Args:
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.
        bits: 16 or 24.

    Returns:
        The file's content, and how many samples were clipped.

    Raises:
        AudioError: FLAC has no such rate.
    """
    if rate > 655_350 or (rate > 65_535 and rate % 10):
        raise AudioError(f"FLAC, as which it is stored, has no rate of {rate} Hz, but {FLAC_RATES}")
    return _encoded(samples, rate, bits, "FLAC")


def _encoded(samples: Samples, rate: int, bits: int, form: str) -> tuple[bytes, int]:
    integers, clipped = to_integers(samples, bits)
    # libsndfile scales floats by 2^15 - 1 but reads by 2^15, so integers are handed over.
    data = integers.astype(np.int16) if bits == 16 else integers << (32 - bits)
    buffer = BytesIO()  # libsndfile would hide a full disk behind "System error"
    with interrupts_deferred():
        sf.write(buffer, data, rate, format=form, subtype=f"PCM_{bits}")
    return buffer.getvalue(), clipped


def as_original(samples: Samples) -> tuple[Samples, float, int]:
    """Make of a source what is stored as the original: within full scale, and rounded to bits.

    Args:
        samples: **Shape** `[T]`.

    Returns:
        The samples that a file of so many bits gives back, the gain, and the bits (16 or 24).
    """
    gain = headroom_gain(samples)
    scaled = samples * gain
    bits = exact_bits(scaled)
    return to_integers(scaled, bits)[0] / 2 ** (bits - 1), gain, bits


def write_wav(path: Path, samples: Samples, rate: int, bits: int = 16) -> int:
    """Write a WAV file that holds the samples that `write_flac` stores, in one step.

    Args:
        path: Where to; the folder is made.
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.
        bits: 16 or 24.

    Returns:
        How many samples were clipped.
    """
    content, clipped = _encoded(samples, rate, bits, "WAV")
    write_atomically(path, content)
    return clipped


def headroom_gain(samples: Samples) -> float:
    """The gain that brings a sound within full scale: 1 / peak, or 1 where nothing lies beyond."""
    peak = float(np.abs(samples).max(initial=0.0))
    return 1 / peak if peak > 1 else 1.0


def exact_bits(samples: Samples) -> int:
    """Say how many bits (16 or 24) a FLAC needs to hold a source without loss.

    24 bits are the most that FLAC is given here; a float source is rounded to them.
    """
    scaled = samples * 2**15
    exact = np.array_equal(scaled, np.rint(scaled)) and bool((np.abs(scaled) <= 2**15).all())
    return 16 if exact else 24


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
