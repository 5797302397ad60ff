"""Short-time spectra and mel filters, by numpy alone."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from almbench.audio import Samples

BLOCK = 256  # frames transformed at once, so that long sounds need little memory
MOST_VALUES = 2**22  # that come together where spectra are looked at part by part: 34 MB
BAND_STEP = 250.0  # Hz
KNEE = 1000.0  # Hz, where Slaney's scale turns from linear to logarithmic
LINEAR = 200 / 3  # Hz per mel below the knee
LOGARITHMIC = np.log(6.4) / 27  # of a frequency's natural logarithm, per mel above the knee


def magnitudes(
    samples: Samples,
    size: int,
    hop: int,
    window: int | None = None,
    ends: Literal["reflect", "constant"] = "reflect",
) -> NDArray[np.float64]:
    """Magnitudes of short-time spectra, frame t centred on sample t * hop.

    Args:
        samples: **Shape** `[T]`; for reflected ends, longer than half the window.
        size: Points of the transform, even.
        hop: Samples from a frame to the next.
        window: Samples of the (periodic) Hann window, even; `size` by default.
        ends: What is beyond both ends: the sound reflected, or zeros.

    Returns:
        **Shape** `[1 + T // hop, 1 + size // 2]`.
    """
    parts = list(magnitude_parts(samples, size, hop, window, ends))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def magnitude_parts(
    samples: Samples,
    size: int,
    hop: int,
    window: int | None = None,
    ends: Literal["reflect", "constant"] = "reflect",
) -> Iterator[NDArray[np.float64]]:
    """Magnitudes as of `magnitudes`, at most 2^22 values at a time: a long sound takes no more.

    Yields:
        **Shape** `[t, 1 + size // 2]`.
    """
    window = window or size
    # A window within a longer transform may lie anywhere: that changes the phases only.
    frames = sliding_window_view(np.pad(samples, window // 2, mode=ends), window)[::hop]
    most = max(MOST_VALUES // (1 + size // 2), 1)
    for first in range(0, len(frames), most):
        part = frames[first : first + most]
        made = np.empty((len(part), 1 + size // 2))
        for start in range(0, len(part), BLOCK):
            block = part[start : start + BLOCK] * hann(window)
            np.abs(np.fft.rfft(block, size), out=made[start : start + BLOCK])
        yield made


@lru_cache(maxsize=32)
def hann(size: int) -> NDArray[np.float64]:
    """The periodic Hann window, **Shape** `[size]`."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


@lru_cache(maxsize=32)
def mel_filters(
    rate: int,
    size: int,
    bands: int,
    norm: Literal["area", "peak"] = "area",
    top: float | None = None,
) -> NDArray[np.float64]:
    """Triangular filters that sum the bins of a spectrum to mel bands from 0 Hz upwards.

    Bands lie evenly, and overlap by half, on the mel scale of Slaney, "Auditory Toolbox", version
    2, Technical Report 1998-010, Interval Research, 1998.

    Args:
        rate: Sample rate in Hz.
        size: Points of the transform, even.
        bands: How many bands.
        norm: `area`: each filter has an area of 1 over frequencies in Hz, as Slaney has them.
            `peak`: the tip of each triangle is 1.
        top: Where the last band ends in Hz; half the rate by default.

    Returns:
        **Shape** `[bands, 1 + size // 2]`.
    """
    edges = _hertz(np.linspace(0, _mel(top or rate / 2), bands + 2))
    rising = (np.arange(1 + size // 2) * rate / size - edges[:-1, None]) / np.diff(edges)[:, None]
    filters = np.maximum(0, np.minimum(rising[:-1], 1 - rising[1:]))
    if norm == "area":
        filters *= 2 / (edges[2:] - edges[:-2])[:, None]
    filters.flags.writeable = False  # it is kept for other callers
    return filters


def _mel(hertz: float) -> float:
    if hertz < KNEE:
        return hertz / LINEAR
    return float(KNEE / LINEAR + np.log(hertz / KNEE) / LOGARITHMIC)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = np.maximum(mel - KNEE / LINEAR, 0)
    return np.where(above > 0, KNEE * np.exp(LOGARITHMIC * above), LINEAR * mel)


def band_powers(samples: Samples, rate: int, step: float = BAND_STEP) -> NDArray[np.float64]:
    """Mean powers of a sound in steps of its spectrum, for `band_edge`.

    Args:
        samples: **Shape** `[T]`.
        rate: Its rate in Hz.
        step: Width of a step in Hz.

    Returns:
        **Shape** `[S]`; `[0]` for what is too short to tell.
    """
    size = 1024
    if len(samples) <= size:
        return np.zeros(0)
    steps = (np.fft.rfftfreq(size, 1 / rate) // step).astype(int)
    parts = magnitude_parts(samples, size, size // 2)
    spectrum = np.sum([(part**2).sum(axis=0) for part in parts], axis=0)
    spectrum /= 1 + len(samples) // (size // 2)
    return np.bincount(steps, spectrum) / np.bincount(steps)


def band_edge(
    theirs: NDArray[np.float64],
    own: NDArray[np.float64],
    rate: int,
    step: float = BAND_STEP,
    below: float = 20.0,
) -> tuple[float, float]:
    """Up to which frequency a sound follows another, and up to which that has sound at all.

    The other's ends where all that is above lies 60 dB under its strongest step, the sound's where
    all above is far below the other.

    Args:
        theirs: The other's powers as of `band_powers`, **Shape** `[S]`.
        own: The sound's, **Shape** `[S]`.
        rate: Their rate in Hz.
        step: Width of a step in Hz.
        below: How far below is far, in dB.

    Returns:
        Both frequencies in Hz; zeros for silence or what is too short to tell.
    """
    if not (len(own) and theirs.any()):
        return 0.0, 0.0
    heard = theirs > theirs.max() * 1e-6
    last = int(np.flatnonzero(heard)[-1])
    follows = np.flatnonzero(heard & (own > theirs * 10 ** (-below / 10)))
    edge = (int(follows[-1]) + 1) * step if len(follows) else 0.0
    half = rate / 2
    return min(edge, half), min((last + 1) * step, half)
