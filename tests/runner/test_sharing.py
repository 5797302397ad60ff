"""Several processes on one run folder: the same tables, and nothing twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf

from almbench.results.records import OriginalRow, ReconstructionRow, Row, ScoreRow
from almbench.results.row_files import part_files, read_part
from almbench.runner.run import run_suite
from almbench.suite.load import load_suite
from tests.runner.test_run import tables

Bench = Callable[..., subprocess.CompletedProcess[str]]
BENCH = Path(sys.executable).with_name("bench")
CLIPS = 18
KILLS = int(os.environ.get("KILLS", "4"))  # `make crashes KILLS=100` for more
SUITE = """
name = "shared"
metrics.speech = ["stoi", "mel_distance", "gain_db"]
[[testset]]
name = "talk"
domain = "speech"
path = "{data}"
[[codec]]
id = "opus-6"
[[codec]]
id = "mp3-16"
[[codec]]
id = "lowpass-3.5"
"""


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Path:
    """Eighteen clips of a second, three codecs, three metrics: 35 units."""
    place = tmp_path_factory.mktemp("shared")
    data = place / "data"
    data.mkdir()
    samples, rate = sf.read(speech[-1], dtype="int16")
    for number in range(CLIPS):
        start = number * rate // 8
        sf.write(data / f"{number:02}.wav", samples[start : start + rate], rate)
    path = place / "shared.toml"
    path.write_text(SUITE.format(data=data))
    return path


@pytest.fixture(scope="session")
def whole(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite's run by one process."""
    root = tmp_path_factory.mktemp("whole") / "run"
    run_suite(load_suite(str(suite)), root, "cpu", workers=1)
    return root


def start(suite: Path, root: Path, *more: object) -> subprocess.Popen[bytes]:
    command = [str(BENCH), "run", str(suite), "-o", str(root), "--workers", "1", *map(str, more)]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def counts(root: Path) -> Counter[tuple[str, ...]]:
    """How often each row that is ok was written; one of a killed scoring process failed before."""
    kinds: tuple[type[Row], ...] = (OriginalRow, ReconstructionRow, ScoreRow)
    return Counter(
        (kind.file, *row.key)
        for kind in kinds
        for _, path in part_files(root, kind)
        for row in read_part(path, kind)
        if row.status == "ok"
    )


def check_finished(root: Path, whole: Path) -> None:
    """A run is as another, and every row of it was written once."""
    assert tables(root) == tables(whole)
    found = counts(root)
    assert len(found) == CLIPS * (1 + 3 + 3 * 3)
    assert set(found.values()) == {1}
    assert not (root / ".claims").exists()
    assert not list(root.rglob(".*.part"))


@pytest.mark.parametrize("keep", ["all", "none"])
def test_two_processes_share_a_run(
    suite: Path, whole: Path, tmp_path: Path, bench_process: Bench, keep: str
) -> None:
    root = tmp_path / "run"
    processes = [start(suite, root, "--keep-audio", keep) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    check_finished(root, whole)
    verified = bench_process("verify", root)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_run_that_asks_for_something_else_is_refused_meanwhile(
    suite: Path, tmp_path: Path, bench_process: Bench
) -> None:
    root = tmp_path / "run"
    process = start(suite, root)
    while not list((root / "rows").glob("*")):  # then it holds no lock
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)
    other = bench_process("run", suite, "-o", root, "--metric", "stoi")
    process.send_signal(signal.SIGCONT)
    assert other.returncode == 2
    assert "give the same, and both share the work" in other.stderr
    assert process.wait() == 0


def kill_at_random(suite: Path, root: Path, kills: int, *more: object, beside: int = 2) -> None:
    """Keep some commands at work on a run, and kill them and their processes, one at a time.

    Those of Ray are its actors with their children, wherever they are.
    """
    import psutil

    rng = random.Random(kills)  # noqa: S311 - a test
    processes: list[subprocess.Popen[bytes]] = []
    done = 0
    while done < kills:
        processes = [process for process in processes if process.poll() is None]
        while len(processes) < beside:
            processes.append(start(suite, root, *more))
        time.sleep(rng.uniform(0.3, 4.0) if beside > 1 else rng.uniform(1.0, 8.0))
        alive = [psutil.Process(p.pid) for p in processes if p.poll() is None]
        if "ray" in more:
            alive += [p for p in psutil.process_iter() if _is_actor(p, root)]
        victims = [*alive, *(child for p in alive for child in _children(p))]
        if victims:
            with suppress(psutil.NoSuchProcess):
                rng.choice(victims).kill()
                done += 1
    for process in processes:
        process.kill()
        process.wait()


def _is_actor(process: Any, root: Path) -> bool:
    """Whether a process is an actor of Ray at work on a run, which it shows in its own folder."""
    import psutil

    try:
        if not process.cmdline()[0].startswith("ray::_Actor"):
            return False
        workers = [json.loads(p.read_bytes()) for p in (root / ".claims").glob("worker-*")]
    except (psutil.Error, IndexError, OSError, ValueError):
        return False
    return process.pid in [worker["pid"] for worker in workers]


def _children(process: Any) -> list[Any]:
    import psutil

    try:
        children: list[Any] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return children


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["all", "none"])
def test_killed_at_random_a_run_is_finished_by_whoever_comes(
    suite: Path, whole: Path, tmp_path: Path, bench_process: Bench, keep: str
) -> None:
    root, kept = tmp_path / "run", ("--keep-audio", keep)
    kill_at_random(suite, root, KILLS, *kept)
    time.sleep(1)  # scoring processes end with the one that started them
    assert bench_process("run", suite, "-o", root, *kept).returncode == 0
    check_finished(root, whole)
