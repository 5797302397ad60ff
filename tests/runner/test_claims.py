"""Claims: one worker a unit, and those of the dead are free."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from almbench.runner import claims as module
from almbench.runner.claims import Claims

HOLDER = """
import sys, time
from pathlib import Path
from almbench.runner.claims import Claims
with Claims(Path(sys.argv[1])) as claims:
    print(claims.take("unit"), flush=True)
    time.sleep(600)
"""


def test_a_unit_has_one_worker_until_it_is_given_up(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        assert (one.others(), two.others()) == ([two.worker], [one.worker])
        assert one.take("unit")
        assert not two.take("unit")
        assert two.take("another")
        one.release("unit")
        assert two.take("unit")
    assert not (tmp_path / ".claims").exists()


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        workers = [Claims(tmp_path) for _ in range(8)]
        for worker in workers:
            worker.__enter__()
        for number in range(20):
            taken = list(threads.map(lambda w, unit=str(number): w.take(unit), workers))
            assert sum(taken) == 1
        for worker in workers:
            worker.__exit__(None, None, None)


def test_what_a_killed_process_had_is_free_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "True\n"
    with Claims(tmp_path) as mine:
        assert not mine.take("unit")
        holder.kill()
        holder.wait()
        assert mine.others() == []
        assert mine.take("unit")


def test_of_another_machine_the_last_sign_of_life_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Claims(tmp_path) as mine:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(module, "_machine", lambda: "elsewhere")
            theirs = Claims(tmp_path).__enter__()
            assert theirs.take("unit")
        assert not mine.take("unit")
        own = tmp_path / ".claims" / f"worker-{theirs.worker}"
        ago = time.time() - module.EXPIRY_S - 5
        os.utime(own, (ago, ago))
        assert mine.take("unit")
        theirs.__exit__(None, None, None)


def test_a_claim_whose_worker_died_before_it_signed_is_free_after_a_moment(tmp_path: Path) -> None:
    with Claims(tmp_path) as mine:
        path = tmp_path / ".claims" / "unit"
        path.touch()
        assert not mine.take("unit")
        ago = time.time() - module.UNSIGNED_S - 1
        os.utime(path, (ago, ago))
        assert mine.take("unit")
