"""The instruments that the music of the sample set is played on.

Notes are MIDI numbers (middle C is 60), lengths are in seconds; every function gives one note or
one hit, **Shape** `[T]` at 48 kHz.
"""

import numpy as np
from scipy.signal import lfilter

from almbench.audio import Samples
from almbench.samples.tools import (
    RATE,
    Rng,
    add,
    band,
    clock,
    cycles,
    envelope,
    modes,
    noise,
    ring,
    silence,
    sweep,
    wave,
)


def hertz(note: float) -> float:
    """The frequency of a note in equal temperament, A4 (69) at 440 Hz."""
    return float(440 * 2 ** ((note - 69) / 12))


def pluck(rng: Rng, note: float, seconds: float, t60: float, brightness: float) -> Samples:
    """A plucked string (Karplus and Strong, Computer Music Journal 7(2), 1983).

    A period of noise runs round a loop that is a delay, an average of neighbours and, for exact
    tuning, an interpolator (Jaffe and Smith, the same issue; here a Lagrange interpolator).

    Args:
        rng: Makes the noise.
        note: MIDI number.
        seconds: Length.
        t60: Decay time of the fundamental in seconds, where the average leaves it so long.
        brightness: Where the pluck's spectrum begins to fall, in Hz.
    """
    period = RATE / hertz(note)
    average = np.array([0.25, 0.5, 0.25])  # delays by one sample
    whole = int(period) - 2
    rest = period - 1 - whole  # 1 to 2 samples, where four points interpolate best
    points = np.arange(4)
    lagrange = [np.prod((rest - np.delete(points, k)) / (k - np.delete(points, k))) for k in points]
    loop = 10 ** (-3 * period / RATE / t60) * np.convolve(lagrange, average)
    pick = rng.uniform(-1, 1, round(period))
    pick = band(np.tile(pick, 3), high=brightness, order=1)[-len(pick) :]  # as if it had run before
    pick -= np.roll(pick, round(0.18 * period))  # plucked at 0.18 of the string's length
    start = silence(seconds)
    start[: len(pick)] = pick / np.abs(pick).max()
    string: Samples = lfilter([1.0], np.concatenate([[1.0], np.zeros(whole - 1), -loop]), start)
    return string * envelope(seconds, [(0, 1), (seconds - 0.05, 1), (seconds, 0)])


def bass(rng: Rng, note: float, seconds: float) -> Samples:
    """A note of a bass guitar, damped by the hand at its end."""
    return band(pluck(rng, note, seconds, 2, 1800), high=2500, order=1)


def electric(note: float, seconds: float, force: float) -> Samples:
    """A note of an electric piano by frequency modulation (Chowning, J. AES 21(7), 1973).

    One modulator at the note's own pitch gives the tone, whose brightness falls; one 14 times
    higher gives the tine's short ping.
    """
    t = clock(seconds)
    pitch = 2 * np.pi * hertz(note) * t
    tone = np.sin(pitch + 3.0 * force * ring(seconds, 2.2) * np.sin(pitch))
    tine = np.sin(pitch + 1.1 * force * ring(seconds, 0.4) * np.sin(14 * pitch))
    shape = envelope(seconds, [(0, 0), (0.003, 1), (seconds - 0.12, 1), (seconds, 0)])
    fall = ring(seconds, 9 - (note - 40) / 9)
    out: Samples = force * (0.65 * tone + 0.35 * tine) * shape * fall
    return out


def singer(rng: Rng, note: float, seconds: float) -> Samples:
    """A voice on the vowel "ah": harmonics weighed by five formants, with vibrato."""
    swing = np.sin(2 * np.pi * (rng.uniform(4.8, 5.8) * clock(seconds) + rng.random()))
    base = hertz(note) * 2 ** (rng.normal(0, 4) / 1200)
    pitch = base * (1 + envelope(seconds, [(0, 0.002), (0.7, 0.008)]) * swing)
    harmonics = base * np.arange(1, int(11_000 / base))
    weights = np.full_like(harmonics, 0.02)
    centres, widths = (700, 1150, 2750, 3400, 4600), (110, 120, 160, 180, 300)
    for centre, width, gain in zip(centres, widths, (1, 0.6, 0.25, 0.2, 0.07), strict=True):
        weights += gain / (1 + ((harmonics - centre) / width) ** 2)
    weights *= (200 / harmonics) ** 0.6
    return wave(weights / np.sqrt(np.sum(weights**2)), cycles(pitch) + rng.random())


def lead(note: float, seconds: float, before: float) -> Samples:
    """A synthesiser's note that glides in from `before`: bright at first, then mellow."""
    t = clock(seconds)
    vibrato = 0.18 * envelope(seconds, [(0.15, 0), (0.5, 1)]) * np.sin(2 * np.pi * 5.3 * t)
    glide = envelope(seconds, [(0, before), (0.05, note)])
    phase = cycles(440 * 2 ** ((glide + vibrato - 69) / 12))
    order = np.arange(1, int(11_000 / hertz(max(note, before))))
    bright = envelope(seconds, [(0, 0), (0.02, 1)]) * (0.2 + 0.8 * np.exp(-t / 0.15))
    tone = silence(seconds)
    for detuned in (0.9985 * phase, 1.0015 * phase):
        tone += bright * wave(order**-1.05, detuned) + (1 - bright) * wave(order**-2.2, detuned)
    shape = envelope(seconds, [(0, 0), (0.012, 1), (seconds - 0.06, 1), (seconds, 0)])
    return tone * shape * (0.5 + 0.5 * np.exp(-t / 0.6))


def kick() -> Samples:
    """A bass drum: a sine that drops from the beater's knock to the drum's note."""
    t = clock(0.35)
    drum = sweep(48 + 190 * np.exp(-t / 0.018) + 40 * np.exp(-t / 0.08)) * ring(0.35, 0.42)
    add(drum, modes(0.02, [1900, 3400], [0.02, 0.012], [0.25, 0.15]), at=0)
    return drum * envelope(0.35, [(0, 0), (0.001, 1), (0.3, 1), (0.35, 0)])


def snare(rng: Rng) -> Samples:
    """A snare drum: two modes of the skin, and wires that rattle."""
    skin = modes(0.3, [186, 331], [0.2, 0.13], [0.7, 0.35])
    wires = band(noise(rng, 0.3), 1300, 14_000) * (ring(0.3, 0.26) + 0.8 * ring(0.3, 0.06))
    return skin + 0.3 * wires


def hat(rng: Rng, t60: float) -> Samples:
    """A hi-hat: six clashing tones and noise, high-passed; `t60` says how far it is open."""
    seconds = 1.5 * t60
    metal = silence(seconds)
    for tone in (2107, 3042, 3699, 4127, 5401, 7892):
        metal += np.tanh(6 * np.sin(2 * np.pi * tone * clock(seconds))) / 6
    cymbal = band(metal + 0.4 * noise(rng, seconds), low=6500, order=4)
    return cymbal * ring(seconds, t60) * envelope(seconds, [(0, 0), (0.001, 1)])
