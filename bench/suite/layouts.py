"""The layouts of well-known data sets, read from a user's own copy."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from almbench.audio import EXTENSIONS
from almbench.errors import UserError
from almbench.files import audio_files


@dataclass(frozen=True)
class Found:
    """One sound found in a data set.

    Attributes:
        path: The file.
        name: What its id is made from.
        speaker: Speaker or source; clips that share one are not independent.
        text: What is said, or what is heard.
        cluster: What clips share that are not independent, if that is not the speaker.
    """

    path: Path
    name: str
    speaker: str = ""
    text: str = ""
    cluster: str = ""


def folder(root: Path) -> Iterator[Found]:
    """Any folder of sound files, named by stem, or by relative path where stems repeat."""
    yield from named(audio_files(root), root)


def named(paths: Iterable[Path], root: Path) -> Iterator[Found]:
    """Name files by their stems, or by their paths below `root` where stems repeat.

    Where all are named as ESC-50 does (`fold-clip-take[-class]`, such as `1-100032-A`), those cut
    from one recording share a cluster, its fold and clip.
    """
    paths = list(paths)
    stems = [path.stem for path in paths]
    unique = len(set(stems)) == len(stems)
    takes = [re.fullmatch(r"(\d-\d+)-[A-Z](-\d+)?", stem) for stem in stems]
    for path, take in zip(paths, takes, strict=True):
        inside = path.relative_to(root) if path.is_relative_to(root) else path
        name = path.stem if unique else inside.with_suffix("").as_posix()
        yield Found(path, name, cluster=take[1] if take and all(takes) else "")


def vctk(root: Path) -> Iterator[Found]:
    """VCTK 0.80 (`wav48/`) and 0.92 (`wav48_silence_trimmed/`, first microphone)."""
    for path in audio_files(_first(root, "wav48_silence_trimmed", "wav48")):
        name = path.stem
        if name.endswith("_mic2"):
            continue
        name = name.removesuffix("_mic1")
        speaker = name.partition("_")[0]  # as its folder is called, where it is in one
        yield Found(path, name, speaker, _text(root / "txt" / speaker / f"{name}.txt"))


def libritts(root: Path) -> Iterator[Found]:
    """LibriTTS: a `.normalized.txt` beside each wav."""
    for path in audio_files(root):
        text = path.with_suffix(".normalized.txt")
        yield Found(path, path.stem, path.stem.split("_")[0], _text(text))


def librispeech(root: Path) -> Iterator[Found]:
    """LibriSpeech: a `.trans.txt` a chapter."""
    for transcript in sorted(root.rglob("*.trans.txt")):
        for line in transcript.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            for path in transcript.parent.glob(f"{name}.*"):
                if path.suffix.lower() in EXTENSIONS:
                    yield Found(path, name, name.split("-")[0], text)


def esc_50(root: Path) -> Iterator[Found]:
    """ESC-50: `audio/` and `meta/esc50.csv`; clips cut from one recording share `src_file`."""
    table = read_table(root / "meta" / "esc50.csv", {"filename", "category", "src_file"})
    for row in table.sort_values("filename").to_dict("records"):
        path = root / "audio" / row["filename"]
        if path.is_file():
            yield Found(path, path.stem, row["src_file"], row["category"].replace("_", " "))


def musiccaps(root: Path) -> Iterator[Found]:
    """MusicCaps: its CSV beside files whose names begin with the YouTube id."""
    table = read_table(next(_musiccaps_tables(root)), {"ytid", "caption"})
    captions = dict(zip(table["ytid"], table["caption"], strict=True))
    for path in audio_files(root):
        # A YouTube id has 11 characters; downloaders write it bare, bracketed, or before the times.
        ytid = path.stem.lstrip("[")[:11]
        if ytid in captions:
            yield Found(path, path.stem, "", captions[ytid])


def _musiccaps_tables(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.glob("*.csv")) if "musiccaps" in path.name.lower())


def _first(root: Path, *names: str) -> Path:
    return next((root / name for name in names if (root / name).is_dir()), root)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def read_table(path: Path, needed: set[str]) -> pd.DataFrame:
    """Read a CSV of text.

    Raises:
        UserError: The file cannot be read, or has not every column that is needed.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a readable CSV file: {str(error).strip()}") from error
    if missing := needed - set(table.columns):
        columns = ", ".join(table.columns)
        raise UserError(f"{path} has no column '{sorted(missing)[0]}'; it has: {columns}.")
    return table


LAYOUTS: dict[str, Callable[[Path], Iterator[Found]]] = {
    "folder": folder,
    "vctk": vctk,
    "libritts": libritts,
    "librispeech": librispeech,
    "esc-50": esc_50,
    "musiccaps": musiccaps,
}


def recognise(root: Path) -> str:
    """Name the layout of a folder; "folder" where it is none of the known ones."""
    if any((root / name).is_dir() for name in ("wav48", "wav48_silence_trimmed")):
        return "vctk"
    if (root / "meta" / "esc50.csv").is_file():
        return "esc-50"
    if next(_musiccaps_tables(root), None):
        return "musiccaps"
    if next(root.rglob("*.trans.txt"), None):
        return "librispeech"
    if next(root.rglob("*.normalized.txt"), None):
        return "libritts"
    return "folder"
