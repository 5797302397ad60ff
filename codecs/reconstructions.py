"""Precomputed files: a folder of reconstructions from a codec that cannot be run here."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator

from almbench.audio import EXTENSIONS
from almbench.codecs.base import CodecSpec
from almbench.codecs.codes_file import SUFFIX, list_codes, read_facts
from almbench.codecs.stated import StatedOptions
from almbench.errors import CodecError, UserError
from almbench.files import list_files
from almbench.names import readable, safe_name

CLIP = "{clip}"


class ReconstructionsOptions(StatedOptions):
    """What is known of a codec whose output is at hand.

    Attributes:
        path: The folder of its files; sub-folders count.
        sample_rate: The rate it works at in Hz. The files may have another.
        match: How the files are named after the clips, without extension, such as `{clip}_recon`
            or `{clip}/decoded`.
        cut_longer: Whether files much longer than their originals are cut, as where the originals
            are excerpts of what the codec was given. Else such clips fail.
        codes: The folder of its files of codes, named after the clips; sub-folders count. Without
            it, codes lie beside the sounds, as NAME.npz.
    """

    path: str = Field(min_length=1)
    sample_rate: int | None = Field(default=None, gt=0)
    match: str = CLIP
    cut_longer: bool = False
    codes: str | None = Field(default=None, min_length=1)

    @field_validator("match")
    @classmethod
    def _names_the_clip(cls, match: str) -> str:
        if match.count(CLIP) != 1:
            raise ValueError(f"'{match}' must have {CLIP} once, such as {CLIP}_recon")
        return match


class Reconstructions:
    """Files of a codec, found by the clips' names, and the codes beside them, if any.

    What the files hold is no part of `spec`: whoever keeps results must hash the files themselves.
    """

    options_type: ClassVar[type[ReconstructionsOptions]] = ReconstructionsOptions

    def __init__(self, id_: str, label: str, options: ReconstructionsOptions) -> None:
        """List the folder once.

        Raises:
            UserError: The folder does not exist, or holds no sound.
        """
        self.id = id_
        self.label = label
        self.options = options
        self._folder = Path(options.path).expanduser()
        self._files = self._list()
        self._codes = self._list_codes(options.codes) if options.codes else None
        # Tried in this order: by path below the folder or by stem, as they are, or as ids.
        self._keys: tuple[dict[str, list[Path]], ...] = ({}, {}, {}, {})
        pattern = _pattern(options.match)
        for path in self._files:
            inside = readable(path.relative_to(self._folder).with_suffix("").as_posix())
            if not (matched := pattern.fullmatch(inside)):
                continue
            stem = matched["clip"]
            name = (matched["above"] or "") + stem
            for keys, key in zip(
                self._keys, (name, stem, safe_name(name), safe_name(stem)), strict=True
            ):
                keys.setdefault(key, []).append(path)

    def _list(self) -> list[Path]:
        if not self._folder.is_dir():
            raise UserError(f"Codec '{self.id}': the folder {self._folder} does not exist.")
        files = list_files(self._folder).sounds
        if not files:
            raise UserError(
                f"Codec '{self.id}': no sound files in {self._folder} "
                f"(looked for {', '.join(sorted(EXTENSIONS))})."
            )
        return files

    def _list_codes(self, folder: str) -> dict[str, Path]:
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise UserError(f"Codec '{self.id}': the folder {path} of codes does not exist.")
        return list_codes(path)

    def fetch(self, *, network: bool = True) -> None:
        """Nothing is needed."""

    @property
    def spec(self) -> CodecSpec:
        """Facts of the codec, as the options give them."""
        options = self.options
        return CodecSpec(
            id=self.id,
            label=self.label,
            family=options.family or self.id,
            sample_rate=options.sample_rate,
            frame_rate=options.frame_rate,
            codebook_sizes=options.codebook_sizes,
            codebook_strides=options.codebook_strides,
            stated_bps=options.bitrate,
            license=options.license,
        )

    def find(self, clip: str) -> Path:
        """Find a clip's file: by its path below the folder, else by its stem.

        Args:
            clip: The clip's name, or its id (in which `/` is written `__`).

        Raises:
            CodecError: There is no such file, or more than one.
        """
        found = self._found(clip)
        if not found:
            where = readable(self._folder.name)
            raise CodecError(f"no file for {clip} in {where}{self._near(clip)}")
        if len(found) > 1:
            names = " and ".join(self._name(path) for path in found)
            raise CodecError(f"more than one file for {clip}: {names}")
        return found[0]

    def _found(self, clip: str) -> list[Path]:
        clip = readable(clip)
        plain, as_ids = self._keys[:2], self._keys[2:]
        tries = [*((keys, clip) for keys in plain), *((keys, safe_name(clip)) for keys in as_ids)]
        return next((keys[key] for keys, key in tries if key in keys), [])

    @property
    def with_codes(self) -> bool:
        """Whether there are codes of known codebooks."""
        if self._codes is None:
            there = any(path.with_suffix(SUFFIX).is_file() for path in self._files)
        else:
            there = bool(self._codes)
        return there and bool(self.options.codebook_sizes)

    def codes(self, clip: str) -> Path | None:
        """The file of a clip's codes, in their folder or beside its sound; None for none.

        Raises:
            CodecError: As of `find`.
        """
        if self._codes is not None:
            names = safe_name(readable(clip)), safe_name(readable(Path(clip).name))
            return next((self._codes[name] for name in names if name in self._codes), None)
        path = self.find(clip).with_suffix(SUFFIX)
        return path if path.is_file() else None

    def surplus(self, clips: Collection[str]) -> list[str]:
        """Names of the files that belong to no clip.

        Args:
            clips: Names of all clips.
        """
        used = {path for clip in clips for path in self._found(clip)}
        return [self._name(path) for path in self._files if path not in used]

    def _name(self, path: Path) -> str:
        return readable(path.relative_to(self._folder).as_posix())

    def _near(self, clip: str) -> str:
        """Name files that may have been meant, and how to say so."""
        stem = Path(clip).name
        stems = {readable(path.stem): path for path in self._files}
        longer = [name for name in stems if stem in name]
        if near := longer[:1] or get_close_matches(stem, stems, n=1, cutoff=0.75):
            hint = f"; near: {self._name(stems[near[0]])}"
            if longer and self.options.match == CLIP:
                hint += f" (if that is it: --match '{near[0].replace(stem, CLIP, 1)}')"
            return hint
        return ""


def facts_of_codes(folder: Path) -> dict[str, Any]:
    """Options that the first file of codes in a folder tells: the codebooks and `frame_rate`.

    Empty where there are no codes, or they do not say both.
    """
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        try:
            facts = read_facts(path)
        except CodecError:
            continue
        if facts.codebook_sizes and facts.frame_rate:
            told = {"codebook_sizes", "codebook_strides", "frame_rate"}
            return {name: value for name, value in facts.model_dump(include=told).items() if value}
    return {}


def _pattern(match: str) -> re.Pattern[str]:
    """What the paths of files look like: `above` is what comes before the clip's own folder."""
    before, _, after = match.partition(CLIP)
    before, after = map(re.escape, (before, after))
    return re.compile(rf"(?P<above>(?:.*/)?){before}(?P<clip>[^/]+){after}", re.DOTALL)
