"""`bench fetch`, and how what is missing is told."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from almbench.cli.missing import Missing, print_missing
from tests.conftest import Bench

OFFLINE = "the checkpoint is not here: HF_HUB_OFFLINE forbids the network"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


def test_a_codec_that_needs_nothing_is_here(
    bench_process: Bench, offline: None, tmp_path: Path
) -> None:
    done = bench_process("fetch", "opus-6", "almtokenizer")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("opus-6: here\nalmtokenizer: here (")
    assert f"The hub's cache: {tmp_path / 'hub'}" in done.stdout


def test_what_is_missing_is_told_once_and_can_be_copied(
    bench_process: Bench, offline: None
) -> None:
    done = bench_process("fetch", "alm-baselines")
    assert done.returncode == 1
    assert f"Unavailable 6 codecs: {OFFLINE}: dac-1.5, encodec-1.5," in done.stdout
    lines = done.stdout.splitlines()
    assert sum(line.startswith("hf download kyutai/mimi config.json") for line in lines) == 1
    assert "bench codec install stablecodec" in lines
    assert any(line.startswith("bench fetch dac-1.5 encodec-1.5") for line in lines)


def test_files_of_ones_own_are_not_looked_for(
    bench_process: Bench, offline: None, tmp_path: Path
) -> None:
    (tmp_path / "s.toml").write_text(
        """
        name = "mine"
        [[testset]]
        name = "t"
        domain = "speech"
        [[codec]]
        id = "ours"
        adapter = "reconstructions"
        options = { path = "wavs" }
        [[codec]]
        id = "mimi-1.1"
        options = { checkpoint = "{models}/mimi" }
        [[codec]]
        id = "opus-6"
        """
    )
    done = bench_process("fetch", tmp_path / "s.toml")
    assert done.returncode == 0, done.stderr
    assert "ours: not looked for: its files are yours\n" in done.stdout
    assert "mimi-1.1: not looked for: its files are yours (--data models=PATH)" in done.stdout
    assert "opus-6: here" in done.stdout


def test_a_name_that_is_neither(bench_process: Bench) -> None:
    done = bench_process("fetch", "mimi")
    assert done.returncode != 2  # an adapter with defaults, or a preset: both can be fetched
    done = bench_process("fetch", "alm")
    assert done.returncode == 2
    assert "There is no suite or codec 'alm'. Did you mean alm-baselines, alm-demo" in done.stderr


def test_codecs_that_cannot_be_used_are_neither_counted_nor_tabled(
    bench_process: Bench, offline: None, small: Path, tmp_path: Path
) -> None:
    done = bench_process(
        "run", small, "--codec", "mimi-1.1", "--codec", "mimi-0.41", "-o", tmp_path / "r"
    )
    assert done.returncode == 1
    assert "Reconstructing: 0/0 clips" in done.stderr
    assert "means over" not in done.stdout
    assert f"Unavailable 2 codecs: {OFFLINE}: mimi-1.1, mimi-0.41" in done.stdout
    assert done.stdout.count("kyutai/mimi") == 1


def test_without_a_command_the_whole_reason_is_told() -> None:
    console = Console(file=StringIO(), width=60)
    reason = "Lyra's models are not part of almbench. To fix: give a folder."
    print_missing(console, [Missing("lyra-6", reason, reason), Missing("lyra-9.2", reason, reason)])
    text = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    assert text == f"Unavailable 2 codecs: {reason[:-1]}: lyra-6, lyra-9.2"


def test_commands_are_never_broken() -> None:
    console = Console(file=StringIO(), width=40)
    command = "hf download " + "x" * 80
    print_missing(
        console, [Missing("a", "r", "c", command), Missing("b", "r", "c", "pip install x")]
    )
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert command in lines
    assert "bench fetch a" in lines
    assert "pip install x" in lines
