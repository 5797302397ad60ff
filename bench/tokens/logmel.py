"""Plain features of sound that tokens are compared with: log-mel spectra."""

from functools import lru_cache

import numpy as np

from almbench.audio import Sound, resample
from almbench.errors import MetricUndefined
from almbench.spectra import magnitudes, mel_filters
from almbench.tokens.measure import ClipSet, Floats

RATE = 16_000  # Hz
SIZE, HOP, BANDS = 512, 320, 40  # 50 frames a second
FLOOR = 1e-5


def log_mel(sound: Sound) -> Floats:
    """Logarithms of mel magnitudes, **Shape** `[40, T]` at 50 frames a second, from 16 kHz."""
    samples = resample(sound.samples, sound.rate, RATE)
    mel = magnitudes(samples, SIZE, HOP, ends="constant") @ mel_filters(RATE, SIZE, BANDS).T
    return np.log(np.maximum(mel, FLOOR)).T


def log_mels(clips: ClipSet) -> list[Floats]:
    """The log-mel spectra of all clips.

    Raises:
        MetricUndefined: There is no sound.
    """
    if clips.read_sound is None:
        raise MetricUndefined("there is no sound to compare with")
    return list(_kept(clips.testset, clips.sound_hash, _Reader(clips)))


class _Reader:
    """Reads clips; all readers are alike to a cache, which goes by the hash of the sound."""

    def __init__(self, clips: ClipSet) -> None:
        self.clips = clips

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reader)


@lru_cache(maxsize=2)
def _kept(testset: str, sound_hash: str, reader: _Reader) -> tuple[Floats, ...]:
    del testset, sound_hash
    read = reader.clips.read_sound
    assert read is not None  # noqa: S101 - the caller has looked
    return tuple(log_mel(read(clip.id)) for clip in reader.clips.clips)
