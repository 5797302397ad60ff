"""Test sets: from a suite's words to a list of clips, and what was left out of it."""

import os
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path, PurePath

from almbench.audio import EXTENSIONS
from almbench.errors import UserError
from almbench.files import AGAIN, Omitted, hidden, inside, is_sound, list_files
from almbench.names import digest, readable, safe_name
from almbench.suite.config import TestSetConfig
from almbench.suite.layouts import LAYOUTS, Contents, Found, named, recognise

COLUMNS = {"path", "id", "domain", "speaker", "text", "cluster"}  # of a manifest; others are labels


@dataclass(frozen=True)
class Clip:
    """One sound of a test set.

    Attributes:
        id: Unique in its test set, and safe as a file name.
        path: The source file.
        speaker: Speaker or source.
        text: What is said, or what is heard.
        cluster: What clips share that are not independent, such as the speaker or the recording;
            empty for a clip that is independent of all others.
        name: What its id is made from, by which precomputed files are found.
        labels: Further labels, by column, such as class -> dog.
    """

    id: str
    path: Path
    speaker: str = ""
    text: str = ""
    cluster: str = ""
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Selection:
    """The clips of a test set, and what there was besides.

    Attributes:
        clips: The clips, sorted by id.
        names: Names of all clips that there are, drawn or not.
        files: How many sound files there are, or rows of a CSV manifest.
        omitted: What was left out, and why.
        undrawn: How many clips were left out by a limit.
        others: Suffixes of files that are no sound, and how many have each.
        remarks: What else to know.
    """

    clips: list[Clip]
    names: frozenset[str] = frozenset()
    files: int = 0
    omitted: list[Omitted] = field(default_factory=list)
    undrawn: int = 0
    others: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def find_clips(config: TestSetConfig, seed: int) -> Selection:
    """List the clips of a test set.

    Args:
        config: The test set, its path filled in.
        seed: Chooses the clips where `config.limit` is set.

    Raises:
        UserError: The path does not exist, holds no sound, or a CSV manifest gives an id twice.
    """
    contents, others = _contents(config)
    if not contents.found:
        left = ", ".join(f"{count} {reason}" for reason, count in _reasons(contents).items())
        raise UserError(
            f"Test set '{config.name}': no sound files in {config.path} "
            f"(looked for {', '.join(sorted(EXTENSIONS))}{f'; left out: {left}' if left else ''})."
        )
    clips = {
        id_: Clip(
            id_,
            item.path,
            item.speaker,
            item.text,
            item.cluster or item.speaker,
            item.name,
            item.labels,
        )
        for id_, item in zip(_ids(contents.found), contents.found, strict=True)
    }
    if len(clips) < len(contents.found):
        twice = next(n for n, k in Counter(i.name for i in contents.found).items() if k > 1)
        raise UserError(f"Test set '{config.name}': {config.path} lists '{twice}' twice.")
    chosen = sorted(clips)
    if config.limit:
        chosen = draw(chosen, config.limit, seed)
    sounds = sum(one.is_sound for one in contents.omitted if not one.reason.startswith("row of"))
    return Selection(
        [clips[id_] for id_ in chosen],
        frozenset(item.name for item in contents.found),
        len(clips) + sounds,
        contents.omitted,
        len(clips) - len(chosen),
        others,
        list(dict.fromkeys(contents.remarks)),
    )


def _reasons(contents: Contents) -> Counter[str]:
    return Counter(one.reason for one in contents.omitted)


def _ids(found: list[Found]) -> list[str]:
    """Make ids of names; where two would be alike, or differ in case alone, a digest is added."""
    ids = [safe_name(item.name) for item in found]
    times = Counter(id_.casefold() for id_ in ids)
    return [
        id_ if times[id_.casefold()] == 1 else f"{id_}-{digest(f'{item.name} {item.path.name}')}"
        for id_, item in zip(ids, found, strict=True)
    ]


def draw(ids: list[str], limit: int, seed: int) -> list[str]:
    """Draw up to `limit` of some ids, sorted; the same of the same ids and seed."""
    chosen = ids if limit >= len(ids) else random.Random(seed).sample(ids, limit)  # noqa: S311
    return sorted(chosen)


def exists(config: TestSetConfig) -> bool:
    """Whether there is anything at the test set's path."""
    return bool(glob(config.path, recursive=True)) or Path(config.path).exists()


def _contents(config: TestSetConfig) -> tuple[Contents, dict[str, int]]:
    path = Path(config.path)
    if path.is_dir():
        listing = list_files(path)
        layout = recognise(listing) if config.layout == "auto" else config.layout
        contents = LAYOUTS[layout](listing)
        contents.omitted[:0] = listing.omitted
        return contents, dict(Counter(p.suffix.lower() or "none" for p in listing.others))
    if path.suffix.lower() == ".csv":
        return _manifest(path, config), {}
    if has_magic(config.path):
        return _matches(config.path), {}
    if path.exists():
        raise UserError(
            f"Test set '{config.name}': {path} is neither a folder nor a CSV manifest (*.csv)."
        )
    raise UserError(f"Test set '{config.name}': {path} does not exist.")


def _matches(pattern: str) -> Contents:
    """The sounds that a glob matches, named below its fixed part."""
    parts = PurePath(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if has_magic(part))
    root = Path(*parts[:fixed]) if fixed else Path()
    omitted: list[Omitted] = []
    taken: dict[Path, Path] = {}
    for path in sorted(map(Path, glob(pattern, recursive=True))):
        below = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
        reason = next(filter(None, map(hidden, below)), "")
        if not is_sound(path) or path.is_dir():
            continue
        if not reason and taken.setdefault(path.resolve(), path) != path:
            reason = AGAIN
        if reason:
            omitted.append(Omitted(inside(path, root), reason))
    left = {one.name for one in omitted}
    contents = named([p for p in taken.values() if inside(p, root) not in left], root)
    contents.omitted[:0] = omitted
    return contents


def _manifest(path: Path, config: TestSetConfig) -> Contents:
    """Read `path[, id, domain, speaker, text, cluster, ...]`; further columns are labels.

    Rows of another domain are left out.
    """
    contents = Contents()
    table = contents.table(path, {"path"})
    given: set[str] = set()
    places = [_place(path.parent, told) for told in table["path"]]
    for place, by_path, row in zip(places, _names(places), table.to_dict("records"), strict=True):
        if row.get("domain") not in {None, "", config.domain}:
            contents.omitted.append(Omitted(row.get("id") or row["path"], "row of another domain"))
            continue
        name = readable(row.get("id") or by_path)
        if row.get("id"):
            if safe_name(name) in given:
                raise UserError(f"{path} gives the id '{name}' twice. To fix: rename one.")
            given.add(safe_name(name))
        speaker, text, cluster = (row.get(key, "") for key in ("speaker", "text", "cluster"))
        labels = {str(k): v for k, v in row.items() if v and k not in COLUMNS}
        contents.found.append(Found(path.parent / place, name, speaker, text, cluster, labels))
    return contents


def _place(folder: Path, told: str) -> PurePath:
    r"""The path of a row; one with `\`, as of Windows, is read so on other systems, too."""
    if "\\" in told and not os.path.lexists(folder / told):
        told = told.replace("\\", "/")
    return PurePath(told)


def _stem(place: PurePath) -> PurePath:
    """A path without its suffix; one that names nothing, as of an empty cell, is there as it is."""
    return place.parent / place.stem


def _names(places: list[PurePath]) -> list[str]:
    """Names of files by their stems, or, where those are alike, by what tells their paths apart."""
    stems = Counter(place.stem for place in places)
    absolute = [place.parent for place in places if place.is_absolute()]
    shared = os.path.commonpath(absolute) if absolute else ""
    return [
        place.stem
        if stems[place.stem] == 1
        else _stem(place.relative_to(shared) if place.is_absolute() else place).as_posix()
        for place in places
    ]
