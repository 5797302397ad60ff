"""Check of the delay: a codec's own must have been removed."""

import numpy as np

from almbench.audio import Samples
from almbench.checks.finding import Result
from almbench.checks.remarks import judged
from almbench.checks.subject import Subject
from almbench.errors import MetricUndefined
from almbench.metrics.alignment import LagMs
from almbench.metrics.base import Settings
from almbench.results import remark_rules as rules

LATEST_S = 0.002
CLEAR = 0.5  # correlation of waveforms from which a lag can be trusted


def check_delay(subject: Subject) -> Result:
    """A chirp and noise come back where they were; of speech where waveforms are not kept."""
    from scipy.signal import correlate

    probe = _probe(subject.rate)[: subject.length]
    sound = subject.round_trip(probe)[1]
    norm = np.sqrt((probe @ probe) * (sound @ sound))
    if not norm:
        return "silence came back for a chirp and noise", "info"
    correlation = correlate(sound, probe, method="fft") / norm
    peak = int(np.argmax(np.abs(correlation)))
    lag, height = peak - len(probe) + 1, float(correlation[peak])
    if abs(height) >= CLEAR:
        message = f"{lag} samples ({1000 * lag / subject.rate:.2f} ms), correlation {height:.2f}"
        return message, "pass" if abs(lag) <= LATEST_S * subject.rate else "FAIL"
    return f"{_speech_lag(subject)}; waveforms are not kept (correlation {height:.2f})", "info"


def _speech_lag(subject: Subject) -> str:
    clip, sound = subject.speech_and_back
    try:
        lag_ms = LagMs(Settings()).score(clip, sound, subject.rate, ["lag_ms"])["lag_ms"]
    except MetricUndefined as error:
        return str(error)
    return judged(f"about {lag_ms:.1f} ms on speech", rules.of_lag(lag_ms))[0]


def _probe(rate: int) -> Samples:
    """A chirp and a burst of noise with silence about them, which have no period to mislead."""
    from scipy.signal import chirp

    times = np.arange(int(0.3 * rate)) / rate
    sweep = chirp(times, 200, times[-1], min(0.45 * rate, 7000)) * np.hanning(len(times))
    noise = np.random.default_rng(0).normal(0, 0.15, int(0.2 * rate)).clip(-0.5, 0.5)
    gap = np.zeros(int(0.25 * rate))
    return np.concatenate([gap, 0.5 * sweep, gap, noise, gap])
