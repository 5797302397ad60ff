"""Metrics that are compiled on first use work where nothing but a temporary folder is writable."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from almbench import numba_cache
from almbench.numba_cache import VARIABLE, ensure_numba_cache

NOBODY = 65_534
PROGRAM = """
import numpy as np, almbench
rng = np.random.default_rng(0)
sound = rng.normal(0, 0.1, 32_000)
scores = almbench.score(sound, sound + rng.normal(0, 0.01, 32_000), 16_000, "visqol_speech")
print(scores["visqol_speech"], scores.reasons)
"""


def test_what_is_given_or_writable_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ensure_numba_cache()
    assert VARIABLE not in os.environ
    monkeypatch.setenv(VARIABLE, "/given")
    ensure_numba_cache()
    assert os.environ[VARIABLE] == "/given"


def test_where_nothing_is_writable_a_folder_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr(numba_cache, "_is_writable", lambda _: False)
    ensure_numba_cache()
    folder = Path(os.environ[VARIABLE])
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o077 == 0  # what numba loads from it is code
    folder.rmdir()


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv"
)
def test_an_unprivileged_user_without_a_home_gets_scores(tmp_path: Path) -> None:
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run([*as_nobody, sys.executable, "-c", ""], check=False).returncode:
        pytest.skip("the environment cannot be read by another user")
    tmp_path.chmod(0o777)
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*as_nobody, sys.executable, "-c", PROGRAM],
        env=env, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[0]) > 1
    assert done.stdout.split(maxsplit=1)[1].strip() == "{}"
    assert list(tmp_path.glob("almbench-numba-*")) == []
