import numpy as np
import pytest

from almbench.audio import Samples
from almbench.loudness import loudness, matching_gains
from almbench.names import ORIGINAL


def sine(frequency: float, seconds: float, rate: int, amplitude: float = 1.0) -> Samples:
    wave: Samples = amplitude * np.sin(2 * np.pi * frequency * np.arange(seconds * rate) / rate)
    return wave


def test_loudness_is_that_of_the_standard() -> None:
    # ITU-R BS.1770-5, annex 1: 0 dBFS at 997 Hz in one channel is -3.01 LKFS.
    assert loudness(sine(997, 5, 48_000), 48_000) == pytest.approx(-3.01, abs=0.005)
    for rate in (16_000, 24_000, 44_100):
        assert loudness(sine(997, 5, rate, 0.1), rate) == pytest.approx(-23.01, abs=0.05)
    # EBU Tech 3341, case 3: the quiet parts are gated away.
    steps = [sine(997, s, 48_000, 10 ** (db / 20)) for s, db in ((10, -36), (60, -23), (10, -36))]
    assert loudness(np.concatenate(steps), 48_000) == pytest.approx(-23 - 3.01, abs=0.1)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize(
    "samples", [np.zeros(48_000), sine(997, 0.39, 48_000), sine(997, 2, 48_000, 1e-5)]
)
def test_silence_and_short_sounds_have_no_loudness(samples: Samples) -> None:
    assert loudness(samples, 48_000) is None


def test_gains() -> None:
    assert matching_gains({ORIGINAL: -20.0, "a": -23.5, "b": None}) == {ORIGINAL: -3.5, "a": 0.0}
    # At 20 dB below the original a version still takes part; below it does not.
    assert matching_gains({ORIGINAL: -20.0, "a": -40.0})["a"] == 0.0
    assert matching_gains({ORIGINAL: -20.0, "a": -40.1}) == {ORIGINAL: 0.0}
    assert matching_gains({ORIGINAL: None, "a": None}) == {}
    assert matching_gains({ORIGINAL: None, "a": -30.0, "b": -33.0}) == {"a": -3.0, "b": 0.0}
