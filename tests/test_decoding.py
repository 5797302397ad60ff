"""Sound files of every kind, whole, odd, damaged and hostile: read, or refused in one line."""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile as sf

from almbench import decoding
from almbench.audio import Samples, read
from almbench.errors import AudioError

RATE = 16_000
TONE: Samples = 0.4 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


def encode(path: Path, codec: str, format_: str, sounds: list[Samples], rate: int) -> Path:
    """Write a file of one audio stream per sound by PyAV."""
    with av.open(path, "w", format=format_) as container:
        facts: dict[str, Any] = {"layout": "mono", "bit_rate": 96_000}
        streams: list[Any] = [container.add_stream(codec, rate=rate, **facts) for _ in sounds]
        for stream, sound in zip(streams, sounds, strict=True):
            data = sound.astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(data, format="fltp", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
            to_own = av.AudioResampler(stream.format.name, "mono", rate, stream.frame_size or None)
            for part in [*to_own.resample(frame), *to_own.resample(None)]:
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
    return path


def written(path: Path, samples: Samples = TONE, rate: int = RATE, **facts: str) -> Path:
    sf.write(path, samples, rate, **facts)
    return path


def declare(path: Path, total: int) -> Path:
    """Let a FLAC say that it has `total` samples; 0 is what an encoder writes into a pipe."""
    content = bytearray(path.read_bytes())
    at = 8 + 13  # the last 36 bits of the header's 64 that begin with the rate
    content[at] = content[at] & 0xF0 | total >> 32
    content[at + 1 : at + 5] = (total & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        read(path)
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


def test_a_flac_of_a_stream_is_read_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "a.flac")
    expected = sf.read(path)[0]
    sound = read(declare(path, 0))
    assert sound.rate == RATE
    np.testing.assert_array_equal(sound.samples, expected)


@pytest.mark.parametrize("name", ["a.m4a", "a.mp4", "a.webm", "a.mka", "a.oga", "a.wma", "a.aac"])
def test_what_soundfile_cannot_read_pyav_reads(tmp_path: Path, name: str) -> None:
    codec, format_ = {
        ".m4a": ("aac", "ipod"), ".mp4": ("aac", "mp4"), ".webm": ("libopus", "webm"),
        ".mka": ("flac", "matroska"), ".oga": ("flac", "ogg"), ".wma": ("wmav2", "asf"),
        ".aac": ("aac", "adts"),
    }[Path(name).suffix]  # fmt: skip
    long = 0.4 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    sound = read(encode(tmp_path / name, codec, format_, [long], 48_000))
    assert (sound.rate, sound.channels, sound.note) == (48_000, 1, "")
    assert len(sound.samples) == pytest.approx(48_000, abs=4096)
    middle = sound.samples[12_000:36_000]
    assert np.abs(np.fft.rfft(middle)).argmax() == 220  # 440 Hz in half a second
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.4, abs=0.02)


def test_24_bits_come_through_pyav_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a.flac", subtype="PCM_24")
    expected = sf.read(path)[0]
    np.testing.assert_array_equal(read(declare(path, 0)).samples, expected)


@pytest.mark.parametrize("name", ["a.WAVE", "b.CAF", "c.Aif", "m4a in disguise.wav"])
def test_names_do_not_matter_but_the_content_does(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if "disguise" in name:
        encode(path, "aac", "ipod", [TONE], RATE)
    else:
        written(path, format={".WAVE": "WAV", ".CAF": "CAF", ".Aif": "AIFF"}[path.suffix])
    assert read(path).seconds == pytest.approx(1, abs=0.2)


def test_of_several_audio_streams_the_first_is_read_and_that_is_noted(tmp_path: Path) -> None:
    path = encode(tmp_path / "song.stem.mp4", "aac", "mp4", [TONE, 0 * TONE, 0 * TONE], RATE)
    sound = read(path)
    assert sound.note == "the first of 3 audio streams"
    assert np.abs(sound.samples).max() > 0.3


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    written(tmp_path / "plain.wav").rename(path)
    assert read(path).seconds == 1
    path.write_bytes(b"nothing to hear")
    assert refused(path).startswith("café.wav cannot be read as audio")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    assert refused(tmp_path / "folder.wav") == "folder.wav is a folder, not a file."
    (tmp_path / "broken.wav").symlink_to(tmp_path / "gone.wav")
    assert refused(tmp_path / "broken.wav") == "broken.wav is a link to a file that is not there."
    os.mkfifo(tmp_path / "pipe.wav")  # reading it would wait for ever
    assert refused(tmp_path / "pipe.wav") == "pipe.wav is not a file."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav")
    path.chmod(0)
    assert refused(path) == "a.wav cannot be read: Permission denied."


def test_a_file_that_changes_or_vanishes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.wav")
    by_soundfile = decoding._by_soundfile

    def meanwhile(change: str) -> str:
        def slow(sound: sf.SoundFile) -> decoding.Decoded:
            decoded = by_soundfile(sound)
            path.unlink()
            if change == "replaced":
                written(path, TONE[:100])
            return decoded

        monkeypatch.setattr(decoding, "_by_soundfile", slow)
        return refused(path)

    assert meanwhile("replaced") == "a.wav was written to while it was read."
    assert meanwhile("removed") == "a.wav does not exist."


def test_half_a_flac_is_no_whole_sound(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE)
    path = written(tmp_path / "cut.flac", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "of 64,000 samples" in refused(path)
    assert "cannot be read as audio" in refused(declare(path, 0))


@pytest.mark.parametrize(
    ("total", "words"),
    [(2**32, "has 4,294,967,296 samples or more at 16,000 Hz"), (2 * RATE, "of 32,000 samples")],
)
def test_a_flac_that_claims_more_than_it_holds(tmp_path: Path, total: int, words: str) -> None:
    assert words in refused(declare(written(tmp_path / "a.flac"), total))


def test_a_sound_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "at 1 Hz; at most 90 minutes" in refused(written(tmp_path / "slow.wav", TONE, 1))
    monkeypatch.setattr(decoding, "MOST_SAMPLES", 10_000)
    assert "at most 90 minutes and 10,000 samples" in refused(written(tmp_path / "a.wav"))
    streamed = declare(written(tmp_path / "b.flac"), 0)
    assert "at most 90 minutes and 10,000 samples" in refused(streamed)


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n",  # a playlist, which leads elsewhere
        b"ffconcat version 1.0\nfile secret.wav\n",
        b"RIFF\x00\x00\x00\x00WAVE" + bytes(200),
        b"\x1a\x45\xdf\xa3" + bytes(500),
        bytes(range(256)) * 8,
        b"<!DOCTYPE html><title>404</title>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    ],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    written(tmp_path / "secret.wav")
    for name in ("a.wav", "a.m4a", "a.mp3"):
        (tmp_path / name).write_bytes(content)
        assert refused(tmp_path / name).startswith(f"{name} ")


def test_channels_are_averaged_by_pyav_as_by_soundfile(tmp_path: Path) -> None:
    stereo = np.stack([TONE, -0.5 * TONE], axis=1)
    sf.write(tmp_path / "a.flac", stereo, RATE)
    expected = read(tmp_path / "a.flac")
    found = read(declare(tmp_path / "a.flac", 0))
    assert (found.channels, found.rate) == (2, RATE)
    np.testing.assert_allclose(found.samples, expected.samples, atol=1e-12)


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"'a\.wav\\x00' is a name that no file can have\.$"):
        read(tmp_path / "a.wav\0")
