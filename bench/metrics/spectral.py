"""Spectral distances: of mel spectra, and of short-time spectra at one resolution or several.

All are measured at the test set's scoring rate, and values of different rates do not compare.
"""

from collections.abc import Collection
from math import hypot

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.domains import DOMAINS
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_silence
from almbench.spectra import magnitude_parts, mel_filters

WINDOW = 1024  # samples
HOP = 256  # samples
BANDS = 80
FLOOR = 1e-5

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))  # points, hop, window
LONGEST = max(size for size, _, _ in RESOLUTIONS)
LEAST_MAGNITUDE = 1e-4

LSD_WINDOW, LSD_HOP = 2048, 512  # samples
LSD_RANGE_DB = 100.0


class MelDistance(Family[Settings]):
    """Mean absolute difference of log10 mel magnitudes.

    Magnitude spectra of 1024 samples every 256, Hann window, centred with reflected ends; 80 bands
    up to half the rate on the mel scale of Slaney's Auditory Toolbox, each of unit area; floor
    1e-5. A factor of 10 in amplitude is a distance of 1.
    """

    name = "mel_distance"
    metrics = (
        Metric(
            name="mel_distance",
            label="Mel distance",
            higher_is_better=False,
            low=0.0,
            default=DOMAINS,
            headline=("sound", "music"),
            note="The coarse shape of the spectrum, for any sound.",
            caveat=(
                "Quiet bands count as much as loud ones, so a low-pass costs more than it is heard."
            ),
        ),
    )

    def version(self) -> str:
        """Name the parameters."""
        return f"{BANDS} Slaney bands, {WINDOW}/{HOP}, floor {FLOOR:g}"

    def prepare(self, reference: Samples, rate: int) -> NDArray[np.float64]:
        """Compute the log mel spectrum of the reference.

        Raises:
            MetricUndefined: The reference is silent or shorter than a window.
        """
        refuse_silence(reference, "reference")
        return _log_mel(reference, rate)

    def score(
        self,
        prepared: NDArray[np.float64],
        reconstruction: Samples,
        rate: int,
        names: Collection[str],
    ) -> dict[str, float]:
        """Compute the distance; a silent reconstruction has one, too."""
        del names
        distance = np.abs(_log_mel(reconstruction, rate) - prepared).mean()
        return {self.name: float(distance)}


def _log_mel(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Log10 mel magnitudes of `[T]`, **Shape** `[1 + T // 256, 80]`."""
    if len(samples) < WINDOW:
        raise MetricUndefined(f"{len(samples)} samples are less than a window of {WINDOW}")
    filters = mel_filters(rate, WINDOW, BANDS).T
    bands = np.concatenate([part @ filters for part in magnitude_parts(samples, WINDOW, HOP)])
    return np.asarray(np.log10(np.maximum(bands, FLOOR)), np.float64)


class MrstftDistance(Family[Settings]):
    """Multi-resolution STFT distance: spectral convergence plus log magnitude distance.

    Yamamoto, Song and Kim, "Parallel WaveGAN", ICASSP 2020, with the parameters
    of the package `auraloss` 0.4: mean over three resolutions of |Y - X| / |X| (Frobenius norms)
    plus mean |ln Y - ln X|, X and Y being magnitudes not below 1e-4. Not symmetric: it is relative
    to the reference X.
    """

    name = "mrstft_distance"
    metrics = (
        Metric(
            name="mrstft_distance",
            label="MR-STFT distance",
            higher_is_better=False,
            low=0.0,
            default=DOMAINS,
            note="The spectrum at three resolutions, for any sound.",
            caveat="Many codecs are trained on just this, and so look better than they sound.",
        ),
    )

    def version(self) -> str:
        """Name the definition, the resolutions and the precision."""
        resolutions = ", ".join("/".join(map(str, resolution)) for resolution in RESOLUTIONS)
        return f"as auraloss 0.4 in double precision, {resolutions}, floor {LEAST_MAGNITUDE:g}"

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the distance; a silent reconstruction has one, too.

        Raises:
            MetricUndefined: The reference is silent or shorter than the longest window.
        """
        del rate, names
        refuse_silence(prepared, "reference")
        if len(prepared) < LONGEST:
            raise MetricUndefined(f"{len(prepared)} samples are less than a window of {LONGEST}")
        distances = [_stft_distance(prepared, reconstruction, *r) for r in RESOLUTIONS]
        return {self.name: float(np.mean(distances))}


def _stft_distance(
    reference: Samples, reconstruction: Samples, size: int, hop: int, window: int
) -> float:
    """Spectral convergence plus log magnitude distance at one resolution."""
    differences, norms, logs, bins = [], [], 0.0, 0
    pairs = (magnitude_parts(sound, size, hop, window) for sound in (reference, reconstruction))
    for part in zip(*pairs, strict=True):
        x, y = (np.maximum(magnitude, LEAST_MAGNITUDE) for magnitude in part)
        differences.append(np.linalg.norm(y - x))
        norms.append(np.linalg.norm(x))
        logs += np.abs(np.log(y / x)).sum()
        bins += x.size
    return float(hypot(*differences) / hypot(*norms) + logs / bins)


class LogSpectralDistance(Family[Settings]):
    """Log-spectral distance in dB: sqrt(mean over bins of (10 log10 P/P')^2), mean over frames.

    Gray and Markel, "Distance measures for speech processing", IEEE TASSP 1976. Power spectra of
    2048 samples every 512, Hann window; powers more than 100 dB below the reference's greatest are
    raised to that. A tenth of it is the distance in log10 units that work on bandwidth extension
    prints, but for their floors.
    """

    name = "log_spectral_distance"
    metrics = (
        Metric(
            name="log_spectral_distance",
            label="LSD",
            unit="dB",
            higher_is_better=False,
            low=0.0,
            digits=2,
            note="How far spectra differ, bin by bin.",
            caveat=(
                "Quiet bins count as much as loud ones, so a missing band or another noise floor "
                "decides it."
            ),
        ),
    )

    def version(self) -> str:
        """Name the parameters."""
        return f"{LSD_WINDOW}/{LSD_HOP}, {LSD_RANGE_DB:g} dB below the reference's greatest"

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the distance; a silent reconstruction has one, too.

        Raises:
            MetricUndefined: The reference is silent or shorter than a window.
        """
        del rate, names
        refuse_silence(prepared, "reference")
        if len(prepared) < LSD_WINDOW:
            raise MetricUndefined(f"{len(prepared)} samples are less than a window of {LSD_WINDOW}")
        greatest = max(part.max() for part in magnitude_parts(prepared, LSD_WINDOW, LSD_HOP))
        floor = greatest * 10 ** (-LSD_RANGE_DB / 20)
        pairs = (magnitude_parts(s, LSD_WINDOW, LSD_HOP) for s in (prepared, reconstruction))
        frames = []
        for part in zip(*pairs, strict=True):
            x, y = (20 * np.log10(np.maximum(spectrum, floor)) for spectrum in part)
            frames.append(np.sqrt(np.square(x - y).mean(axis=1)))
        return {self.name: float(np.concatenate(frames).mean())}
