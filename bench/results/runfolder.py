"""Where things lie in a run folder."""

from dataclasses import dataclass
from pathlib import Path

from almbench.errors import UserError
from almbench.names import ORIGINAL

SAMPLED = ".sampled.flac"  # how files of sounds end that no codec coded, but a model made up


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run folder."""

    root: Path

    @property
    def suite(self) -> Path:
        """The suite as resolved."""
        return self.root / "suite.toml"

    @property
    def manifest(self) -> Path:
        """What the run was made with and from."""
        return self.root / "manifest.json"

    @property
    def calls(self) -> Path:
        """When the run was called, and how long each call took."""
        return self.root / "calls"

    @property
    def checksums(self) -> Path:
        """SHA-256 of the files that the rows do not vouch for."""
        return self.root / "checksums.json"

    @property
    def attachments(self) -> Path:
        """Logo and extra pages of the suite."""
        return self.root / "pages"

    def check(self, path: Path) -> None:
        """Refuse a file of the run that is a link to elsewhere: what it leads to is nobody's.

        Raises:
            UserError: It leads outside of the folder.
        """
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise UserError(
                f"{path} leads outside of its run folder and is not read. To fix: put the file "
                "itself there."
            )

    def audio(self, testset: str, codec: str, clip: str) -> Path:
        """The FLAC of a clip through a codec."""
        return self.root / "reconstructions" / testset / codec / f"{clip}.flac"

    def original(self, testset: str, clip: str) -> Path:
        """The FLAC of a clip as it went in."""
        return self.audio(testset, ORIGINAL, clip)

    def codes(self, testset: str, codec: str, clip: str) -> Path:
        """The codes of a clip."""
        return self.root / "codes" / testset / codec / f"{clip}.npz"

    def continuations(self, testset: str, codec: str) -> Path:
        """The folder of what a language model made of the beginnings of clips, to be heard."""
        return self.root / "continuations" / testset / codec

    def table(self, name: str) -> Path:
        """A table: clips, metrics or summary."""
        return self.root / f"{name}.csv"
