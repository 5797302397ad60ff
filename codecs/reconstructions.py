"""Precomputed files: a folder of reconstructions from a codec that cannot be run here."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from almbench.audio import EXTENSIONS
from almbench.codecs.base import CodecSpec
from almbench.codecs.stated import StatedOptions
from almbench.errors import CodecError, UserError
from almbench.files import audio_files
from almbench.names import safe_name


class ReconstructionsOptions(StatedOptions):
    """What is known of a codec whose output is at hand.

    Attributes:
        path: The folder of its files; sub-folders count.
        sample_rate: The rate it works at in Hz. The files may have another.
    """

    path: str = Field(min_length=1)
    sample_rate: int | None = Field(default=None, gt=0)


class Reconstructions:
    """Files of a codec, found by the clips' ids.

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
        self._by_path: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in self._files():
            inside = path.relative_to(self._folder).with_suffix("").as_posix()
            self._by_path.setdefault(safe_name(inside), []).append(path)
            self._by_stem.setdefault(safe_name(path.stem), []).append(path)

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            raise UserError(f"Codec '{self.id}': the folder {self._folder} does not exist.")
        files = audio_files(self._folder)
        if not files:
            raise UserError(
                f"Codec '{self.id}': no sound files in {self._folder} "
                f"(looked for {', '.join(sorted(EXTENSIONS))})."
            )
        return files

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
            stated_bps=options.bitrate,
            license=options.license,
        )

    def find(self, clip_id: str) -> Path:
        """Find a clip's file: by its path below the folder (`/` written `__`), else by its stem.

        Args:
            clip_id: The clip's id.

        Raises:
            CodecError: There is no such file, or more than one.
        """
        found = self._by_path.get(clip_id) or self._by_stem.get(clip_id, [])
        if not found:
            raise CodecError(f"no file for {clip_id} in {self._folder.name}")
        if len(found) > 1:
            names = " and ".join(str(path.relative_to(self._folder)) for path in found)
            raise CodecError(f"more than one file for {clip_id}: {names}")
        return found[0]
