"""Find the files of a checkpoint: in a local folder, in the hub's cache, or on the hub."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from almbench.audio import sha256
from almbench.codecs.base import Checkpoint
from almbench.errors import Unavailable
from almbench.hub_client import here_or_fetched, hub_file


@dataclass(frozen=True)
class Files:
    """The files of a checkpoint.

    Attributes:
        source: Hub id, or local folder or file, as asked for.
        revision: Commit on the hub; empty for local files.
        paths: Where each file is, by the name it was asked for. The last one holds the weights.
    """

    source: str
    revision: str
    paths: dict[str, Path]

    @property
    def weights(self) -> Path:
        """The file that holds the weights."""
        return list(self.paths.values())[-1]

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the weights came from; hashes the file the first time."""
        digest = hash_of(self.weights)
        return Checkpoint(source=self.source, revision=self.revision, sha256=digest)


def find(source: str, revision: str, names: Sequence[str], *, network: bool) -> Files:
    """Find the files of a checkpoint.

    Args:
        source: A local folder, a local file of weights with the other files beside it, or a hub id.
        revision: Commit, branch or tag of the hub repository; local files have none.
        names: The files, as the hub repository names them, the weights last. A local folder may
            hold them in the same subfolders or without.
        network: Whether what is not here may be fetched from the hub.

    Raises:
        Unavailable: A file is missing; the message says which, where it would be taken from, and
            how to get it.
    """
    place = Path(source).expanduser()
    if place.exists():
        return Files(source, "", _local(place, names))
    if find_spec("huggingface_hub") is None:
        raise _unavailable(source, revision, names, "huggingface_hub is not installed")
    if source.startswith(("/", "~", ".")):
        raise Unavailable(
            f"The checkpoint {source} does not exist. To fix: name a folder with {_list(names)}."
        )

    def get(local: bool) -> Files:
        paths = {name: hub_file(source, name, revision, local=local) for name in names}
        # The hub's cache is .../snapshots/COMMIT/NAME.
        commit = paths[names[0]].parents[len(Path(names[0]).parts) - 1].name
        return Files(source, commit, paths)

    refuse = partial(_unavailable, source, revision, names)
    return here_or_fetched(get, refuse, network=network)


def _local(place: Path, names: Sequence[str]) -> dict[str, Path]:
    folder = place.parent if place.is_file() else place
    paths = {}
    for name in names:
        inside = folder / name
        paths[name] = inside if inside.is_file() else folder / Path(name).name
    if place.is_file():
        paths[names[-1]] = place
    missing = [name for name, path in paths.items() if not path.is_file()]
    if missing:
        raise Unavailable(
            f"{_list(missing)} {'is' if len(missing) == 1 else 'are'} missing in the folder "
            f"{folder}. To fix: name a folder that holds {_list(names)}, as the checkpoint's hub "
            "repository has them."
        )
    return paths


def _unavailable(source: str, revision: str, names: Sequence[str], reason: str) -> Unavailable:
    command = f"hf download {source} {' '.join(names)} --revision {revision}"
    return Unavailable(
        f"The checkpoint '{source}' is no local folder, and {_list(names)} of that hub repository "
        f"at revision {revision} are not here: {reason}. To fix: where there is a network, run "
        f"'bench fetch CODEC', or '{command} --local-dir FOLDER' and give the folder: "
        "--checkpoint CODEC=FOLDER.",
        f"the checkpoint is not here: {reason}",
        command,
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def hash_of(path: Path) -> str:
    """SHA-256 of a file of weights, computed once per process as long as it is not changed."""
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


@cache
def _digest(path: Path, size: int, modified: int) -> str:
    del size, modified
    return sha256(path)


def read_config(path: Path) -> dict[str, Any]:
    """Read a model's configuration. Raises `Unavailable` if it is none."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Unavailable(f"{path} cannot be read: {error}. To fix: fetch it again.") from error
    if not isinstance(config, dict):
        raise Unavailable(f"{path} is no configuration of a model. To fix: fetch it again.")
    return config
