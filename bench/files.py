"""Which files of a folder are looked at, and how texts beside sounds are read."""

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from almbench.audio import EXTENSIONS
from almbench.errors import AlmbenchError
from almbench.names import readable

# Beside what begins with a dot: what systems, archives and browsers leave in folders.
FOREIGN = frozenset(
    {
        "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "lost+found",
        "system volume information", "@eadir", "__pycache__",
    }
)  # fmt: skip
PARTIAL = frozenset(
    {".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp", ".temp", ".ytdl"}
)
HIDDEN, UNFINISHED = "hidden", "partly downloaded"
AGAIN, CLOSED, SPECIAL = "link to what is read already", "not readable", "no regular file"


@dataclass(frozen=True)
class Omitted:
    """What a reader of a folder or a table leaves out.

    Attributes:
        name: Its path below the folder with `/`, or what a row calls it.
        reason: Why; what is left out for one reason is counted together.
    """

    name: str
    reason: str

    @property
    def is_sound(self) -> bool:
        """Whether its name is that of a sound file."""
        return Path(self.name).suffix.lower() in EXTENSIONS


def hidden(name: str) -> str:
    """Say why a file or folder of this name is not looked at; empty where it is."""
    lower = name.lower()
    if lower.startswith((".", "~$")) or lower in FOREIGN:
        return HIDDEN
    return UNFINISHED if Path(lower).suffix in PARTIAL else ""


@dataclass(frozen=True)
class Listing:
    """The files below a folder.

    Attributes:
        root: The folder.
        files: What is looked at, sorted; a link that leads nowhere is among them.
        omitted: What is not.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    omitted: list[Omitted] = field(default_factory=list)

    @cached_property
    def sounds(self) -> list[Path]:
        """The sound files, by their names."""
        return [path for path in self.files if is_sound(path)]

    @cached_property
    def others(self) -> list[Path]:
        """The other files."""
        return [path for path in self.files if not is_sound(path)]

    def name(self, path: Path) -> str:
        """The path of a file below the folder, with `/`."""
        return inside(path, self.root)


def is_sound(path: Path) -> bool:
    """Whether a name is that of a sound file."""
    return path.suffix.lower() in EXTENSIONS


def inside(path: Path, root: Path) -> str:
    """A path below a folder, with `/`, readable; its last part where it is not below."""
    return readable(path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name)


def list_files(root: Path) -> Listing:
    """List a folder and all below it. Links are followed, but no folder is read twice.

    Args:
        root: A folder.
    """
    listing = Listing(root)
    seen: set[tuple[int, int]] = set()
    links: list[Path] = []
    _walk(root, listing, seen, links)
    while links:  # after all real folders, which keep their own paths
        _walk(links.pop(0), listing, seen, links)
    listing.files.sort()
    return listing


def _walk(folder: Path, listing: Listing, seen: set[tuple[int, int]], links: list[Path]) -> None:
    omit = listing.omitted.append
    try:
        status = folder.stat()
        if (key := (status.st_dev, status.st_ino)) in seen:
            omit(Omitted(f"{listing.name(folder)}/", AGAIN))
            return
        seen.add(key)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        omit(Omitted(f"{listing.name(folder)}/", CLOSED))
        return
    for entry in entries:
        path = folder / entry.name
        is_folder = _is_folder(entry)
        if reason := hidden(entry.name):
            omit(Omitted(listing.name(path) + ("/" if is_folder else ""), reason))
        elif is_folder and entry.is_symlink():
            links.append(path)
        elif is_folder:
            _walk(path, listing, seen, links)
        elif path.is_file() or entry.is_symlink():
            listing.files.append(path)
        else:
            omit(Omitted(listing.name(path), SPECIAL))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself


def audio_files(folder: Path) -> list[Path]:
    """All sound files below a folder, sorted; hidden ones are left out."""
    return list_files(folder).sounds


class UnreadableTextError(AlmbenchError):
    """A text cannot be read; the message says why, without its folder."""


def read_text(path: Path) -> tuple[str, bool]:
    """Read a text: UTF-8, or UTF-16 that says so, or else Latin-1, in which every byte is a letter.

    Returns:
        The text, and whether it was neither UTF-8 nor UTF-16.

    Raises:
        UnreadableTextError: The file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableTextError(f"{readable(path.name)}: {error.strerror}") from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace"), False
    try:
        return content.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return content.decode("latin-1"), True


def counted(omitted: list[Omitted]) -> Iterator[tuple[str, list[str]]]:
    """Bring together what is left out for one reason: each reason, and the names, in order."""
    groups: dict[str, list[str]] = {}
    for one in omitted:
        groups.setdefault(one.reason, []).append(one.name)
    yield from groups.items()
