"""Changes to a sound that a listener hardly notices, or that lie outside of it."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np

from almbench.audio import Samples, resample
from almbench.codecs.lowpass import Lowpass, LowpassOptions
from almbench.codecs.opus import Opus, OpusOptions
from almbench.errors import MetricUndefined

OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
NEIGHBOUR_S = 1.0  # seconds of another sound, at least
MOST_FRAMES = 64  # how many more frames that may take until they are a whole number of samples
PRECEDED, FOLLOWED = "preceded", "followed"


@dataclass(frozen=True)
class Scene:
    """A sound that is to be changed.

    Attributes:
        samples: The sound at the codec's rate, **Shape** `[N]`.
        rate: That rate in Hz.
        hop: Samples a frame, which need not be whole.
        other: Another sound at that rate; None where there is none.
        seed: Seed of noise.
    """

    samples: Samples
    rate: int
    hop: Fraction
    other: Samples | None
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Changed:
    """A sound that was changed.

    Attributes:
        samples: **Shape** `[N']`.
        frames: So many frames later its frames are those of the original; less than 0 for earlier.
    """

    samples: Samples
    frames: int = 0


def shift(share: float) -> Callable[[Scene], Changed]:
    """Leave out the first samples: a share of a frame, or one sample for 0."""

    def change(scene: Scene) -> Changed:
        count = max(1, round(share * scene.hop))
        return Changed(scene.samples[count:], -floor(count / scene.hop + 0.49))

    return change


def louder(decibels: float) -> Callable[[Scene], Changed]:
    """Raise the level; where that would clip, lower it by as much."""

    def change(scene: Scene) -> Changed:
        gain = 10 ** (decibels / 20)
        if np.abs(scene.samples).max(initial=0.0) * gain > 1:
            gain = 1 / gain
        return Changed(scene.samples * gain)

    return change


def noise(decibels: float) -> Callable[[Scene], Changed]:
    """Add white Gaussian noise, so many dB below the sound."""

    def change(scene: Scene) -> Changed:
        level = np.sqrt(np.mean(scene.samples**2)) * 10 ** (-decibels / 20)
        drawn = np.random.default_rng(scene.seed).standard_normal(len(scene.samples))
        return Changed(scene.samples + level * drawn)

    return change


def opus(bitrate: int) -> Callable[[Scene], Changed]:
    """Send the sound through Opus, at the next rate that it has."""

    def change(scene: Scene) -> Changed:
        rate = next((r for r in OPUS_RATES if r >= scene.rate), OPUS_RATES[-1])
        codec = Opus(
            "opus", "Opus", OpusOptions.model_validate({"bitrate": bitrate, "sample_rate": rate})
        )
        coded = codec.encode([resample(scene.samples, scene.rate, rate)], rate)
        return Changed(resample(codec.decode(coded, rate)[0], rate, scene.rate))

    return change


def lowpass(cutoff: float) -> Callable[[Scene], Changed]:
    """Filter the treble off, from a frequency in Hz on."""

    def change(scene: Scene) -> Changed:
        codec = Lowpass("lowpass", "Low-pass", LowpassOptions(cutoff=cutoff))
        return Changed(codec.decode(codec.encode([scene.samples], scene.rate), scene.rate)[0])

    return change


def _neighbour(scene: Scene) -> tuple[Samples, int]:
    """The end of another sound, of whole frames, and how many these are."""
    if scene.other is None or not len(scene.other):
        raise MetricUndefined("there is no other sound to put beside it")
    least = max(1, round(NEIGHBOUR_S * scene.rate / scene.hop))
    for frames in range(least, least + MOST_FRAMES):
        if (frames * scene.hop).denominator == 1:
            count = int(frames * scene.hop)
            return np.resize(scene.other[::-1], count)[::-1], frames
    raise MetricUndefined("its frames are no whole number of samples, so none can be put before it")


def preceded(scene: Scene) -> Changed:
    """Put a second of another sound before it, in whole frames."""
    before, frames = _neighbour(scene)
    return Changed(np.concatenate([before, scene.samples]), frames)


def followed(scene: Scene) -> Changed:
    """Put a second of another sound after it."""
    after, _ = _neighbour(scene)
    return Changed(np.concatenate([scene.samples, after]))


CHANGES: dict[str, Callable[[Scene], Changed]] = {
    "shift 1 sample": shift(0),
    "shift 1/4 frame": shift(0.25),
    "shift 1/2 frame": shift(0.5),
    "shift 1 frame": shift(1),
    "+1 dB": louder(1),
    "+3 dB": louder(3),
    "+6 dB": louder(6),
    "Opus 24 kbps": opus(24_000),
    "low-pass 7 kHz": lowpass(7_000),
    "low-pass 3.5 kHz": lowpass(3_500),
    "noise 30 dB": noise(30),
    "noise 20 dB": noise(20),
    PRECEDED: preceded,
    FOLLOWED: followed,
}
"""By their names. After a shift by part of a frame, frames are compared with the nearest."""
