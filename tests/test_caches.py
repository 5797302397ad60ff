"""What keeps a cache works where nothing but a temporary folder is writable."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from almbench import caches
from almbench.caches import MATPLOTLIB, NUMBA, ensure_matplotlib_cache, ensure_numba_cache

NOBODY = 65_534
PROGRAM = """
import numpy as np, almbench
rng = np.random.default_rng(0)
sound = rng.normal(0, 0.1, 32_000)
scores = almbench.score(sound, sound + rng.normal(0, 0.01, 32_000), 16_000, "visqol_speech")
print(scores["visqol_speech"], scores.reasons)
"""


@pytest.fixture(params=[(NUMBA, ensure_numba_cache), (MATPLOTLIB, ensure_matplotlib_cache)])
def cache(request: pytest.FixtureRequest) -> tuple[str, Callable[[], None]]:
    """A variable that names a folder for a cache, and what sets it where that is needed."""
    variable, ensure = request.param
    return variable, ensure


def test_what_is_given_or_writable_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: tuple[str, Callable[[], None]]
) -> None:
    variable, ensure = cache
    monkeypatch.delenv(variable, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    ensure()
    assert variable not in os.environ
    monkeypatch.setenv(variable, "/given")
    monkeypatch.setattr(caches, "_is_writable", lambda _: False)
    ensure()
    assert os.environ[variable] == "/given"


def test_where_nothing_is_writable_a_folder_is_made(
    monkeypatch: pytest.MonkeyPatch, cache: tuple[str, Callable[[], None]]
) -> None:
    variable, ensure = cache
    monkeypatch.setenv(variable, "")
    monkeypatch.setattr(caches, "_is_writable", lambda _: False)
    ensure()
    folder = Path(os.environ[variable])
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o077 == 0  # what numba loads from it is code
    folder.rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is no folder to write to")
def test_without_a_writable_home_plots_come_without_a_warning(tmp_path: Path) -> None:
    program = (
        "import os, sys; from almbench.cli import main; sys.argv = ['bench', '--version']\n"
        "try: main.main()\n"
        "except SystemExit: import matplotlib; print(matplotlib.get_cachedir())"
    )
    env = {**os.environ, "HOME": "/proc", "TMPDIR": str(tmp_path)}
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", MATPLOTLIB):
        env.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].startswith(str(tmp_path))
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


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
    assert list(tmp_path.glob("almbench-cache-*")) == []
