import numpy as np
import pytest

from almbench.audio import Samples, read, resample
from almbench.samples import folder


@pytest.fixture(scope="session")
def speech_24k() -> Samples:
    """Up to four seconds of speech at 24 kHz."""
    sound = read(min((folder() / "speech").glob("*.flac")))
    return resample(sound.samples, sound.rate, 24_000)[: 4 * 24_000]


@pytest.fixture(scope="session")
def speech(speech_24k: Samples) -> Samples:
    """The same at 16 kHz."""
    return resample(speech_24k, 24_000, 16_000)


@pytest.fixture(scope="session")
def damaged(speech: Samples) -> Samples:
    """The speech as a coarse waveform coder returns it: 5 bits of mu-law, a little noise."""
    return coarse(speech)


def coarse(samples: Samples) -> Samples:
    squeezed = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    rounded = np.round(squeezed * 16) / 16
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(samples))
    return np.asarray(np.sign(rounded) * np.expm1(np.abs(rounded) * np.log(256)) / 255 + noise)
