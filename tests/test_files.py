"""Which files of a folder are looked at."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from almbench.files import counted, hidden, list_files, read_text
from almbench.listening.submissions import read_submissions
from almbench.training.data import open_folders
from almbench.training.recipe import DataConfig


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def listed(root: Path) -> tuple[list[str], dict[str, list[str]]]:
    listing = list_files(root)
    return [listing.name(path) for path in listing.files], dict(counted(listing.omitted))


@pytest.mark.parametrize(
    "name",
    [
        ".a.wav", "._a.wav", ".DS_Store", "__MACOSX", ".ipynb_checkpoints", ".Trash", ".Trash-1000",
        "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "lost+found", "@eaDir", ".git", "~$notes.csv",
    ],
)  # fmt: skip
def test_what_systems_leave_behind_is_hidden(name: str) -> None:
    assert hidden(name) == "hidden"


@pytest.mark.parametrize("name", ["a.wav.part", "b.crdownload", "c.f251.webm.part", "d.wav.tmp"])
def test_partial_downloads_are_left_out(name: str) -> None:
    assert hidden(name) == "partly downloaded"


@pytest.mark.parametrize("name", ["a.wav", "a..wav", "_a", "part.wav", "Trash", "a.b.stem.mp4"])
def test_what_is_looked_at(name: str) -> None:
    assert hidden(name) == ""


def test_hidden_folders_are_left_out_whole(tmp_path: Path) -> None:
    put(tmp_path, "a.wav", ".ipynb_checkpoints/a-checkpoint.wav", "__MACOSX/._a.wav", "x/.b.wav")
    put(tmp_path, "x/c.wav.part", "x/notes.txt")
    assert listed(tmp_path) == (
        ["a.wav", "x/notes.txt"],
        {
            "hidden": [".ipynb_checkpoints/", "__MACOSX/", "x/.b.wav"],
            "partly downloaded": ["x/c.wav.part"],
        },
    )


def test_a_folder_below_a_hidden_one_is_looked_at(tmp_path: Path) -> None:
    put(tmp_path, ".cache/data/a.wav")
    assert listed(tmp_path / ".cache" / "data") == (["a.wav"], {})


def test_links_are_followed_and_no_folder_is_read_twice(tmp_path: Path) -> None:
    put(tmp_path, "store/spk1/a.wav", "data/spk0/z.wav", "data/spk0/deep/y.wav")
    data = tmp_path / "data"
    (data / "spk1").symlink_to(tmp_path / "store" / "spk1")
    (data / "a-link").symlink_to(data / "spk0")  # the real path is the one to be kept
    (data / "spk0" / "up").symlink_to(data)
    (data / "itself").symlink_to(data / "itself")
    (data / "z-again.wav").symlink_to(data / "spk0" / "z.wav")
    assert listed(data) == (
        ["itself", "spk0/deep/y.wav", "spk0/z.wav", "spk1/a.wav", "z-again.wav"],
        {"link to what is read already": ["a-link/", "spk0/up/"]},
    )


def test_a_link_to_nothing_is_listed_and_a_pipe_is_not(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    assert listed(tmp_path) == (["gone.wav"], {"no regular file": ["pipe.wav"]})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"plain", ("plain", False)),
        (b"\xef\xbb\xbfwith a mark", ("with a mark", False)),
        ("größer".encode(), ("größer", False)),
        ("größer".encode("utf-16"), ("größer", False)),
        ("größer".encode("latin-1"), ("größer", True)),
        (b"", ("", False)),
    ],
)
def test_texts_of_any_encoding(tmp_path: Path, content: bytes, expected: tuple[str, bool]) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert read_text(tmp_path / "a.txt") == expected


def test_training_data_and_listening_results_pass_over_hidden_files(
    tmp_path: Path,
    clips: Path,
    save: Callable[[dict[str, Any]], Path],
    mushra: Callable[..., dict[str, Any]],
) -> None:
    for path in clips.iterdir():
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / "train" / path.name).symlink_to(path)
    (tmp_path / "train" / "._1.flac").write_bytes(b"\0\x05\x16\x07")
    (folder,) = open_folders([DataConfig(name="speech")], {"speech": tmp_path / "train"})
    assert len(folder.paths) == 2
    result = save(mushra(1, {"talk/a": {"original": 100, "better": 60}}))
    (result.parent / "._r1.json").write_bytes(b"\0\x05\x16\x07")
    assert [submission.path for submission in read_submissions([result.parent])] == [result]
