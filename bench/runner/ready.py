"""What to note of a precomputed file: that it was turned upside down, or has another rate."""

import numpy as np

from almbench.audio import Samples, Sound, resample

RATE = 16_000  # Hz; polarity shows below half of it
LONGEST_S = 30.0  # of the sounds that are compared
RANGE_S = 0.1  # lags looked at, either way
CLEAR = 0.5  # least correlation that tells a polarity
AHEAD = 1.1  # how far it must be above the highest of the other sign: a tone has no polarity


def ready_notes(sound: Sound, original: Sound, stated: int | None) -> list[str]:
    """Compare a precomputed file with its original.

    Args:
        sound: The file.
        original: The original.
        stated: The rate in Hz that the codec is said to work at; None where nothing is said.
    """
    notes = []
    if sound.rate not in {original.rate, stated}:
        notes.append(f"its rate is {sound.rate} Hz, the original's {original.rate} Hz")
    if _inverted(sound, original):
        notes.append("its polarity is inverted against the original")
    return notes


def _inverted(sound: Sound, original: Sound) -> bool:
    """Whether the two correlate clearly with opposite signs, and not so well with equal ones."""
    from scipy import fft

    rate = min(sound.rate, original.rate, RATE)
    x, y = (_beginning(one, rate) for one in (original, sound))
    norm = float(np.sqrt(np.square(x).sum() * np.square(y).sum()))
    if not norm:
        return False
    most = round(RANGE_S * rate)
    size = fft.next_fast_len(max(len(x), len(y)) + most, real=True)  # no lag looked at wraps
    spectrum = fft.rfft(y, size) * np.conj(fft.rfft(x, size))
    lags = np.roll(fft.irfft(spectrum, size), most)[: 2 * most + 1] / norm
    low, high = float(lags.min()), float(lags.max())
    return low <= -CLEAR and -low > AHEAD * high


def _beginning(sound: Sound, rate: int) -> Samples:
    samples = resample(sound.samples[: round(LONGEST_S * sound.rate)], sound.rate, rate)
    centred: Samples = samples - samples.mean() if len(samples) else samples
    return centred
