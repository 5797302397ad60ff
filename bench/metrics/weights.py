"""The weights of a metric: found in a local folder, in the hub's cache, or on the hub."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

from almbench.audio import sha256
from almbench.errors import Unavailable
from almbench.hub_client import NOT_FETCHED, here_or_fetched, hub_file
from almbench.metrics.base import Family, Settings
from almbench.packages import missing_packages


class WeightSettings(Settings):
    """Where the weights of a network are.

    Attributes:
        source: A local folder, or the id of a hub repository.
        revision: Commit, tag or branch of the hub repository.
    """

    source: str
    revision: str


W = TypeVar("W", bound=WeightSettings)


class FamilyWithWeights(Family[W]):
    """A family whose network's weights the user brings, or the hub.

    Attributes:
        packages: Top-level modules that it needs.
        extra: The extra of almbench that installs them.
        files: The files of the network, that of the weights last.
        more_files: Files that are taken where they are.
    """

    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    more_files: ClassVar[tuple[str, ...]] = ()

    def missing(self) -> str | None:
        """Say which packages are missing, or that the weights are not here."""
        if lacking := self._lacking():
            return lacking
        try:
            self.find(network=False)
        except Unavailable as error:
            return str(error)
        return None

    def fetch(self) -> None:
        """Fetch the weights, if they are to come from the hub.

        Raises:
            Unavailable: They cannot be fetched.
        """
        if not self._lacking():
            self.find()

    def find(self, *, network: bool = True) -> Path:
        """Find the folder of the files.

        Raises:
            Unavailable: They are not here, and cannot or may not be fetched.
        """
        chosen = self.settings
        return find_weights(
            chosen.source, chosen.revision, self.files, self.more_files, network=network
        )

    @property
    def weights(self) -> str:
        """The weights' name for `version`."""
        return name_weights(self.settings.source, self.settings.revision, self.files[-1])

    def _lacking(self) -> str | None:
        return missing_packages(self.packages, f"'almbench[{self.extra}]'")


def find_weights(
    source: str,
    revision: str,
    names: Sequence[str],
    optional: Sequence[str] = (),
    *,
    network: bool = True,
) -> Path:
    """Find the files of a network, all of them in one folder.

    Args:
        source: A local folder, or the id of a hub repository.
        revision: Commit, tag or branch of the hub repository.
        names: Files that must be there.
        optional: Files that are taken where they are.
        network: Whether what is not here may be fetched from the hub.

    Returns:
        The folder.

    Raises:
        Unavailable: A file is in neither place, or the hub cannot be reached.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        for name in names:
            if not (folder / name).is_file():
                raise Unavailable(f"The folder {source} holds no {name}.")
        return folder
    from huggingface_hub.errors import EntryNotFoundError

    def get_all(local: bool) -> Path:
        found = [hub_file(source, name, revision, local=local) for name in names]
        for name in () if local else optional:
            try:
                hub_file(source, name, revision, local=False)
            except EntryNotFoundError:
                continue
        return found[0].parent

    def refuse(why: str) -> Unavailable:
        if why == NOT_FETCHED:
            return Unavailable(
                f"{names[-1]} of {source} is not here yet: a run fetches it, or set source = FOLDER"
            )
        return _unavailable(source, revision, names, optional, why)

    return here_or_fetched(get_all, refuse, network=network)


def not_here(source: str, revision: str, names: Sequence[str]) -> str | None:
    """Say that files are not here yet, and how to get them; fetches nothing."""
    try:
        find_weights(source, revision, names, network=False)
    except Unavailable as error:
        return str(error)
    return None


def _unavailable(
    source: str, revision: str, names: Sequence[str], optional: Sequence[str], why: str
) -> Unavailable:
    files = " ".join([] if optional else names)
    return Unavailable(
        f"'{source}' is no local folder, and {', '.join(names)} cannot be fetched from the hub at "
        f"revision '{revision}': {why}. To fix: fetch it where there is a network "
        f"(hf download {source} {files + ' ' if files else ''}--revision {revision} "
        "--local-dir FOLDER) and set source = FOLDER."
    )


@cache
def name_weights(source: str, revision: str, name: str) -> str:
    """Name weights: hub id and revision, or the hash of the file `name` of a local folder."""
    local = Path(source).expanduser() / name
    if local.is_file():
        return f"weights sha256 {sha256(local)[:12]}"
    return f"{source} at {revision[:12]}"
