"""Spectral distances: of mel spectra, and of short-time spectra at several resolutions.

Both are measured at the test set's scoring rate, and values of different rates do not compare.
"""

from collections.abc import Collection
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import absent, refuse_silence, release

if TYPE_CHECKING:
    from auraloss.freq import MultiResolutionSTFTLoss

WINDOW = 1024  # samples
HOP = 256  # samples
BANDS = 80
FLOOR = 1e-5
LONGEST_WINDOW = 2048  # of the multi-resolution spectra, in samples


class MelDistance(Family[Settings]):
    """Mean absolute difference of log10 mel magnitudes.

    Magnitude spectra of 1024 samples every 256, Hann window, centred with reflected ends; 80 bands
    up to half the rate on the mel scale of Slaney's Auditory Toolbox, each of unit area; floor
    1e-5. A factor of 10 in amplitude is a distance of 1.
    """

    name = "mel_distance"
    metrics = (Metric("mel_distance", "Mel distance", False, 0.0),)
    rate: ClassVar[int | None] = None

    def version(self) -> str:
        """Name the package and the parameters."""
        return f"{release('librosa')}, {BANDS} Slaney bands, {WINDOW}/{HOP}, floor {FLOOR:g}"

    def missing(self) -> str | None:
        """Say that librosa is missing, if so."""
        return absent(["librosa"], "pip install librosa")

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
    """Log10 mel magnitudes of `[T]`, **Shape** `[80, 1 + T // 256]`."""
    from librosa import stft

    if len(samples) < WINDOW:
        raise MetricUndefined(f"{len(samples)} samples are less than a window of {WINDOW}")
    magnitudes = np.abs(stft(samples, n_fft=WINDOW, hop_length=HOP, pad_mode="reflect"))
    return np.asarray(np.log10(np.maximum(_filters(rate) @ magnitudes, FLOOR)), np.float64)


@lru_cache(maxsize=4)
def _filters(rate: int) -> NDArray[np.float64]:
    from librosa.filters import mel

    filters = mel(sr=rate, n_fft=WINDOW, n_mels=BANDS, norm="slaney", dtype=np.float64)
    return np.asarray(filters, np.float64)


class MrstftDistance(Family[Settings]):
    """Multi-resolution STFT distance: spectral convergence plus log magnitude distance.

    Yamamoto, Song and Kim, "Parallel WaveGAN", ICASSP 2020, as `auraloss` has it by default: mean
    over spectra of 1024, 2048 and 512 points. Not symmetric: it is relative to the reference.
    """

    name = "mrstft_distance"
    metrics = (Metric("mrstft_distance", "MR-STFT distance", False, 0.0),)
    rate: ClassVar[int | None] = None

    def version(self) -> str:
        """Name the package and the resolutions."""
        return f"{release('auraloss')}, 1024/2048/512"

    def missing(self) -> str | None:
        """Say that auraloss or torch is missing, if so."""
        return absent(["auraloss", "torch"], "pip install auraloss torch")

    @cached_property
    def _loss(self) -> "MultiResolutionSTFTLoss":
        from auraloss.freq import MultiResolutionSTFTLoss

        return MultiResolutionSTFTLoss()

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the distance; a silent reconstruction has one, too.

        Raises:
            MetricUndefined: The reference is silent or shorter than the longest window.
        """
        import torch

        del rate, names
        refuse_silence(prepared, "reference")
        if len(prepared) < LONGEST_WINDOW:
            raise MetricUndefined(
                f"{len(prepared)} samples are less than a window of {LONGEST_WINDOW}"
            )
        # [B, C, T]; the package's own windows are single precision, so the sounds are as well.
        target, output = (
            torch.from_numpy(x).to(torch.float32)[None, None] for x in (prepared, reconstruction)
        )
        with torch.inference_mode():
            return {self.name: float(self._loss(output, target))}
