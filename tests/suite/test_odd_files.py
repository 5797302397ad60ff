"""Folders with odd sounds and names, through `bench score`: a row or a reason for each."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.results.results import load_results
from tests.conftest import Bench

Make = Callable[[Path], object]


@pytest.fixture
def sound(speech: list[Path]) -> tuple[np.ndarray, int]:
    samples, rate = sf.read(speech[0])
    return samples[: rate + rate // 2], rate


def with_size(path: Path, size: int) -> None:
    """Let a WAV claim another size of its samples, as programs that were ended leave it."""
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(bytes(content))


READ = {
    "ulaw.wav": {"subtype": "ULAW"},
    "bytes.wav": {"subtype": "PCM_U8"},
    "double.wav": {"subtype": "DOUBLE"},
    "adpcm.wav": {"subtype": "IMA_ADPCM"},
    "flac_inside.wav": {"format": "FLAC"},
    "wav_inside.flac": {"format": "WAV"},
    "mpeg.mp3": {"format": "MP3"},
    "apple.aif": {"format": "AIFF"},
    "sun.au": {"format": "AU"},
    "large.wav": {"format": "RF64"},
    "sony.w64": {"format": "W64"},
    "voice.opus": {"format": "OGG", "subtype": "OPUS"},
    "UPPER.WAV": {"format": "WAV"},
    "many.dots.in.it.wav": {},
    "note_\N{MUSICAL NOTE}.wav": {"format": "WAV"},
    "two\nlines.wav": {"format": "WAV"},
    "50%20 and #hash?.wav": {"format": "WAV"},
    "-o.wav": {},
    "[bold]x[.wav": {},
    "left\u202egnp.wav": {},
    "con.wav": {},
    "é" * 100 + ".wav": {},
    "a.wav": {},
    "A.wav": {},
    "a..wav": {},
}
FAILED = {
    "page.wav": (b"404 Not Found <html>", "Format not recognised"),
    "pointer.wav": (b"version https://git-lfs.github.com/spec/v1\n", "Format not recognised"),
    "none.wav": (b"", "is empty (0 bytes)"),
}


@pytest.mark.slow
def test_every_odd_file_has_a_row_or_a_reason(
    tmp_path: Path, bench: Bench, sound: tuple[np.ndarray, int]
) -> None:
    samples, rate = sound
    (tmp_path / "ref").mkdir()
    (tmp_path / "cod").mkdir()
    for name, facts in READ.items():
        sf.write(tmp_path / "ref" / name, samples, rate, **facts)
        sf.write(tmp_path / "cod" / f"{Path(name).stem}.wav", samples, rate, format="WAV")
    for name, (content, _) in FAILED.items():
        (tmp_path / "ref" / name).write_bytes(content)
        sf.write(tmp_path / "cod" / name, samples, rate)
    for name, size in {"streamed.wav": 0xFFFFFFFF, "ended.wav": 0}.items():
        for folder in ("ref", "cod"):
            sf.write(tmp_path / folder / name, samples, rate)
        with_size(tmp_path / "ref" / name, size)
    os.mkfifo(tmp_path / "ref" / "pipe.wav")
    for name in ("Thumbs.db", ".DS_Store", "x.wav.part", "y.wav.crdownload", "~$z.wav"):
        (tmp_path / "ref" / name).write_bytes(b"x")

    done = bench("score", "ref", "cod", "-o", "run", "--metric", "gain_db", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    results = load_results(tmp_path / "run")
    clips = results.clips().set_index("clip")
    ok = clips[clips["status"] == "ok"]
    assert len(ok) == len(READ) + 1
    assert "streamed" in ok.index
    assert ok["gain_db"].abs().max() < 0.2  # dB, by Opus and MP3
    assert len({clip.casefold() for clip in clips.index}) == len(clips)
    assert not any(
        clip.endswith((".", " ")) or set(clip) & set('<>:"/\\|?*\n') for clip in clips.index
    )
    reasons = clips[clips["status"] == "failed"]["reason"]
    for name, (_, words) in FAILED.items():
        assert words in reasons[Path(name).stem]
    assert "holds no samples" in reasons["ended"]
    assert len(reasons) == len(FAILED) + 1
    for words in ("3 hidden", "2 partly downloaded", "1 no regular file"):
        assert words in done.stderr
    done = bench("site", "run", "-o", "public", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "public").rglob("*"):
        assert not set(path.name) & set('<>:"\\|?*'), path


def test_folders_with_names_that_windows_keeps(
    tmp_path: Path, bench: Bench, sound: tuple[np.ndarray, int]
) -> None:
    for folder in ("con", "aux", "original", "nul."):
        (tmp_path / folder).mkdir()
        sf.write(tmp_path / folder / "a.wav", *sound)
    done = bench(
        "score", "con", "aux", "original", "nul.", "-o", "run", "--metric", "gain_db", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert {*load_results(tmp_path / "run").clips()["label"]} == {"aux", "original", "nul."}
    for path in (tmp_path / "run").rglob("*"):
        assert path.stem.lower() not in {"con", "aux", "nul"}, path
