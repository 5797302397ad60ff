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
from almbench.metrics.common import refuse_silence, release

RANGE_S = 0.1  # lags looked at, either way
NEAR_S = 0.002  # how far the waveforms' lag may lie from the envelopes'
SHORTEST_S = 0.25
FRAME_S = 0.01  # window of the envelope
STEP_S = 0.001  # and its step
FLOOR = 1e-4  # of the envelope, as a part of its peak energy (-40 dB)
CLEAR = 0.5  # least correlation for a peak found anywhere in the range
PLAUSIBLE = 0.25  # and for one in the place that the envelopes agree on


class LagMs(Family[Settings]):
    """Lag of the reconstruction in ms, positive where it is late.

    The energy envelopes find the place, as they survive decoders that make their own phases and are
    not misled by the period of a tone; within 2 ms of it the waveforms' correlation finds the lag
    to a part of a sample. Where the waveforms do not correlate, the envelopes' lag (good to about
    1 ms) is given; where the envelopes are flat, the waveforms' alone.
    """

    name = "lag_ms"
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
                "A property, not a quality; undefined where two waveforms have little in common."
            ),
        ),
    )

    def version(self) -> str:
        """Name the method."""
        return f"{release('scipy')}, envelopes then waveforms, +-{RANGE_S * 1000:.0f} ms"

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the lag.

        Raises:
            MetricUndefined: A sound is silent or shorter than 0.25 s.
            NotApplicable: Nothing correlates clearly within 100 ms.
        """
        del names
        refuse_silence(prepared, "reference")
        refuse_silence(reconstruction, "reconstruction")
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
    """A peak of a normalised cross-correlation: lag in steps, height (0 where there is none)."""

    lag: float
    height: float


def _lag(reference: Samples, reconstruction: Samples, rate: int) -> float:
    """Lag of the reconstruction in seconds."""
    steps = round(RANGE_S / STEP_S)
    envelopes = _envelope(reference, rate), _envelope(reconstruction, rate)
    rough = _peak(*envelopes, -steps, steps)
    if rough.height < CLEAR:
        wide = _peak(reference, reconstruction, -round(RANGE_S * rate), round(RANGE_S * rate))
        if abs(wide.height) < CLEAR:
            raise NotApplicable("no clear correlation of waveforms or envelopes within 100 ms")
        return wide.lag / rate
    place, margin = round(rough.lag * STEP_S * rate), round(NEAR_S * rate)
    fine = _peak(reference, reconstruction, place - margin, place + margin)
    return fine.lag / rate if abs(fine.height) >= PLAUSIBLE else rough.lag * STEP_S


def _envelope(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Log energy over time of `[T]`, zero-mean, **Shape** `[T / step]`."""
    from scipy.signal import fftconvolve

    window = np.hanning(round(FRAME_S * rate))
    energy = fftconvolve(np.square(samples), window, mode="same")[:: round(STEP_S * rate)]
    log = np.log(np.maximum(energy, 0) + FLOOR * energy.max())
    return np.asarray(log - log.mean(), np.float64)


def _peak(x: NDArray[np.float64], y: NDArray[np.float64], least: int, most: int) -> _Peak:
    """Highest peak, by magnitude, of the correlation of `y` with `x` at lags `least..most`.

    Its height keeps its sign. A maximum at the edge of the range is a slope, not a peak. The lag is
    refined by a parabola through the peak and its neighbours.
    """
    from scipy.signal import correlate

    norm = np.sqrt((x @ x) * (y @ y))
    if norm == 0:
        return _Peak(0.0, 0.0)
    zero = len(x) - 1
    lags = correlate(y, x, method="fft")[zero + least - 1 : zero + most + 2] / norm
    at = 1 + int(np.argmax(np.abs(lags[1:-1])))
    left, top, right = lags[at - 1 : at + 2] * np.sign(lags[at])
    if max(left, right) > top or left + right == 2 * top:
        return _Peak(0.0, 0.0)
    offset = 0.5 * (left - right) / (left - 2 * top + right)
    return _Peak(least + at - 1 + float(offset), float(lags[at]))
