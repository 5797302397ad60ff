import signal
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from almbench import audio
from almbench.audio import exact_bits, fit, read, resample, sha256, to_integers, write_flac
from almbench.errors import AudioError


def test_sixteen_bit_samples_survive_the_flac_bit_for_bit(tmp_path: Path) -> None:
    integers = np.array([-32768, -32767, -1, 0, 1, 12345, 32767], np.int16)
    sf.write(tmp_path / "in.wav", integers, 24_000, subtype="PCM_16")
    sound = read(tmp_path / "in.wav")
    assert exact_bits(sound.samples) == 16
    assert write_flac(tmp_path / "out.flac", sound.samples, sound.rate) == 0
    out, rate = sf.read(tmp_path / "out.flac", dtype="int16")
    assert rate == 24_000
    assert (out == integers).all()


def test_twenty_four_bit_samples_survive_too(tmp_path: Path) -> None:
    values = np.array([-(2**23), -257, 1, 255, 2**23 - 1])
    sf.write(tmp_path / "in.wav", (values << 8).astype(np.int32), 48_000, subtype="PCM_24")
    sound = read(tmp_path / "in.wav")
    assert exact_bits(sound.samples) == 24
    write_flac(tmp_path / "out.flac", sound.samples, sound.rate, 24)
    assert (read(tmp_path / "out.flac").samples * 2**23 == values).all()


def test_beyond_full_scale_is_clipped_and_counted_never_wrapped() -> None:
    integers, clipped = to_integers(np.array([1.5, -1.5, 1.0, 0.999, -1.0, 0.5]), 16)
    assert integers.tolist() == [32767, -32768, 32767, 32735, -32768, 16384]
    assert clipped == 2


def test_stereo_is_averaged(tmp_path: Path) -> None:
    frames = np.stack([np.full(100, 0.5), np.full(100, -0.25)], axis=1)
    sf.write(tmp_path / "stereo.wav", frames, 96_000, subtype="FLOAT")
    sound = read(tmp_path / "stereo.wav")
    assert sound.channels == 2
    assert sound.samples == pytest.approx(0.125)


def test_resampling_keeps_a_tone_and_its_place() -> None:
    time = np.arange(44_100) / 44_100
    out = resample(np.sin(2 * np.pi * 440 * time), 44_100, 16_000)
    assert len(out) == 16_000
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.abs(out - expected)[200:-200].max() < 1e-4


@pytest.mark.parametrize("length", [1, 2, 10, 479, 48_001])
def test_resampled_length_is_the_floor_of_the_ratio(length: int) -> None:
    assert len(resample(np.ones(length), 48_000, 22_050)) == length * 22_050 // 48_000


def test_fit_cuts_and_pads() -> None:
    assert fit(np.ones(3), 2).tolist() == [1, 1]
    assert fit(np.ones(2), 3).tolist() == [1, 1, 0]


def test_what_is_no_sound_says_so(tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    cut = tmp_path / "cut.flac"
    sf.write(cut, np.random.default_rng(0).normal(0, 0.1, 24_000), 24_000)
    cut.write_bytes(cut.read_bytes()[:40])
    nan = tmp_path / "nan.wav"
    sf.write(nan, np.array([0.1, np.nan]), 24_000, subtype="FLOAT")
    silent = tmp_path / "none.wav"
    sf.write(silent, np.zeros(0), 24_000)
    for path, words in [
        (tmp_path / "absent.wav", "does not exist"),
        (empty, "0 bytes"),
        (text, "cannot be read as audio"),
        (cut, "cut.flac"),
        (nan, "NaN"),
        (silent, "no samples"),
    ]:
        with pytest.raises(AudioError, match=words) as caught:
            read(path)
        assert path.name in str(caught.value)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no rate of 24000000 Hz, but up to 65535"):
        write_flac(tmp_path / "x.flac", np.zeros(10), 24_000_000)  # no such rate in FLAC
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_a_file_is_encoded_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting(BytesIO):
        def write(self, content: Any) -> int:  # called by libsndfile, which drops what it raises
            signal.raise_signal(signal.SIGINT)
            return super().write(content)

    monkeypatch.setattr(audio, "BytesIO", Interrupting)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        write_flac(tmp_path / "x.flac", np.zeros(24_000), 24_000)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.undo()
    with ThreadPoolExecutor(1) as threads:  # where no signal arrives
        assert threads.submit(write_flac, tmp_path / "y.flac", np.zeros(9), 24_000).result() == 0


def test_sha256_of_a_known_text(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-4, example
    assert sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")
