"""Scoring processes start warm, with one thread, and leave the caller's program as it was."""

import os
import signal
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from almbench.metrics.registry import metric_names
from almbench.runner.processes import scoring_processes
from almbench.runner.warm import WarmServer
from almbench.runner.worker import ONE_THREAD, SCORED
from almbench.suite.config import CodecConfig, Suite, TestSetConfig

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes start cold here")
SERVER: Any = forkserver._forkserver


@ON_LINUX
@pytest.mark.parametrize(
    ("scored", "imported"),
    [
        ("", "pesq pystoi visqol webrtcvad"),
        (" ".join(metric_names()), "pesq pystoi visqol webrtcvad"),
        ("sound", "visqol"),
        ("pesq_wb nonsense", "pesq"),
        ("estoi", "pystoi"),
        ("gain_db", ""),
    ],
)
def test_what_is_imported_ahead_starts_no_thread_and_no_pytorch(scored: str, imported: str) -> None:
    """Of each metric alone what it needs; nothing said stands for the default ones."""
    program = (
        "import os, sys, almbench.runner.preload;"
        "known = {'pesq', 'pystoi', 'visqol', 'webrtcvad', 'torch'};"
        "print(len(os.listdir('/proc/self/task')), *sorted(known.intersection(sys.modules)))"
    )
    free = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=free | {SCORED: scored},
    )
    assert done.stdout.split() == ["1", *imported.split()]


def test_a_suite_says_what_it_scores() -> None:
    testset = TestSetConfig(name="a", domain="speech")
    codec = CodecConfig(id="opus-6")
    default = Suite(name="s", testset=[testset], codec=[codec])
    assert default.scored == {"speech"}
    own = testset.model_copy(update={"name": "b", "metrics": ["lag_ms"]})
    music = TestSetConfig(name="c", domain="music")
    named = Suite(
        name="s", testset=[testset, own, music], codec=[codec], metrics={"speech": ["stoi"]}
    )
    assert named.scored == {"stoi", "lag_ms", "music"}


def test_a_process_is_warm_and_has_the_callers_environment_and_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with WarmServer(["pesq_wb", "\0"]) as server:
        monkeypatch.setenv("SET_LATER", "yes")
        monkeypatch.setenv("OMP_NUM_THREADS", "7")
        with scoring_processes(1, server.context()) as pool:

            def ask(name: str) -> Any:
                return pool.schedule(os.getenv, args=[name]).result()

            assert (ask("SET_LATER"), ask("OMP_NUM_THREADS")) == ("yes", "1")
            loaded = [
                pool.schedule(eval, args=[f"'{name}' in __import__('sys').modules"]).result()
                for name in ("pesq", "pystoi")
            ]
    assert loaded == [sys.platform == "linux", False]
    assert SCORED not in os.environ
    assert SERVER._forkserver_pid is None
    assert os.environ["OMP_NUM_THREADS"] == "7"


@ON_LINUX
def test_a_server_that_is_not_needed_imports_no_more() -> None:
    program = (
        "import resource; from almbench.runner.warm import WarmServer\n"
        "WarmServer().stop()\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime)"
    )
    stopped, whole = (
        float(subprocess.check_output([sys.executable, "-c", code]))
        for code in (
            program,
            program.replace("WarmServer()", "server = WarmServer(); server.context(); server"),
        )
    )
    assert stopped < whole / 2


@ON_LINUX
def test_a_server_that_the_program_runs_already_is_left_alone() -> None:
    forkserver.ensure_running()
    try:
        theirs = SERVER._forkserver_pid
        with WarmServer() as server:
            assert server.context().get_start_method() == "spawn"
        assert SERVER._forkserver_pid == theirs
    finally:
        SERVER._stop()
    before = SERVER._preload_modules
    with WarmServer():
        pass
    assert SERVER._preload_modules == before


@ON_LINUX
def test_where_the_server_has_ended_processes_start_nevertheless() -> None:
    with WarmServer() as server:
        os.kill(SERVER._forkserver_pid, signal.SIGKILL)
        with scoring_processes(1, server.context()) as pool:
            assert pool.schedule(abs, args=[-1]).result() == 1


@ON_LINUX
def test_where_no_server_can_listen_processes_start_cold(tmp_path: Path) -> None:
    """The path of a socket is at most 107 bytes long."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    program = (
        "from almbench.runner.warm import WarmServer\n"
        "with WarmServer() as server:\n"
        "    print(server.context().get_start_method())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert done.stdout.strip() == "spawn"


@ON_LINUX
def test_a_command_that_refuses_its_input_leaves_no_server() -> None:
    program = (
        "from multiprocessing import forkserver\n"
        "from almbench.cli.main import app\n"
        "from almbench.errors import UserError\n"
        "try:\n"
        "    app(['score', '/nowhere', '/nowhere'], standalone_mode=False)\n"
        "except UserError as error:\n"
        "    print(error, forkserver._forkserver._forkserver_pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "nowhere" in done.stdout
    assert done.stdout.split()[-1] == "None"


@ON_LINUX
def test_a_process_that_starts_as_its_parent_ends_leaves_no_traceback() -> None:
    program = """
import sys
from _multiprocessing import sem_unlink
from almbench.runner.warm import WarmServer
with WarmServer() as server:
    context = server.context()
    semaphore = context.Semaphore()
    if sys.argv[1] == "gone":  # as at the end of the program
        sem_unlink(semaphore._semlock.name)
    process = context.Process(target=print if sys.argv[1] == "gone" else int, args=(semaphore,))
    process.start()
    process.join()
    print(process.exitcode)
"""
    for how, said in (("gone", False), ("here", True)):
        done = subprocess.run(
            [sys.executable, "-c", program, how], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "1"
        assert ("TypeError: int()" in done.stderr) == said
        assert "_serve_one" not in done.stderr  # of which a process dies that cannot begin
