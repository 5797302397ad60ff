"""STOI and ESTOI, the short-time objective intelligibility of speech, in one pass.

STOI: Taal, Hendriks, Heusdens and Jensen, IEEE TASLP 19(7), 2011. ESTOI: Jensen and Taal, IEEE/ACM
TASLP 24(11), 2016. Resampling, overlap-add, constants and band matrix are those of `pystoi`, and so
are the values, with two differences: ESTOI adds no random noise (`pystoi` draws some, of 1e-16,
from the global generator), and too little active speech is refused, not answered with 1e-5.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_silence
from almbench.packages import missing_packages, release

Floats = NDArray[np.float64]
EPS = np.finfo(np.float64).eps
AT_ONCE = 4096  # segments compared at once: 52 s of speech


@dataclass(frozen=True)
class Reference:
    """What depends on the reference alone.

    Attributes:
        active: Which frames hold speech. **Shape** `[frames]`.
        bands: Band magnitudes of active speech. **Shape** `[15, frames]`.
    """

    active: NDArray[np.bool_]
    bands: Floats


class Stoi(Family[Settings]):
    """STOI and ESTOI of speech; both sounds are resampled to 10 kHz inside."""

    name = "stoi"
    metrics = (
        Metric(
            name="stoi",
            label="STOI",
            higher_is_better=True,
            low=-1.0,
            high=1.0,
            rate=16_000,
            domains=("speech",),
            default=("speech",),
            headline=("speech",),
            note="How much of the words is left, above all at very low bitrates.",
            caveat=(
                "Near 1 for every good codec, so it does not tell those apart; a shift of 10 "
                "ms costs a tenth."
            ),
        ),
        Metric(
            name="estoi",
            label="ESTOI",
            higher_is_better=True,
            low=-1.0,
            high=1.0,
            rate=16_000,
            domains=("speech",),
            default=("speech",),
            note="As STOI, and more severe on speech whose loudness was changed over time.",
            caveat="Says nothing of how pleasant speech is, or whose voice it is.",
        ),
    )

    imports = ("pystoi.stoi",)

    def version(self) -> str:
        """Name the package whose values these are."""
        return f"{release('pystoi')}, one pass, no random noise"

    def missing(self) -> str | None:
        """Say that pystoi is missing, if so."""
        return missing_packages(["pystoi"], "pystoi==0.4.1")

    def prepare(self, reference: Samples, rate: int) -> Reference:
        """Find the frames with speech, and their band magnitudes.

        Raises:
            MetricUndefined: The reference is silent, or holds less than 30 frames (about 0.4 s) of
                active speech.
        """
        from pystoi.stoi import DYN_RANGE, N

        refuse_silence(reference, "reference")
        frames = _frames(reference, rate)
        if len(frames) == 0:
            raise MetricUndefined("the sound is shorter than one STOI frame (26 ms)")
        levels = 20 * np.log10(np.linalg.norm(frames, axis=1) + EPS)
        active = levels > levels.max() - DYN_RANGE
        bands = _bands(frames[active])
        if bands.shape[1] < N:
            raise MetricUndefined(
                f"too little active speech: {bands.shape[1]} of the {N} frames (0.4 s) STOI needs"
            )
        return Reference(active, bands)

    def score(
        self, prepared: Reference, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute STOI, ESTOI or both.

        Raises:
            MetricUndefined: The reconstruction is silent.
        """
        refuse_silence(reconstruction, "reconstruction")
        bands = _bands(_frames(reconstruction, rate)[prepared.active])
        measures = {"stoi": _stoi, "estoi": _estoi}
        found: dict[str, list[tuple[float, int]]] = {name: [] for name in names}
        for x, y in zip(_segments(prepared.bands), _segments(bands), strict=True):
            for name in names:
                found[name].append(measures[name](x, y))
        return {name: sum(s for s, _ in of) / sum(n for _, n in of) for name, of in found.items()}


def _frames(samples: Samples, rate: int) -> Floats:
    """Resample `[T]` to 10 kHz; cut it into windowed frames `[frames, 256]`, half overlapping."""
    from pystoi.stoi import FS, N_FRAME
    from pystoi.utils import resample_oct

    at_10k = np.asarray(resample_oct(samples, FS, rate), np.float64)
    if len(at_10k) <= N_FRAME:
        return np.empty((0, N_FRAME))
    # Like pystoi: a frame that would end exactly at the last sample is left out.
    return sliding_window_view(at_10k, N_FRAME)[: -1 : N_FRAME // 2] * _window()


def _window() -> Floats:
    from pystoi.stoi import N_FRAME

    return np.hanning(N_FRAME + 2)[1:-1]


def _bands(active_frames: Floats) -> Floats:
    """Join frames `[frames, 256]` to a sound; take its third-octave magnitudes `[15, frames]`."""
    from pystoi.stoi import N_FRAME, NFFT, OBM
    from pystoi.utils import _overlap_and_add

    joined = _overlap_and_add(active_frames, N_FRAME // 2)
    if len(joined) <= N_FRAME:
        return np.empty((len(OBM), 0))
    frames = sliding_window_view(joined, N_FRAME)[: -1 : N_FRAME // 2] * _window()
    power = np.square(np.abs(np.fft.rfft(frames, n=NFFT))).T
    return np.asarray(np.sqrt(OBM @ power), np.float64)


def _segments(bands: Floats) -> Iterator[Floats]:
    """Cut `[15, frames]` into all runs of 30 frames, `[frames - 29, 15, 30]`, part by part."""
    from pystoi.stoi import N

    runs = sliding_window_view(bands, N, axis=1).swapaxes(0, 1)
    for start in range(0, len(runs), AT_ONCE):
        # The memory order fixes the last bits of the sums below.
        yield np.ascontiguousarray(runs[start : start + AT_ONCE])


def _stoi(reference: Floats, reconstruction: Floats) -> tuple[float, int]:
    """Correlations of band envelopes, the reconstruction's levelled and clipped: sum and count."""
    from pystoi.stoi import BETA

    level = _norm(reference, 2) / (_norm(reconstruction, 2) + EPS)
    clipped = np.minimum(reconstruction * level, reference * (1 + 10 ** (-BETA / 20)))
    x, y = _centred(reference, 2), _centred(clipped, 2)
    x = x / (_norm(x, 2) + EPS)
    y = y / (_norm(y, 2) + EPS)
    return float(np.sum(y * x)), x.shape[0] * x.shape[1]


def _estoi(reference: Floats, reconstruction: Floats) -> tuple[float, int]:
    """Correlations of spectra whose bands were made alike over time first: sum and count."""
    x = _unit(_unit(reference, 2), 1)
    y = _unit(_unit(reconstruction, 2), 1)
    return float(np.sum(x * y / x.shape[2])), x.shape[0]


def _centred(segments: Floats, axis: int) -> Floats:
    return np.asarray(segments - segments.mean(axis=axis, keepdims=True), np.float64)


def _norm(segments: Floats, axis: int) -> Floats:
    return np.asarray(np.linalg.norm(segments, axis=axis, keepdims=True), np.float64)


def _unit(segments: Floats, axis: int) -> Floats:
    """Zero mean and unit norm; what does not vary at all becomes zero, that is uncorrelated."""
    centred = _centred(segments, axis)
    return centred / np.maximum(_norm(centred, axis), EPS)
