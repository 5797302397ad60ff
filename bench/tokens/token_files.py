"""Token files of a codec that is not here, and tables of labels, as a user brings them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from almbench.audio import Sound, read, sha256
from almbench.codecs.codes_file import SUFFIX, list_codes, read_codes, read_facts
from almbench.errors import CodecError, UserError, unknown
from almbench.names import ascii_name, readable, safe_name, some
from almbench.results.failures import Fault
from almbench.results.records import signature
from almbench.statistics.tokens import Codes
from almbench.suite.layouts import Contents
from almbench.tokens.measure import NO_CODEC, ClipSet, LabelledClip, TokenSet
from almbench.tokens.sources import TokenSource

FORM = "[NAME=]FOLDER"
RESERVED = {"id", "clip", "path", "cluster", "domain"}  # columns that are no labels


@dataclass(frozen=True)
class TokenFolder:
    """A folder of token files: `.npz` with the array `codes`, integers `[K, T]`, one per clip.

    Attributes:
        name: Id and label of the codec.
        folder: The folder.
        files: Id of a clip -> its file, by stem, or by path below the folder where stems repeat.
    """

    name: str
    folder: Path
    files: Mapping[str, Path]

    @classmethod
    def parse(cls, text: str) -> "TokenFolder":
        """Read `[NAME=]FOLDER`.

        Raises:
            UserError: There is no such folder, or no token file in it.
        """
        name, _, path = text.rpartition("=") if _has_name(text) else ("", "", text)
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise UserError(f"--codes {text}: {path} is not a folder. Allowed: {FORM}.")
        files = list_codes(folder)
        if not files:
            raise UserError(f"--codes {text}: there are no token files (*{SUFFIX}) in {path}.")
        return cls(ascii_name(name or readable(folder.resolve().name)), folder, files)

    def check(self, ids: Collection[str]) -> None:
        """Refuse files of none of a run's clips.

        Raises:
            UserError: They are of none.
        """
        if not set(self.files) & set(ids):
            file, clip = f"{next(iter(self.files))}{SUFFIX}", next(iter(ids), "none")
            raise UserError(
                f"--codes {self.name}={self.folder}: no file is named after a clip of the run: "
                f"there is '{file}', and the clip '{clip}'."
            )

    def source(self, clips: ClipSet) -> TokenSource:
        """The codes of the clips of a test set that there are files of."""
        there = {clip.id: self.files[clip.id] for clip in clips.clips if clip.id in self.files}
        return TokenSource(
            clips, self.name, self.name, True, partial(_read_set, clips, self.name, there)
        )


def named_after(codecs: Sequence[str], texts: Sequence[str]) -> list[TokenFolder]:
    """Read `[NAME=]FOLDER` of codecs that are known; one without a name is that of the only codec.

    Args:
        codecs: Ids of the codecs.
        texts: What was given.

    Raises:
        UserError: A codec is not among them, or a folder is wrong.
    """
    folders = [TokenFolder.parse(text) for text in texts]
    if len(codecs) == len(folders) == 1 and not _has_name(texts[0]):
        folders = [replace(folders[0], name=codecs[0])]
    for folder in folders:
        if folder.name not in codecs:
            raise UserError(unknown("folder", folder.name, codecs, "of reconstructions"))
    return folders


def _has_name(text: str) -> bool:
    return "=" in text and not Path(text).expanduser().is_dir()


def _read_set(clips: ClipSet, name: str, files: Mapping[str, Path]) -> tuple[TokenSet, list[Fault]]:
    held: dict[str, Codes] = {}
    faults = []
    stated: dict[tuple[tuple[int, ...], float | None], str] = {}
    for id_, path in files.items():
        try:
            facts = read_facts(path)
            sizes = facts.codebook_sizes
            held[id_] = read_codes(path, sizes)
        except CodecError as error:
            faults.append(Fault(clips.testset, id_, name, str(error)))
            continue
        stated.setdefault((sizes, facts.frame_rate), id_)
    if len(stated) > 1:
        told = [
            f"{id_} has codebook_sizes {list(of) or 'none'}, frame_rate {rate or 'none'}"
            for (of, rate), id_ in stated.items()
        ]
        raise UserError(
            f"The token files of {name} name different codebooks or frame rates: {some(told)}."
        )
    sizes, rate = next(iter(stated), ((), None))
    books = {len(codes) for codes in held.values()}
    if len(books) > 1 or (sizes and books and books != {len(sizes)}):
        raise UserError(
            f"The codes of {name} are of {some([*map(str, sorted(books))])} codebooks"
            f"{f', and name {len(sizes)}' if sizes else ''}; all clips must have the same number, "
            f"as integers of shape [K, T]{_turned(held)}."
        )
    seen = [
        max((int(c[k].max()) for c in held.values() if c.size), default=0) + 1
        for k in range(max(books, default=0))
    ]
    clipset = clips.only(held)
    tokens = TokenSet(
        clipset=clipset,
        codec=name,
        codes=tuple(held[clip.id] for clip in clipset.clips),
        sizes=sizes or tuple(seen),
        frame_rate=None if rate is None else float(rate),
        no_codec=NO_CODEC,
    )
    return tokens, faults


def _turned(held: Mapping[str, Codes]) -> str:
    """A hint where the codes of all clips seem to be `[T, K]`; empty where they do not."""
    shapes = [codes.shape for codes in held.values()]
    alike = len({frames for _, frames in shapes}) == 1
    return f" ({list(shapes[0])} looks like [T, K]: transpose it to [K, T])" if alike else ""


@dataclass(frozen=True)
class Labels:
    """A table of labels.

    Attributes:
        path: The file.
        rows: Id of a clip -> column -> label, the column `cluster` included.
        sounds: Id of a clip -> its sound file, where the table has a column `path`.
    """

    path: Path
    rows: Mapping[str, Mapping[str, str]]
    sounds: Mapping[str, Path]

    @classmethod
    def read(cls, path: Path) -> "Labels":
        """Read a CSV with a column `id` (or `path`) and further columns of labels.

        The column `cluster` names what clips share that are not independent; by default it is the
        `speaker`. The column `path` names sounds, from the folder of the table.

        Raises:
            UserError: It cannot be read, has no such column, or names a clip twice.
        """
        if path.is_dir():
            raise UserError(f"{path} is a folder; labels are in a CSV file.")
        return cls.of(Contents().table(path, set()), path)

    @classmethod
    def of(cls, table: pd.DataFrame, path: Path) -> "Labels":
        """Take a table of text, as `read` finds it in a file, for that of a path.

        Raises:
            UserError: It has no column of ids, or names a clip twice.
        """
        key = next((name for name in ("id", "clip", "path") if name in table), None)
        if key is None:
            columns = ", ".join(map(str, table.columns))
            commas = " Columns are separated by commas." if ";" in columns else ""
            raise UserError(f"{path} has no column 'id' or 'path'; it has: {columns}.{commas}")
        rows: dict[str, Mapping[str, str]] = {}
        sounds: dict[str, Path] = {}
        for row in table.to_dict("records"):
            name = Path(row[key]).stem if key == "path" else row[key]
            id_ = safe_name(readable(name))
            if id_ in rows:
                raise UserError(f"{path} names the clip '{name}' twice. To fix: remove one.")
            if row.get("path"):
                sounds[id_] = path.parent / row["path"]
            rows[id_] = {str(k): v for k, v in row.items() if v and k not in RESERVED - {"cluster"}}
        return cls(path, rows, sounds)

    def clip(self, id_: str) -> LabelledClip:
        """A clip by its row."""
        row = self.rows.get(id_, {})
        cluster = row.get("cluster", row.get("speaker", ""))
        return LabelledClip(id_, cluster, {k: v for k, v in row.items() if k != "cluster"})

    def added_to(self, clips: ClipSet) -> ClipSet:
        """Clips of a run with these labels added to theirs."""
        return replace(clips, clips=tuple(self._added(clip) for clip in clips.clips))

    def _added(self, clip: LabelledClip) -> LabelledClip:
        ours = self.clip(clip.id)
        labels = {**clip.labels, **ours.labels}
        return replace(clip, labels=labels, cluster=ours.cluster or clip.cluster)

    def check(self, ids: Collection[str], what: str) -> None:
        """Refuse a table that names none of some clips.

        Raises:
            UserError: It names none.
        """
        if not set(self.rows) & set(ids):
            named, other = next(iter(self.rows), "nothing"), next(iter(ids), "none")
            raise UserError(
                f"{self.path} names no clip of {what}: it has '{named}', there is '{other}'."
            )


def clips_of_files(folders: Collection[TokenFolder], labels: Labels, testset: str) -> ClipSet:
    """The clips that token files are of, where there is no run: all that any folder has.

    Their sound is read where the labels name the file of each.

    Raises:
        UserError: The labels name none of them.
    """
    ids = sorted({id_ for folder in folders for id_ in folder.files})
    labels.check(ids, "--codes")
    clips = tuple(labels.clip(id_) for id_ in ids)
    if any(id_ not in labels.sounds or not labels.sounds[id_].is_file() for id_ in ids):
        return ClipSet(testset, clips)
    hashes = [sha256(labels.sounds[id_]) for id_ in ids]
    return ClipSet(testset, clips, partial(_read_sound, labels.sounds), signature(hashes))


def _read_sound(sounds: Mapping[str, Path], id_: str) -> Sound:
    return read(sounds[id_])
