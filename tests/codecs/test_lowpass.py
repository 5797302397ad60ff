"""The anchors' frequency response as realised, against Recommendation ITU-R BS.1534-3, 5.1."""

import numpy as np
import pytest
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.codecs.base import Codec
from almbench.codecs.lowpass import Lowpass
from almbench.codecs.registry import create
from almbench.errors import CodecError, UserError


def through(cutoff: float, samples: Samples, rate: int) -> Samples:
    codec = create("test", "Test", "lowpass", {"cutoff": cutoff})
    assert isinstance(codec, Codec)
    encoded = codec.encode([samples], rate)
    assert encoded[0].bits is None
    return codec.decode(encoded, rate)[0]


def response(cutoff: float, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and the response to an impulse in dB."""
    impulse = np.zeros(2 * rate)
    impulse[rate] = 1
    spectrum = np.abs(np.fft.rfft(through(cutoff, impulse, rate)))
    return np.arange(rate + 1) / 2, 20 * np.log10(np.maximum(spectrum, 1e-12))


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_the_anchor_at_3_5_khz_is_as_recommended(rate: int) -> None:
    frequency, decibels = response(3500, rate)
    assert np.abs(decibels[frequency <= 3500]).max() <= 0.1
    assert decibels[frequency >= 4000].max() <= -25
    assert decibels[frequency >= 4500].max(initial=-999) <= -50


@pytest.mark.parametrize("rate", [16000, 24000, 44100, 48000])
def test_the_anchor_at_7_khz_keeps_the_proportions(rate: int) -> None:
    frequency, decibels = response(7000, rate)
    assert np.abs(decibels[frequency <= 7000]).max() <= 0.1
    assert decibels[frequency >= 8000].max() <= -25
    assert decibels[frequency >= 9000].max(initial=-999) <= -50


def test_nothing_moves() -> None:
    impulse = np.zeros(4001)
    impulse[1234] = 1
    filtered = through(3500, impulse, 48000)
    assert np.argmax(filtered) == 1234
    np.testing.assert_allclose(filtered[1234 - 500 : 1234], filtered[1734:1234:-1], atol=1e-12)


@pytest.mark.parametrize("length", [1, 10, 481, 4999, 320_000])
def test_every_length_comes_back(length: int) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, length)
    filtered = through(3500, noise, 16000)
    assert len(filtered) == length
    assert np.isfinite(filtered).all()


def test_silence_stays_silent() -> None:
    assert not through(3500, np.zeros(999), 16000).any()


@pytest.mark.parametrize("rate", [8000, 14000, 15999])
def test_a_rate_with_nothing_to_take_away_is_refused(rate: int) -> None:
    with pytest.raises(CodecError, match=f"at least 16000 Hz; this one has {rate} Hz"):
        through(7000, np.zeros(100), rate)


@pytest.mark.parametrize("cutoff", [0, -1, float("inf"), float("nan"), "high"])
def test_a_wrong_cutoff_is_refused(cutoff: float) -> None:
    with pytest.raises(UserError, match="cutoff = "):
        create("test", "Test", "lowpass", {"cutoff": cutoff})


def test_the_spec_takes_any_rate_and_has_no_bitrate() -> None:
    spec = create("test", "Test", "lowpass", {"cutoff": 3500}).spec
    assert spec.sample_rate is None
    assert spec.nominal_kbps is None
    assert spec.settings["stop"] == 4000
    assert Lowpass.missing() is None
