import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from almbench.audio import sha256
from almbench.codecs.checkpoints import find
from almbench.errors import Unavailable
from almbench.hub_client import hub_is_away

NAMES = ("sub/config.json", "sub/model.bin")
ID = "someone/some-codec"


@pytest.fixture(autouse=True)
def own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no memory of whether the hub could be reached."""
    from huggingface_hub import constants

    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    hub_is_away.cache_clear()
    return cache


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.mark.parametrize("names", [NAMES, ("config.json", "model.bin")])
def test_local_folder_with_or_without_the_subfolders(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    folder = put(tmp_path / "local", *names)
    found = find(str(folder), "main", NAMES, network=False)
    assert found.paths == {NAMES[0]: folder / names[0], NAMES[1]: folder / names[1]}
    assert found.revision == ""
    assert found.checkpoint.sha256 == sha256(folder / names[1])
    assert found.checkpoint.source == str(folder)


def test_a_file_of_weights_with_its_configuration_beside_it(tmp_path: Path) -> None:
    folder = put(tmp_path / "local", "config.json", "mine.bin", "model.bin")
    found = find(str(folder / "mine.bin"), "", NAMES, network=False)
    assert found.weights == folder / "mine.bin"
    assert found.paths[NAMES[0]] == folder / "config.json"


def test_weights_changed_in_place_get_another_hash(tmp_path: Path) -> None:
    folder = put(tmp_path / "local", *NAMES)
    before = find(str(folder), "", NAMES, network=False).checkpoint.sha256
    (folder / NAMES[1]).write_bytes(b"something of another length")
    after = find(str(folder), "", NAMES, network=False).checkpoint.sha256
    assert before != after == sha256(folder / NAMES[1])


def test_a_file_is_missing_in_the_folder(tmp_path: Path) -> None:
    folder = put(tmp_path / "local", NAMES[0])
    with pytest.raises(
        Unavailable,
        match=r"sub/model\.bin is missing in .*local\. To fix: name a",
    ):
        find(str(folder), "", NAMES, network=True)


def test_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        Unavailable, match=r"nothing does not exist\. To fix: name a folder with sub/"
    ):
        find(str(tmp_path / "nothing"), "", NAMES, network=True)


def test_hub_cache_is_used_without_network(own_hub_cache: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = own_hub_cache / "models--someone--some-codec" / "snapshots" / commit
    put(snapshot, *NAMES)
    put(own_hub_cache / "models--someone--some-codec", "refs/main")
    (own_hub_cache / "models--someone--some-codec/refs/main").write_text(commit)
    for revision in (commit, "main"):
        found = find(ID, revision, NAMES, network=False)
        assert found.revision == commit
        assert found.weights == snapshot / NAMES[1]
        assert found.checkpoint.sha256 == sha256(snapshot / NAMES[1])


def test_not_fetched_says_what_from_where_and_the_cure() -> None:
    with pytest.raises(Unavailable) as caught:
        find(ID, "abc123", NAMES, network=False)
    words = str(caught.value)
    assert "sub/config.json and sub/model.bin" in words
    assert (
        "hf download someone/some-codec sub/config.json sub/model.bin --revision abc123 "
        "--local-dir FOLDER" in words
    )
    assert "bench fetch CODEC" in words
    assert "--checkpoint CODEC=FOLDER" in words


def test_offline_mode_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        Unavailable, match=r"HF_HUB_OFFLINE forbids the network\. To fix: .*hf download"
    ):
        find(ID, "main", NAMES, network=True)


def test_no_network_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unavailable, match=r"cannot be reached \(Connect.*To fix: .*hf"):
            find(ID, "main", NAMES, network=True)


def test_a_name_that_is_neither_path_nor_hub_id() -> None:
    with pytest.raises(Unavailable, match=r"'a/b/c' is no local folder"):
        find("a/b/c", "main", NAMES, network=False)


class Refusing(BaseHTTPRequestHandler):
    """Answers as the hub does when it will not give a file."""

    refusal: tuple[int, str] = (404, "")

    def do_HEAD(self) -> None:
        status, code = (200, "") if self.path == "/" else self.refusal
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Refusing]]:
    from huggingface_hub import constants

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/{revision}/{filename}"
        )
        yield Refusing
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "GatedRepo", "accept terms on its page first, and HF_TOKEN"),
        (401, "RepoNotFound", "no such repository, or none that HF_TOKEN may read"),
        (404, "RevisionNotFound", "no such revision"),
        (404, "EntryNotFound", "a file is missing in the repository"),
    ],
)
def test_what_the_hub_refuses(hub: type[Refusing], status: int, code: str, words: str) -> None:
    hub.refusal = (status, code)
    with pytest.raises(Unavailable, match=f"are not here: .*{words}.*To fix: .*hf download"):
        find(ID, "main", NAMES, network=True)
