"""Building blocks of the sample set: envelopes, filters, noise, resonances, rooms and levels.

All sounds are synthesised at 48 kHz, twice the rate they are stored at, so that what a formula puts
above 12 kHz is filtered away instead of folding back. Sounds have **Shape** `[T]`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

from almbench.audio import Samples, fit, resample

RATE = 48_000
STORED_RATE = 24_000
PEAK_DB = -1.5
Rng = np.random.Generator
Numbers = Sequence[float] | NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Recipe:
    """How a clip is made.

    Attributes:
        id: The clip's name in the set.
        domain: Speech, sound or music.
        text: What is said, or what is heard.
        make: Makes the clip at 48 kHz, from a generator of random numbers.
        level_db: Root mean square wanted in dB re full scale; a clip with high peaks stays below.
        speaker: The voice, for speech.
        fade: Length of the fade at the end in seconds.
    """

    id: str
    domain: str
    text: str
    make: Callable[[Rng], Samples]
    level_db: float
    speaker: str = ""
    fade: float = 0.06


def finish(samples: Samples, level_db: float, fade: float) -> Samples:
    """Bring a clip to its stored rate and level, without offset, faded in over 5 ms and out."""
    out = band(resample(samples, RATE, STORED_RATE), low=25, rate=STORED_RATE)
    rise, fall = round(0.005 * STORED_RATE), round(fade * STORED_RATE)
    out[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
    out[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall)) ** 2
    gain = 10 ** (level_db / 20) / np.sqrt(np.mean(out**2))
    out *= min(gain, 10 ** (PEAK_DB / 20) / np.abs(out).max())
    return out


def clock(seconds: float) -> Samples:
    """Times of the samples in seconds, from 0."""
    return np.arange(round(seconds * RATE)) / RATE


def silence(seconds: float) -> Samples:
    """An empty track."""
    return np.zeros(round(seconds * RATE))


def add(track: Samples, sound: Samples, at: float, gain: float = 1.0) -> None:
    """Add a sound to a track at a time in seconds; what goes past the track's end is cut off."""
    start = round(at * RATE)
    sound = sound[: max(len(track) - start, 0)]
    track[start : start + len(sound)] += gain * sound


def ring(seconds: float, t60: float) -> Samples:
    """An exponential decay that falls by 60 dB in `t60` seconds."""
    out: Samples = np.exp(-np.log(1000) * clock(seconds) / t60)
    return out


def envelope(seconds: float, points: Sequence[tuple[float, float]]) -> Samples:
    """Straight lines through (time in seconds, value); constant beyond the first and the last."""
    times, values = zip(*points, strict=True)
    out: Samples = np.interp(clock(seconds), times, values)
    return out


def band(
    samples: Samples, low: float = 0, high: float = 0, order: int = 2, rate: int = RATE
) -> Samples:
    """Butterworth filter that keeps the band from `low` to `high` in Hz; 0 leaves a side open."""
    if low and high:
        sections = butter(order, [low, high], "bandpass", fs=rate, output="sos")
    else:
        sections = butter(order, low or high, "high" if low else "low", fs=rate, output="sos")
    out: Samples = sosfilt(sections, samples)
    return out


def noise(rng: Rng, seconds: float, slope_db: float = 0) -> Samples:
    """Gaussian noise of unit power whose spectrum tilts by `slope_db` an octave (-3 is pink)."""
    white = rng.standard_normal(round(seconds * RATE))
    if not slope_db:
        return white
    spectrum = np.fft.rfft(white)
    bins = np.maximum(np.fft.rfftfreq(len(white), 1 / RATE), 20)
    tilted: Samples = np.fft.irfft(spectrum * bins ** (slope_db / 6.02), len(white))
    out: Samples = tilted / tilted.std()
    return out


def wander(rng: Rng, seconds: float, per_second: float) -> Samples:
    """A slow random curve of about unit variance that turns `per_second` times per second."""
    knots = rng.standard_normal(int(seconds * per_second) + 3)
    curve: Samples = np.interp(clock(seconds) * per_second, np.arange(len(knots)), knots)
    return band(curve, high=2 * per_second, order=1)


def burst(rng: Rng, seconds: float, low: float, high: float) -> Samples:
    """A decaying puff of noise in a band, of unit peak."""
    puff = band(noise(rng, seconds), low, min(high, 0.45 * RATE)) * ring(seconds, seconds)
    out: Samples = puff / np.abs(puff).max()
    return out


def modes(seconds: float, frequencies: Numbers, t60s: Numbers, gains: Numbers) -> Samples:
    """A struck body: a sum of decaying sines, that is modal synthesis."""
    t = clock(seconds)
    out = silence(seconds)
    for frequency, t60, gain in zip(frequencies, t60s, gains, strict=True):
        out += gain * np.sin(2 * np.pi * frequency * t) * ring(seconds, t60)
    return out


def sweep(frequency: Samples) -> Samples:
    """A sine whose frequency in Hz is given for every sample."""
    out: Samples = np.sin(2 * np.pi * cycles(frequency))
    return out


def cycles(frequency: Samples) -> Samples:
    """The phase in cycles of an oscillator whose frequency in Hz is given for every sample."""
    return np.cumsum(frequency) / RATE


def wave(harmonics: NDArray[np.floating[Any]], phase: Samples) -> Samples:
    """A periodic wave from the amplitudes of its harmonics, the fundamental first.

    The harmonics start at scattered phases, for a low crest factor (Schroeder, "Synthesis of
    low-peak-factor signals", IEEE Trans. Information Theory 16, 1970).
    """
    order = np.arange(len(harmonics) + 1)
    spectrum = np.concatenate([[0.0], harmonics]) * np.exp(-1j * np.pi * order**2 / len(order))
    size = 4096
    table = np.fft.irfft(spectrum, size) * size / 2
    out: Samples = np.interp(phase % 1, np.arange(size + 1) / size, np.append(table, table[0]))
    return out


def room(rng: Rng, samples: Samples, t60: float, wet_db: float, delay: float = 0.012) -> Samples:
    """Put a sound in a room: noise that decays, the treble sooner than the bass, as its response.

    Args:
        rng: Makes the response.
        samples: The dry sound; the length is kept.
        t60: Reverberation time in seconds.
        wet_db: Power of the response against the direct sound.
        delay: Time to the first reflection in seconds.
    """
    response = band(noise(rng, t60), high=2500, order=1) * ring(t60, t60)
    response += 0.5 * band(noise(rng, t60), low=2500, order=1) * ring(t60, 0.5 * t60)
    response = np.concatenate([silence(delay), response])
    response *= 10 ** (wet_db / 20) / np.sqrt(np.sum(response**2))
    wet: Samples = oaconvolve(samples, response)
    return samples + fit(wet, len(samples))
