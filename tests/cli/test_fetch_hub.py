"""`bench fetch` against a hub on this machine, by the hub's own client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bench
from tests.hub import LocalHub, local_hub

pytest.importorskip("huggingface_hub")
transformers = pytest.importorskip("transformers")

REPOSITORY = "kyutai/mimi"
COMMIT = "89091b3e466eb6a9d11e537bf26b144f194978f7"  # the one that almbench asks for
WEIGHTS = bytes(range(256)) * 4_000  # fetched, not loaded


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalHub]:
    config = json.dumps(transformers.MimiConfig().to_dict()).encode()
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with local_hub(REPOSITORY, {"config.json": config, "model.safetensors": WEIGHTS}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


def weights(tmp_path: Path) -> Path:
    snapshot = tmp_path / "hub/hub/models--kyutai--mimi/snapshots" / COMMIT
    return snapshot / "model.safetensors"


def of_repository(hub: LocalHub) -> int:
    return sum(path.startswith(f"/{REPOSITORY}/") for _, path, _ in hub.asked)


def test_a_checkpoint_is_fetched_once(hub: LocalHub, bench_process: Bench, tmp_path: Path) -> None:
    done = bench_process("fetch", "mimi-1.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"mimi-1.1: fetched ({REPOSITORY} at {COMMIT[:12]})" in done.stdout
    assert weights(tmp_path).read_bytes() == WEIGHTS
    asked = of_repository(hub)
    done = bench_process("fetch", "mimi-1.1")
    assert f"mimi-1.1: here ({REPOSITORY} at {COMMIT[:12]})" in done.stdout
    assert of_repository(hub) == asked  # what is here is not asked for again


def test_a_broken_download_goes_on_where_it_broke(
    hub: LocalHub, bench_process: Bench, tmp_path: Path
) -> None:
    hub.files["model.safetensors"] = large = WEIGHTS * 25  # the client keeps pieces of 10 MB
    hub.breaks = [15_000_000]
    done = bench_process("fetch", "mimi-1.1")
    if done.returncode:
        done = bench_process("fetch", "mimi-1.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert weights(tmp_path).read_bytes() == large
    ranges = [asked for _, path, asked in hub.asked if path.endswith("safetensors")]
    assert any(asked.startswith("bytes=1") for asked in ranges)


def test_a_download_that_always_breaks_is_told_and_leaves_no_half_file(
    hub: LocalHub, bench_process: Bench, tmp_path: Path
) -> None:
    hub.breaks = [1000] * 100
    done = bench_process("fetch", "mimi-1.1")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "Unavailable 1 codec: the checkpoint is not here: " in done.stdout
    assert not weights(tmp_path).exists()
    hub.breaks = []
    done = bench_process("fetch", "mimi-1.1")
    assert done.returncode == 0, done.stdout
    assert weights(tmp_path).read_bytes() == WEIGHTS


def test_a_token_that_is_wrong_or_right(
    hub: LocalHub, bench_process: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_right"  # noqa: S105
    told = "the hub has no such repository, or none that HF_TOKEN may read: mimi-1.1"
    for token in ("", "hf_wrong"):
        monkeypatch.setenv("HF_TOKEN", token)
        done = bench_process("fetch", "mimi-1.1")
        assert done.returncode == 1
        assert told in done.stdout
        assert "hf_wrong" not in done.stdout + done.stderr
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert bench_process("fetch", "mimi-1.1").returncode == 0


def test_without_a_network_what_was_fetched_is_here_and_the_rest_is_told(
    hub: LocalHub, bench_process: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench_process("fetch", "mimi-1.1").returncode == 0
    asked = of_repository(hub)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = bench_process("fetch", "mimi-1.1", "encodec-1.5")
    assert done.returncode == 1
    assert "mimi-1.1: here" in done.stdout
    assert "the checkpoint is not here: HF_HUB_OFFLINE forbids the network: encodec" in done.stdout
    assert of_repository(hub) == asked


def test_a_file_that_the_repository_lacks(hub: LocalHub, bench_process: Bench) -> None:
    del hub.files["model.safetensors"]
    done = bench_process("fetch", "mimi-1.1")
    assert done.returncode == 1
    assert "the checkpoint is not here: a file is missing in the repository" in done.stdout


def test_a_hub_that_is_away(
    hub: LocalHub, bench_process: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = bench_process("fetch", "mimi-1.1", "encodec-1.5")
    assert done.returncode == 1
    assert "Unavailable 2 codecs: the checkpoint is not here: http://127.0.0.1:9 can" in done.stdout
