"""Pictures of sounds: waveform above mel spectrogram, in grey, all of a clip on one scale."""

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import csr_array

from almbench.audio import Samples
from almbench.spectra import mel_filters

WIDTH, WAVE = 800, 120  # pixels
MELS, ROWS = 80, 2  # bands of the spectrogram, and pixels that each is high
GAP = 4  # pixels between waveform and spectrogram
HEIGHT = WAVE + GAP + MELS * ROWS
RANGE = 70.0  # dB from the clip's loudest band down to white
WINDOW = 0.032  # seconds, at least
FAINTEST = 1e-9  # power that stands for silence
QUALITY = 30
INK = 0.8  # darkness of the waveform

Grey = NDArray[np.float64]
"""Darkness from 0 (paper) to 1 (ink), **Shape** `[rows, columns]`."""


@dataclass(frozen=True)
class Scale:
    """What the pictures of a clip share, so that they can be compared.

    Attributes:
        rate: Sample rate in Hz; the spectrogram reaches to half of it.
        length: Samples from the left edge to the right one.
        peak: Amplitude that fills the height of the waveform.
        loudest: Level in dB that is drawn in full ink.
    """

    rate: int
    length: int
    peak: float
    loudest: float

    @classmethod
    def of(cls, versions: list[Samples], rate: int) -> Self:
        """Find the scale of a clip: the original's level, and a height that holds all versions.

        Args:
            versions: The original first, all of one length, **Shape** `[T]` each.
            rate: Sample rate in Hz.
        """
        original = versions[0]
        peak = max(float(np.abs(samples).max()) for samples in versions)
        return cls(rate, len(original), peak or 1.0, float(_mel(original, rate).max()))


def draw_view(samples: Samples, scale: Scale) -> bytes:
    """Draw a sound as a WebP in grey, dark on light.

    Args:
        samples: **Shape** `[T]`.
        scale: The scale of its clip.
    """
    spectrogram = np.clip((_mel(samples, scale.rate) - scale.loudest) / RANGE + 1, 0, 1)
    bands = np.repeat(spectrogram, ROWS, axis=0)
    darkness = np.vstack([_wave(samples, scale), np.zeros((GAP, WIDTH)), bands])
    grey = np.rint(255 * (1 - darkness)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(grey).convert("RGB").save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


def _wave(samples: Samples, scale: Scale) -> Grey:
    """The extent of the amplitudes in each column, at least a hairline."""
    edges = np.linspace(0, len(samples), WIDTH + 1).astype(int)
    starts = np.minimum(edges[:-1], len(samples) - 1)
    top = np.maximum.reduceat(samples, starts) / scale.peak
    bottom = np.minimum.reduceat(samples, starts) / scale.peak
    rows = np.linspace(1, -1, WAVE)[:, None]
    half = 1 / WAVE
    return np.where((rows <= top + half) & (rows >= bottom - half), INK, 0.0)


def _mel(samples: Samples, rate: int) -> Grey:
    """Level in dB of each mel band, high bands on top, around the middle of each column.

    Returns:
        **Shape** `[MELS, WIDTH]`.
    """
    column = len(samples) / WIDTH
    size = 2 * round(max(WINDOW * rate, 2 * column) / 2)  # no sample is between two windows
    frames = sliding_window_view(np.pad(samples, size // 2), size)
    middles = ((np.arange(WIDTH) + 0.5) * column).astype(int)
    power = np.abs(np.fft.rfft(frames[middles] * np.hanning(size + 2)[1:-1])) ** 2
    bands = _filters(rate, size) @ power.T
    level: Grey = 10 * np.log10(np.maximum(bands[::-1], FAINTEST))
    return level


@lru_cache(maxsize=32)
def _filters(rate: int, size: int) -> csr_array:
    """The mel filters, sparse: a dense product would busy threads of its own."""
    return csr_array(mel_filters(rate, size, MELS))
