"""The layouts of well-known data sets, read from a user's own copy."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import pandas as pd

from almbench.errors import UserError, in_a_line
from almbench.files import Listing, Omitted, UnreadableTextError, inside, read_text
from almbench.names import readable

NOT_UTF_8 = "is not UTF-8 and was read as Latin-1"
MIC2 = "second microphone"


@dataclass(frozen=True)
class Found:
    """One sound found in a data set.

    Attributes:
        path: The file.
        name: What its id is made from.
        speaker: Speaker or source; clips that share one are not independent.
        text: What is said, or what is heard.
        cluster: What clips share that are not independent, if that is not the speaker.
        labels: Further labels, by column.
    """

    path: Path
    name: str
    speaker: str = ""
    text: str = ""
    cluster: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass
class Contents:
    """What a folder, a glob or a table has for a test set.

    Attributes:
        found: The sounds.
        omitted: What is left out, and why.
        remarks: What else to know, in sentences without a full stop.
    """

    found: list[Found] = field(default_factory=list)
    omitted: list[Omitted] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def text(self, path: Path) -> str:
        """A text beside sounds; empty where there is none. Texts are decoration: none is refused.

        Args:
            path: Where it would be.
        """
        if not path.is_file():
            return ""
        try:
            text, foreign = read_text(path)
        except UnreadableTextError as error:
            self.remarks.append(f"no text of {error}")
            return ""
        if foreign:
            self.remarks.append(f"{readable(path.name)} {NOT_UTF_8}")
        return text.strip()

    def table(self, path: Path, needed: set[str]) -> pd.DataFrame:
        """Read a CSV of text.

        Raises:
            UserError: The file cannot be read, or has not every column that is needed.
        """
        if not path.is_file():
            raise UserError(f"{path} does not exist.")
        try:
            text, foreign = read_text(path)
            table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnreadableTextError) as error:
            raise UserError(f"{path} is not a readable CSV file: {str(error).strip()}") from error
        if missing := needed - set(table.columns):
            columns = ", ".join(map(str, table.columns))
            alone = len(table.columns) == 1 and re.search(r"[;\t|]", columns)
            cure = " To fix: separate the columns by commas." if alone else ""
            raise UserError(
                f"{path} has no column '{sorted(missing)[0]}'; it has: {in_a_line(columns)}.{cure}"
            )
        if foreign:
            self.remarks.append(f"{readable(path.name)} {NOT_UTF_8}")
        return table


def folder(listing: Listing) -> Contents:
    """Any folder of sound files, named by stem, or by relative path where stems repeat."""
    return named(listing.sounds, listing.root)


def named(paths: Iterable[Path], root: Path) -> Contents:
    """Name files by their stems, or by their paths below `root` where stems repeat.

    Where all are named as ESC-50 does (`fold-clip-take[-class]`, such as `1-100032-A`), those cut
    from one recording share a cluster, its fold and clip. Of clips that VCTK recorded by two
    microphones (`p225_001_mic1`, `p225_001_mic2`) the first is taken.
    """
    contents = Contents()
    stems = {path: readable(path.stem) for path in paths}
    firsts = {(path.parent, stem) for path, stem in stems.items()}
    for path, stem in list(stems.items()):
        first = re.sub(r"^([ps]\d+_\d+_mic)2$", r"\g<1>1", stem)
        if first != stem and (path.parent, first) in firsts:
            contents.omitted.append(Omitted(inside(path, root), MIC2))
            del stems[path]
    unique = len(set(stems.values())) == len(stems)
    takes = {path: re.fullmatch(r"(\d-\d+)-[A-Z](-\d+)?", stem) for path, stem in stems.items()}
    esc = all(takes.values())
    for path, stem in stems.items():
        name = stem if unique else inside(path.with_suffix(""), root)
        take = takes[path]
        contents.found.append(Found(path, name, cluster=take[1] if take and esc else ""))
    return contents


def vctk(listing: Listing) -> Contents:
    """VCTK 0.80 (`wav48/`) and 0.92 (`wav48_silence_trimmed/`, first microphone)."""
    contents = Contents()
    root = listing.root
    top = next((n for n in ("wav48_silence_trimmed", "wav48") if (root / n).is_dir()), "")
    for path in listing.sounds:
        name = readable(path.stem)
        if not path.is_relative_to(root / top):
            contents.omitted.append(Omitted(listing.name(path), f"not in {top}"))
        elif name.endswith("_mic2"):
            contents.omitted.append(Omitted(listing.name(path), MIC2))
        else:
            name = name.removesuffix("_mic1")
            speaker = name.partition("_")[0]  # as its folder is called, where it is in one
            text = contents.text(root / "txt" / speaker / f"{name}.txt")
            contents.found.append(Found(path, name, speaker, text))
    return contents


def libritts(listing: Listing) -> Contents:
    """LibriTTS: a `.normalized.txt` beside each wav."""
    contents = Contents()
    for path in listing.sounds:
        text = contents.text(path.with_suffix(".normalized.txt"))
        name = readable(path.stem)
        labels = {"recording": "_".join(name.split("_")[:2])}
        contents.found.append(Found(path, name, name.split("_")[0], text, labels=labels))
    return contents


def librispeech(listing: Listing) -> Contents:
    """LibriSpeech: a `.trans.txt` a chapter, which is one recording."""
    contents = Contents()
    lines: dict[tuple[Path, str], str] = {}
    for path in listing.others:
        if path.name.lower().endswith(".trans.txt"):
            for line in filter(None, contents.text(path).splitlines()):
                name, _, text = line.partition(" ")
                lines[path.parent, name] = text
    said = set()
    for path in listing.sounds:
        key = path.parent, readable(path.stem)
        if key in lines:
            said.add(key)
            speaker, recording = key[1].split("-")[0], key[1].rpartition("-")[0]
            labels = {"recording": recording} if recording else {}
            contents.found.append(Found(path, key[1], speaker, lines[key], labels=labels))
        else:
            contents.omitted.append(Omitted(listing.name(path), "not in a transcript"))
    absent = [Omitted(name, "line of a transcript without its sound") for _, name in lines]
    contents.omitted += [one for one, key in zip(absent, lines, strict=True) if key not in said]
    return contents


def esc_50(listing: Listing) -> Contents:
    """ESC-50: `audio/` and `meta/esc50.csv`; clips cut from one recording share `src_file`."""
    contents = Contents()
    root = listing.root
    table = contents.table(root / "meta" / "esc50.csv", {"filename", "category", "src_file"})
    rows = {row["filename"]: row for row in table.to_dict("records")}
    listed = {listing.name(path): path for path in listing.sounds}
    for name, row in sorted(rows.items()):
        if path := listed.pop(f"audio/{name}", None):
            text = row["category"].replace("_", " ")
            found = Found(path, readable(path.stem), row["src_file"], text)
            contents.found.append(replace(found, labels={"class": text}))
        else:
            contents.omitted.append(Omitted(name, "row of esc50.csv without its file"))
    contents.omitted += [Omitted(name, "not in esc50.csv") for name in listed]
    return contents


def musiccaps(listing: Listing) -> Contents:
    """MusicCaps: its CSV beside files that have the YouTube id in their names."""
    contents = Contents()
    path = next(_musiccaps_tables(listing), None)
    if path is None:
        raise UserError(f"{listing.root} has no MusicCaps table (*musiccaps*.csv).")
    table = contents.table(path, {"ytid", "caption"})
    captions = dict(zip(table["ytid"], table["caption"], strict=True))
    gone = dict.fromkeys(captions)
    for sound in listing.sounds:
        name = readable(sound.stem)
        ytid = next((id_ for id_ in _youtube_ids(name) if id_ in captions), "")
        if ytid:
            gone.pop(ytid, None)
            contents.found.append(Found(sound, name, "", captions[ytid]))
        else:
            contents.omitted.append(Omitted(listing.name(sound), f"not in {path.name}"))
    contents.omitted += [Omitted(ytid, f"row of {path.name} without its file") for ytid in gone]
    return contents


def _youtube_ids(stem: str) -> list[str]:
    """What may be the id, of 11 characters: in brackets, at the beginning, or at the end.

    Downloaders write `Title [id]`, `id`, `[id]-[30-40]`, or `Title-id`.
    """
    return [*re.findall(r"\[([\w-]{11})\]", stem), stem[:11], stem[-11:]]


def _musiccaps_tables(listing: Listing) -> Iterator[Path]:
    for path in listing.others:
        name = path.name.lower()
        if path.parent == listing.root and name.endswith(".csv") and "musiccaps" in name:
            yield path


LAYOUTS: dict[str, Callable[[Listing], Contents]] = {
    "folder": folder,
    "vctk": vctk,
    "libritts": libritts,
    "librispeech": librispeech,
    "esc-50": esc_50,
    "musiccaps": musiccaps,
}


def recognise(listing: Listing) -> str:
    """Name the layout of a folder; "folder" where it is none of the known ones."""
    root = listing.root
    if any((root / name).is_dir() for name in ("wav48", "wav48_silence_trimmed")):
        return "vctk"
    if (root / "meta" / "esc50.csv").is_file():
        return "esc-50"
    if next(_musiccaps_tables(listing), None):
        return "musiccaps"
    names = [path.name.lower() for path in listing.others]
    if any(name.endswith(".trans.txt") for name in names):
        return "librispeech"
    if any(name.endswith(".normalized.txt") for name in names):
        return "libritts"
    return "folder"
