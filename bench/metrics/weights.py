"""Find the weights of a metric: in a local folder, in the hub's cache, or on the hub."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from almbench.audio import sha256
from almbench.errors import Unavailable
from almbench.hub_client import hub_file, hub_is_away, why_not


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

    def get_all(*, local: bool) -> Path:
        found = [hub_file(source, name, revision, local=local) for name in names]
        for name in () if local else optional:
            try:
                hub_file(source, name, revision, local=False)
            except EntryNotFoundError:
                continue
        return found[0].parent

    try:
        return get_all(local=True)
    except (OSError, ValueError) as error:
        if not network:
            raise Unavailable(
                f"{names[-1]} of {source} is not here yet: a run fetches it, or set source = FOLDER"
            ) from error
    if reason := hub_is_away():
        raise _unavailable(source, revision, names, optional, reason)
    try:
        return get_all(local=False)
    except Exception as error:  # the errors of the hub's HTTP libraries have no common base
        raise _unavailable(source, revision, names, optional, why_not(error)) from error


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
