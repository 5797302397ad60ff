"""What the vocoder WORLD hears: F0, voicing and spectral envelope, by the package `pyworld`.

Morise, Yokomori and Ozawa, "WORLD", IEICE Transactions 2016. F0 is found by DIO and refined by
StoneMask, from 71 to 800 Hz, every 5 ms; Harvest, its successor, finds voice in pauses too and
takes thirty times as long. The envelope is CheapTrick's (Morise, Speech Communication 2015). Frames
are compared one by one, as codecs do not change the timing.
"""

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_longer, refuse_silence
from almbench.packages import import_inside, missing_packages, release

RATE = 16_000
LONGEST_S = 600  # ten minutes take 1.3 GB
FEWEST = 20  # frames: 0.1 s
ORDER = 24  # of the mel-cepstrum
WARP = 0.42  # all-pass constant that approximates the mel scale at 16 kHz
ACTIVE_DB = 40.0  # frames so far below the reference's loudest are left out

Floats = NDArray[np.float64]


class Pitch(NamedTuple):
    """F0 in Hz, 0 in unvoiced frames, and the frames' times in seconds, each **Shape** `[F]`."""

    f0: Floats
    times: Floats


class _World(Family[Settings]):
    def version(self) -> str:
        """Name the package and the method."""
        return f"{release('pyworld')}, DIO, StoneMask"

    def missing(self) -> str | None:
        """Say whether pyworld is missing."""
        return missing_packages(["pyworld"], "'almbench[world]'")

    def load(self) -> None:
        """Import pyworld."""
        _pyworld()

    def prepare(self, reference: Samples, rate: int) -> Any:
        """Find the F0 of the reference.

        Raises:
            MetricUndefined: The reference is silent, longer than ten minutes, or has no voiced
                frames.
        """
        refuse_silence(reference, "reference")
        refuse_longer(reference, rate, LONGEST_S, "F0")
        found = pitch(reference)
        if np.count_nonzero(found.f0) < FEWEST:
            raise MetricUndefined(f"the reference has less than {FEWEST * 5} ms of voice")
        return found


class F0Correlation(_World):
    """Pearson's correlation of F0 in Hz over the frames that are voiced in both sounds."""

    name = "f0_correlation"
    metrics = (
        Metric(
            name="f0_correlation",
            label="F0 correlation",
            higher_is_better=True,
            low=-1.0,
            high=1.0,
            rate=RATE,
            domains=("speech",),
            note="Whether the melody of speech is kept.",
            caveat=(
                "Of the frames that are voiced in both alone, so read it with the V/UV error; one "
                "octave error among few frames weighs much."
            ),
        ),
    )

    def score(
        self, prepared: Pitch, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the correlation.

        Raises:
            MetricUndefined: A sound is silent, too few frames are voiced in both, or F0 is constant
                in one.
        """
        del rate, names
        refuse_silence(reconstruction, "reconstruction")
        x, y = prepared.f0, pitch(reconstruction).f0
        both = (x > 0) & (y > 0)
        if np.count_nonzero(both) < FEWEST:
            raise MetricUndefined(f"less than {FEWEST * 5} ms are voiced in both sounds")
        if min(np.ptp(x[both]), np.ptp(y[both])) == 0:
            raise MetricUndefined("F0 does not change, so nothing correlates with it")
        return {self.name: float(np.corrcoef(x[both], y[both])[0, 1])}


class VuvError(_World):
    """Share of the frames that are voiced in one sound and not in the other, in per cent."""

    name = "vuv_error"
    metrics = (
        Metric(
            name="vuv_error",
            label="V/UV error",
            unit="%",
            higher_is_better=False,
            low=0.0,
            high=100.0,
            digits=1,
            rate=RATE,
            domains=("speech",),
            note="Whether voiced sounds stay voiced, and unvoiced ones unvoiced.",
            caveat="Noise and creaky voice make the finding of voice itself unsure.",
        ),
    )

    def score(
        self, prepared: Pitch, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the share; a silent reconstruction is unvoiced throughout."""
        del rate, names
        differ = (prepared.f0 > 0) != (pitch(reconstruction).f0 > 0)
        return {self.name: float(100 * differ.mean())}


class Envelope(NamedTuple):
    """Mel-cepstrum **Shape** `[F, 25]`, and which frames count."""

    cepstrum: Floats
    active: NDArray[np.bool_]


class Mcd(_World):
    """Mel-cepstral distortion in dB: 10 / ln 10 sqrt(2 sum (c - c')^2), mean over frames.

    Kubichek, "Mel-cepstral distance measure for objective speech quality assessment", PACRIM 1993.
    Coefficients 1 to 24 of WORLD's envelope at 16 kHz, warped by 0.42; frames of the reference
    within 40 dB of its loudest; no time warping.
    """

    name = "mcd"
    metrics = (
        Metric(
            name="mcd",
            label="MCD",
            unit="dB",
            higher_is_better=False,
            low=0.0,
            digits=2,
            rate=RATE,
            domains=("speech",),
            note="How far the timbre of speech moves, whatever its level.",
            caveat=(
                "Figures of papers rarely compare: they depend on the analysis, the order, the "
                "frames left out and on time warping, of which there is none here."
            ),
        ),
    )

    def version(self) -> str:
        """Name the package and the parameters."""
        return (
            f"{super().version()}, CheapTrick, order {ORDER}, warp {WARP}, "
            f"frames within {ACTIVE_DB:g} dB"
        )

    def prepare(self, reference: Samples, rate: int) -> Envelope:
        """Compute the mel-cepstrum of the reference.

        Raises:
            MetricUndefined: The reference is silent or longer than ten minutes.
        """
        refuse_silence(reference, "reference")
        refuse_longer(reference, rate, LONGEST_S, "the mel-cepstrum")
        cepstrum, power = mel_cepstrum(reference)
        return Envelope(cepstrum, power > power.max() * 10 ** (-ACTIVE_DB / 10))

    def score(
        self, prepared: Envelope, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the distortion.

        Raises:
            MetricUndefined: The reconstruction is silent.
        """
        del rate, names
        refuse_silence(reconstruction, "reconstruction")
        cepstrum, _ = mel_cepstrum(reconstruction)
        difference = (cepstrum - prepared.cepstrum)[prepared.active, 1:]
        distances = 10 / np.log(10) * np.sqrt(2 * np.square(difference).sum(axis=1))
        return {self.name: float(distances.mean())}


def pitch(samples: Samples) -> Pitch:
    """F0 of a sound `[T]` at 16 kHz; kept for the next metrics of the same sound."""
    return _pitch(np.ascontiguousarray(samples, np.float64).tobytes())


@lru_cache(maxsize=8)
def _pitch(samples: bytes) -> Pitch:
    sound = np.frombuffer(samples)
    f0, times = _pyworld().dio(sound, RATE)
    return Pitch(_pyworld().stonemask(sound, f0, times, RATE), times)


def mel_cepstrum(samples: Samples) -> tuple[Floats, Floats]:
    """Mel-cepstrum of a sound `[T]` at 16 kHz, **Shape** `[F, 25]`, and the frames' power `[F]`."""
    sound = np.ascontiguousarray(samples, np.float64)
    found = pitch(sound)
    power = _pyworld().cheaptrick(sound, found.f0, found.times, RATE)
    return to_mel_cepstrum(power), power.sum(axis=1)


def to_mel_cepstrum(power: Floats) -> Floats:
    """Mel-cepstrum of power spectra `[F, 1 + N / 2]`, so that ln |H| = sum c_m cos(m warped w).

    Oppenheim and Johnson, "Discrete representation of signals", Proceedings of the IEEE 1972.
    """
    cepstrum = np.fft.irfft(np.log(power), axis=1)[:, : power.shape[1]]
    cepstrum[:, 0] /= 2
    cepstrum[:, -1] /= 2  # the irfft of an even spectrum has its last coefficient once
    return np.asarray(cepstrum @ _warping(power.shape[1]), np.float64)


@cache
def _warping(size: int) -> Floats:
    """The matrix that warps the frequency of cepstra of `size` coefficients; `[size, 25]`."""
    warped = np.zeros((ORDER + 1, size))
    for row in np.eye(size)[::-1]:
        before = warped.copy()
        warped[0] = row + WARP * before[0]
        warped[1] = (1 - WARP**2) * before[0] + WARP * before[1]
        for m in range(2, ORDER + 1):
            warped[m] = before[m - 1] + WARP * (before[m] - warped[m - 1])
    return warped.T


def _pyworld() -> Any:
    """The package's compiled module; the package itself asks setuptools for what it lacks now."""
    return import_inside("pyworld", "pyworld")
