"""The Hugging Face hub's own client: one file of a repository, and why it cannot be had."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
TIMEOUT = 5.0  # seconds that the hub has to answer at all
NOT_FETCHED = "not fetched yet"


def hub_file(source: str, name: str, revision: str, *, local: bool) -> Path:
    """Find a file of a hub repository in the hub's cache, or fetch it into that.

    Args:
        source: Id of the repository.
        name: The file, as the repository names it.
        revision: Commit, branch or tag.
        local: Whether the cache is all there is to look at.

    Raises:
        Exception: It cannot be had; the errors of the hub's HTTP libraries have no common base.
            `why_not` says what each means.
    """
    from huggingface_hub import hf_hub_download

    return Path(
        hf_hub_download(
            source, name, revision=revision, local_files_only=local, etag_timeout=TIMEOUT
        )
    )


def here_or_fetched(
    get: Callable[[bool], T], refuse: Callable[[str], Exception], *, network: bool
) -> T:
    """Take files from the hub's cache, or else from the hub.

    Args:
        get: Calls `hub_file`, told whether the cache is all there is to look at.
        refuse: Makes the error to raise of a reason, which without the network is `NOT_FETCHED`.
        network: Whether what is not here may be fetched.
    """
    try:
        return get(True)
    except (OSError, ValueError) as error:
        if not network:
            raise refuse(NOT_FETCHED) from error
    if reason := hub_is_away():
        raise refuse(reason)
    try:
        return get(False)
    except Exception as error:  # the errors of the hub's HTTP libraries have no common base
        raise refuse(why_not(error)) from error


@cache
def hub_is_away() -> str | None:
    """Why the hub cannot be reached, or None; asked once in a process.

    The client itself would try each request for half a minute before it gives up.
    """
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=TIMEOUT)
    except Exception as error:  # the errors of the hub's HTTP libraries have no common base
        return why_not(error)
    return None


def why_not(error: Exception) -> str:
    """Say why a file could not be had, from what `hub_file` raised."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids the network"
    if isinstance(error, GatedRepoError):
        return "its authors ask you to accept terms on its page first, and HF_TOKEN to be set"
    if isinstance(error, RevisionNotFoundError):
        return "the hub has no such revision"
    if isinstance(error, RepositoryNotFoundError):
        return "the hub has no such repository, or none that HF_TOKEN may read"
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return "a file is missing in the repository"
    message = str(error).partition("\n")[0]
    return f"{constants.ENDPOINT} cannot be reached ({type(error).__name__}: {message})"
