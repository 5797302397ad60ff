"""Weights of metrics, from a hub on this machine and from one that is away."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from almbench.errors import Unavailable
from almbench.hub_client import hub_is_away
from almbench.metrics.weights import find_weights, not_here
from tests.hub import LocalHub, local_hub

ID, COMMIT = "someone/some-metric", "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cache of the hub, and no memory of whether the hub could be reached."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    hub_is_away.cache_clear()
    yield
    hub_is_away.cache_clear()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    from huggingface_hub import constants

    with local_hub(ID, {"config.json": b"{}", "weights.pt": b"numbers"}) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            server.address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield server


def test_files_are_fetched_once_and_optional_ones_where_they_are(hub: LocalHub) -> None:
    assert "is not here yet" in str(not_here(ID, COMMIT, ["weights.pt"]))
    folder = find_weights(ID, COMMIT, ["config.json", "weights.pt"], ["more.json"])
    assert (folder / "weights.pt").read_bytes() == b"numbers"
    assert not_here(ID, COMMIT, ["weights.pt"]) is None
    asked = len(hub.asked)
    assert find_weights(ID, COMMIT, ["config.json", "weights.pt"], ["more.json"]) == folder
    assert len(hub.asked) == asked


def test_what_the_hub_has_not_is_said(hub: LocalHub) -> None:
    with pytest.raises(Unavailable, match=r"a file is missing in the repository\. To fix: fetch"):
        find_weights(ID, COMMIT, ["other.pt"])
    with pytest.raises(Unavailable, match="no such repository, or none that HF_TOKEN may read"):
        find_weights("no/body", COMMIT, ["weights.pt"])


def test_without_a_network_the_hub_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client alone would try for half a minute, for each metric."""
    from huggingface_hub import constants

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(Unavailable, match=r"cannot be reached \(Connect.*To fix: fetch it"):
            find_weights(ID, COMMIT, ["weights.pt"])
        assert time.monotonic() - start < 5
    monkeypatch.setattr(constants, "ENDPOINT", "http://another.invalid")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):  # the answer of before
        find_weights("some/other", COMMIT, ["weights.pt"])


def test_offline_mode_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE forbids the network"):
        find_weights(ID, COMMIT, ["weights.pt"])
