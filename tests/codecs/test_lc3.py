"""LC3 against its own library's numbers: frames, bits, delay and length."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate

from almbench.audio import Samples, Sound, resample
from almbench.codecs.base import Codec
from almbench.codecs.lc3 import LEAST, Lc3
from almbench.codecs.registry import create, make_codec
from almbench.errors import UserError

lc3 = pytest.importorskip("lc3", reason="pip install 'almbench[lc3]'")


def make(rate: int, bitrate: int = 32_000) -> Codec[Any]:
    codec = create("l", "LC3", "lc3", {"bitrate": bitrate, "sample_rate": rate})
    assert isinstance(codec, Lc3)
    return codec


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 32_000, 48_000])
def test_sound_comes_back_in_its_place(rate: int, speech: Sound) -> None:
    """The delay that is removed is the library's, and no other is left."""
    codec = make(rate, 64_000)
    assert codec.spec.delay == lc3.Decoder(10_000, rate).get_delay_samples()
    sound = resample(speech.samples, speech.rate, rate)[rate : 2 * rate + 13]
    [encoded] = codec.encode([sound], rate)
    [decoded] = codec.decode([encoded], rate)
    assert len(decoded) == len(sound)
    lag = int(np.argmax(correlate(decoded, sound, method="fft"))) - len(sound) + 1
    assert lag == 0
    error = decoded - sound
    assert 10 * np.log10((sound @ sound) / (error @ error)) > 10


@pytest.mark.parametrize("bitrate", [16_000, 24_000, 32_000])
def test_payload_bits(bitrate: int, speech: Sound) -> None:
    """One second and the delay are 101 frames of 10 ms."""
    codec = make(16_000, bitrate)
    sound = resample(speech.samples, speech.rate, 16_000)[:16_000]
    [encoded] = codec.encode([sound], 16_000)
    assert encoded.bits == 101 * bitrate / 100
    assert lc3.Encoder(10_000, 16_000).get_frame_bytes(bitrate) == bitrate // 800


def test_the_frames_are_the_librarys(speech: Sound) -> None:
    sound = resample(speech.samples, speech.rate, 16_000)[:4800]
    [encoded] = make(16_000).encode([sound], 16_000)
    encoder = lc3.Encoder(10_000, 16_000)
    frames = np.pad(sound, (0, 160)).astype(np.float32).reshape(-1, 160)
    assert encoded.payload == [encoder.encode(frame.tolist(), 40) for frame in frames]


@pytest.mark.parametrize("sound", [np.zeros(1), np.zeros(5000), np.sign(np.sin(np.arange(4001.0)))])
def test_odd_sounds(sound: Samples) -> None:
    codec = make(24_000)
    [decoded] = codec.decode(codec.encode([sound], 24_000), 24_000)
    assert decoded.shape == sound.shape
    assert np.isfinite(decoded).all()


@pytest.mark.parametrize("options", [{"bitrate": LEAST - 800}, {"bitrate": 16_100}, {}])
def test_bitrates_that_lc3_does_not_have(options: dict[str, int]) -> None:
    with pytest.raises(UserError, match="bitrate"):
        create("l", "L", "lc3", options)


def test_latency() -> None:
    assert make_codec("lc3-16").spec.latency_ms == 12.5
