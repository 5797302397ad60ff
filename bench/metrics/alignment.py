"""How a reconstruction lies against its reference: lag in time, difference in level.

Both are reported so that other metrics can be read rightly; neither is a quality.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.domains import DOMAINS
from almbench.errors import MetricUndefined, NotApplicable
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_longer, refuse_silence
from almbench.packages import release

RANGE_S = 0.1  # lags looked at, either way
NEAR_S = 0.002  # how far the waveforms' lag may lie from the envelopes'
SHORTEST_S = 0.25
LONGEST_S = 600  # ten minutes take 1.3 GB
FRAME_S = 0.01  # window of the envelope
STEP_S = 0.001  # and its step
FLOOR = 1e-4  # of the envelope, as a part of its peak energy (-40 dB)
CLEAR = 0.5  # least correlation for a peak found anywhere in the range
PLAUSIBLE = 0.25  # and for one in the place that the envelopes agree on
RIVAL = 0.95  # of the highest peak's height: another such peak leaves the lag open
FINER = 8  # points of the interpolated correlation per step
MARGIN = 64  # steps beyond the range, where the interpolation is disturbed by its ends
FLAT = 0.1  # least standard deviation of a log envelope, in nepers of energy (0.4 dB)


class LagMs(Family[Settings]):
    """Lag of the reconstruction in ms, positive where it is late.

    Where the waveforms correlate clearly, their highest peak within 100 ms gives the lag to a part
    of a sample. Elsewhere the energy envelopes find the place, as they survive decoders that do not
    preserve phase; within 2 ms of it the waveforms' correlation finds the lag, or, where they do
    not correlate at all, the envelopes' own lag (good to about 1 ms) is given. A correlation with
    several peaks of nearly one height, as of a steady tone, does not tell the lag: there is none.
    """

    name = "lag_ms"
    imports = ("scipy.signal",)
    metrics = (
        Metric(
            name="lag_ms",
            label="Lag",
            unit="ms",
            higher_is_better=None,
            low=-1000 * RANGE_S,
            high=1000 * RANGE_S,
            digits=2,
            rate=24_000,
            default=DOMAINS,
            note="Shows a delay that was not removed.",
            caveat=(
                "A property, not a quality; undefined where two waveforms have little in common, "
                "or where several lags fit alike, as for a steady tone."
            ),
        ),
    )

    def version(self) -> str:
        """Name the method."""
        return (
            f"{release('scipy')}, waveforms, else envelopes, +-{RANGE_S * 1000:.0f} ms, no rivals"
        )

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the lag.

        Raises:
            MetricUndefined: A sound is silent, shorter than 0.25 s or longer than ten minutes.
            NotApplicable: Nothing correlates clearly within 100 ms, or several lags do.
        """
        del names
        refuse_silence(prepared, "reference")
        refuse_silence(reconstruction, "reconstruction")
        refuse_longer(prepared, rate, LONGEST_S, "the lag")
        if len(prepared) < SHORTEST_S * rate:
            raise MetricUndefined(
                f"{len(prepared) / rate:.2f} s is too short: a lag needs {SHORTEST_S} s"
            )
        return {self.name: 1000 * _lag(prepared, reconstruction, rate)}


class GainDb(Family[Settings]):
    """RMS level of the reconstruction over that of the reference, in dB."""

    name = "gain_db"
    metrics = (
        Metric(
            name="gain_db",
            label="Level difference",
            unit="dB",
            higher_is_better=None,
            digits=1,
            rate=24_000,
            default=DOMAINS,
            note="Shows a codec that makes sound louder or quieter.",
            caveat="A property, not a quality; the louder of two often seems better to the ear.",
        ),
    )

    def version(self) -> str:
        """Name the definition."""
        return "RMS level difference"

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the difference in level.

        Raises:
            MetricUndefined: A sound is silent.
        """
        del rate, names
        refuse_silence(prepared, "reference")
        refuse_silence(reconstruction, "reconstruction")
        energies = np.square(reconstruction).sum(), np.square(prepared).sum()
        return {self.name: float(10 * np.log10(energies[0] / energies[1]))}


class _Peak(NamedTuple):
    """The highest peak of a normalized cross-correlation.

    Attributes:
        lag: In steps.
        height: Its magnitude; 0 where there is no peak.
        rival: Lag in steps of another peak of nearly its height; None where there is none.
    """

    lag: float
    height: float
    rival: float | None


NO_PEAK = _Peak(0.0, 0.0, None)


def _lag(reference: Samples, reconstruction: Samples, rate: int) -> float:
    """Lag of the reconstruction in seconds."""
    most = round(RANGE_S * rate)
    wide = _peak(reference, reconstruction, -most, most)
    if wide.height >= CLEAR and wide.rival is None:
        return wide.lag / rate
    steps = round(RANGE_S / STEP_S)
    rough = _peak(_envelope(reference, rate), _envelope(reconstruction, rate), -steps, steps)
    if rough.height < CLEAR:
        if wide.height >= CLEAR:
            _refuse_rivals(wide, 1 / rate)
        raise NotApplicable("no clear correlation of waveforms or envelopes within 100 ms")
    _refuse_rivals(rough, STEP_S)
    place, margin = round(rough.lag * STEP_S * rate), round(NEAR_S * rate)
    fine = _peak(reference, reconstruction, place - margin, place + margin)
    chosen, step = (fine, 1 / rate) if fine.height >= PLAUSIBLE else (rough, STEP_S)
    _refuse_rivals(chosen, step)
    return chosen.lag * step


def _refuse_rivals(peak: _Peak, step_s: float) -> None:
    if peak.rival is not None:
        lags = sorted(1000 * step_s * lag for lag in (peak.lag, peak.rival))
        raise NotApplicable(
            f"the correlation has rivals, as of a steady tone: {lags[0]:.2f} ms and "
            f"{lags[1]:.2f} ms fit alike"
        )


def _envelope(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Log energy over time of `[T]`, zero-mean; zero throughout where it is flat.

    **Shape** `[(T - window) / step]`: no window reaches beyond an end, since the ends would be the
    same in both sounds and pass for a lag of 0.
    """
    from scipy.signal import fftconvolve

    window = np.hanning(round(FRAME_S * rate))
    energy = fftconvolve(np.square(samples), window, mode="valid")[:: round(STEP_S * rate)]
    log = np.log(np.maximum(energy, 0) + FLOOR * energy.max())
    log -= log.mean()
    return np.asarray(log if log.std() >= FLAT else np.zeros_like(log), np.float64)


def _peak(x: NDArray[np.float64], y: NDArray[np.float64], least: int, most: int) -> _Peak:
    """Highest peak, by magnitude, of the correlation of `y` with `x` at lags `least..most`.

    A maximum at the edge of the range is a slope, not a peak. The correlation is limited to half
    the rate, so it is interpolated to an eighth of a step by its spectrum; a parabola through the
    peak and its neighbours refines the lag further.
    """
    from scipy.signal import correlate, resample

    norm = np.sqrt((x @ x) * (y @ y))
    if norm == 0:
        return NO_PEAK
    first = len(x) - 1 + least - MARGIN  # a sound lasts longer than range and margin together
    lags = correlate(y, x, method="fft")[first : first + most - least + 2 * MARGIN + 1]
    coarse = lags / norm
    signed = resample(coarse, FINER * len(coarse))[FINER * MARGIN :][: FINER * (most - least) + 1]
    heights = np.abs(signed)
    inner = heights[1:-1]
    peaks = 1 + np.flatnonzero((inner >= heights[:-2]) & (inner > heights[2:]))
    if not len(peaks) or heights[peaks].max() < heights.max():
        return NO_PEAK
    at, *others = peaks[np.argsort(-heights[peaks])][:2].tolist()
    left, top, right = heights[at - 1 : at + 2]
    offset = 0.5 * (left - right) / (left - 2 * top + right)
    rivals = [float(least + p / FINER) for p in others if heights[p] >= RIVAL * top]
    return _Peak(least + (at + float(offset)) / FINER, float(top), rivals[0] if rivals else None)
