"""Codec2 against its own frame loop, and its delay by the envelope of the sound."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from almbench.audio import Samples, Sound, resample
from almbench.codecs.base import Codec
from almbench.codecs.codec2 import DELAYS, FRAME_RATES, Codec2
from almbench.codecs.registry import create
from almbench.errors import CodecError, UserError

pycodec2 = pytest.importorskip("pycodec2", reason="pip install 'almbench[codec2]'")

# Upstream alone, in a fresh process: 16-bit samples in, 16-bit samples out.
BY_HAND = """
import sys, numpy as np, pycodec2
codec = pycodec2.Codec2(int(sys.argv[1]))
size = codec.samples_per_frame()
sound = np.frombuffer(sys.stdin.buffer.read(), np.int16)
for start in range(0, len(sound) - size + 1, size):
    frame = codec.encode(sound[start : start + size])
    sys.stdout.buffer.write(codec.decode(frame).tobytes())
"""


def make(mode: int) -> Codec[Any]:
    codec = create("test", "Test", "codec2", {"mode": mode})
    assert isinstance(codec, Codec2)
    return codec


def through(codec: Codec[Any], samples: Samples) -> Samples:
    return codec.decode(codec.encode([samples], 8000), 8000)[0]


@pytest.fixture(scope="module")
def narrow(speech: Sound) -> Samples:
    return resample(speech.samples, speech.rate, 8000)


@pytest.mark.parametrize("mode", [3200, 1300, 700])
def test_the_samples_are_upstreams(mode: int, narrow: Samples) -> None:
    integers = np.clip(np.rint(narrow * 2**15), -(2**15), 2**15 - 1).astype(np.int16)
    padded = np.pad(integers, (0, 960))
    command = [sys.executable, "-c", BY_HAND, str(mode)]
    done = subprocess.run(command, input=padded.tobytes(), capture_output=True, check=True)
    expected = np.frombuffer(done.stdout, np.int16) / 2**15
    delay = DELAYS[mode]
    np.testing.assert_array_equal(through(make(mode), narrow), expected[delay:][: len(narrow)])


def test_a_clip_sounds_the_same_whatever_came_before(narrow: Samples) -> None:
    codec = make(1600)
    first = through(codec, narrow)
    through(codec, narrow[:4000])
    np.testing.assert_array_equal(first, through(codec, narrow))


@pytest.mark.parametrize("mode", list(DELAYS))
def test_bits_are_exact(mode: int) -> None:
    upstream = pycodec2.Codec2(mode)
    spec = make(mode).spec
    assert spec.frame_rate == FRAME_RATES[mode] == 8000 / upstream.samples_per_frame()
    assert spec.stated_bps == mode == upstream.bits_per_frame() * FRAME_RATES[mode]
    # One second and the delay, in whole frames.
    frames = -(-(8000 + DELAYS[mode]) // upstream.samples_per_frame())
    bits = make(mode).encode([np.zeros(8000)], 8000)[0].bits
    assert bits == frames * upstream.bits_per_frame()


def envelope(samples: Samples) -> NDArray[np.float64]:
    power = gaussian_filter1d(samples**2, 40)
    return np.asarray(np.log(power + 1e-6 * power.max()))


def lag(reference: Samples, decoded: Samples, most: int = 400) -> int:
    inner = envelope(reference)[most:-most]
    whole = envelope(decoded)
    lags = range(-most, most)
    fits = [np.corrcoef(inner, whole[most + k : most + k + len(inner)])[0, 1] for k in lags]
    assert max(fits) > 0.7
    return lags[int(np.argmax(fits))]


@pytest.mark.parametrize("mode", list(DELAYS))
def test_speech_comes_back_aligned(mode: int, speeches: list[Sound]) -> None:
    codec = make(mode)
    clips = [resample(sound.samples, sound.rate, 8000) for sound in speeches]
    # One clip's envelope says it to some 20 samples only.
    assert abs(np.median([lag(clip, through(codec, clip)) for clip in clips])) <= 24  # 3 ms


@pytest.mark.parametrize("mode", [3200, 700])
def test_every_length_comes_back(mode: int) -> None:
    codec = make(mode)
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 5000)
    for length in (1, 10, 159, 321, 4999):
        assert len(through(codec, noise[:length])) == length


def test_extreme_sounds_survive() -> None:
    codec = make(1600)
    assert np.abs(through(codec, np.zeros(8000))).max() < 0.01
    square = np.where(np.arange(8000) // 20 % 2 == 0, 1.0, -1.0)
    decoded = through(codec, square)
    assert 0.1 < np.std(decoded) < 1.5
    assert len(through(codec, np.tile(square, 20))) == 160_000


def test_an_empty_clip_is_a_codec_error() -> None:
    with pytest.raises(CodecError, match="shorter than one sample"):
        make(700).encode([np.zeros(0)], 8000)


def test_a_decoder_that_fails_is_a_codec_error() -> None:
    codec = make(3200)
    encoded = codec.encode([np.zeros(1000)], 8000)[0]
    broken = type(encoded)(encoded.bits, encoded.length, payload=encoded.payload + b"x")
    with pytest.raises(CodecError, match="cannot decode this clip"):
        codec.decode([broken], 8000)


def test_a_decoder_that_ends_costs_its_clip_and_no_more(narrow: Samples) -> None:
    codec = make(1600)
    assert isinstance(codec, Codec2)
    codec.load("cpu")
    before = through(codec, narrow[:8000])
    first = codec._decoder
    assert first is not None
    through(codec, narrow[:4000])
    assert codec._decoder is first  # one program for all clips
    first.kill()
    first.wait()
    with pytest.raises(CodecError, match="decoder has ended"):
        through(codec, narrow[:8000])
    np.testing.assert_array_equal(before, through(codec, narrow[:8000]))
    codec.unload()
    assert codec._decoder is None


def test_an_unknown_mode_names_the_modes() -> None:
    with pytest.raises(UserError, match=r"mode = 450: Allowed: 3200, .* 700"):
        make(450)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Codec2.missing() is None
    monkeypatch.setitem(sys.modules, "pycodec2", None)
    monkeypatch.chdir(tmp_path)  # in a clone the command has `-c constraints.txt`
    assert Codec2.missing() == ("pycodec2 is not installed. To fix: pip install 'almbench[codec2]'")
