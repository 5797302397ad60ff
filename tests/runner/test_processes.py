"""Processes that score: how they begin, and what is said where none can."""

import errno
import subprocess
import sys
import textwrap
from multiprocessing import get_start_method, spawn, synchronize
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.runner.processes import finished, scoring_processes
from tests.conftest import Bench

TOLD = "No scoring process can be started here"


@pytest.fixture
def dying(tmp_path: Path) -> Path:
    """An interpreter whose processes end before they begin, but for Python's own helper."""
    program = tmp_path / "dying"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *resource_tracker*) exec {sys.executable} "$@";; esac\nexit 1\n'
    )
    program.chmod(0o755)
    return program


def test_processes_that_do_not_start_are_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, dying: Path
) -> None:
    monkeypatch.setattr(spawn, "_python_exe", str(dying).encode())

    def ask() -> None:
        with scoring_processes(2) as pool:
            while True:
                finished(pool, [pool.schedule(abs, [-1])])

    with pytest.raises(UserError, match=f"{TOLD}: .*--workers 1"):
        ask()


def test_semaphores_that_cannot_be_made_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(synchronize.SemLock, "__init__", full)
    told = rf"{TOLD} \(\[Errno 28\] No space left on device\): "
    with pytest.raises(UserError, match=told), scoring_processes(1):
        pass


def test_other_errors_of_the_one_that_asks_stay_what_they_are() -> None:
    def ask() -> None:
        with scoring_processes(1) as pool:
            assert pool.schedule(abs, [-1]).result(timeout=60) == 1
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        ask()


def test_a_run_whose_processes_do_not_start_keeps_what_is_done(
    bench_process: Bench, small: Path, dying: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    program = f"""
    import sys
    from multiprocessing import spawn
    spawn._python_exe = {str(dying).encode()!r}
    from almbench.cli.main import main
    sys.argv = ["bench", "run", {str(small)!r}, "-o", {str(run)!r}, "--codec", "lowpass-3.5"]
    main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"Error: {TOLD}" in done.stderr
    again = bench_process("run", small, "-o", run, "--codec", "lowpass-3.5")
    assert again.returncode == 0, again.stderr
    assert "2 done before" in again.stderr + again.stdout


def test_a_script_without_a_guard_is_not_run_again_by_each_process(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        textwrap.dedent("""
        import numpy as np, almbench
        print("begin")
        clips = {"a": np.random.default_rng(0).normal(0, 0.1, 32_000)}
        results = almbench.evaluate({"half": lambda s, r: s / 2}, clips, sample_rate=16_000,
                                    domain="sound", metrics=["gain_db"], workers=2)
        print(round(results.summary()["mean"].dropna().iloc[-1], 2))
        """)
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begin") == 1
    assert done.stdout.split()[-1] == "-6.02"


def test_the_default_way_of_starting_processes_is_left_alone() -> None:
    before = get_start_method(allow_none=True)
    with scoring_processes(1) as pool:
        pool.schedule(abs, [-1]).result(timeout=60)
    assert get_start_method(allow_none=True) == before
