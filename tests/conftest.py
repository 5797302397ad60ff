"""What the tests share: small real sounds, a small suite, and the command as a user types it."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile as sf

from almbench.samples import folder

Bench = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("bench", "codecs", "site", "templates")
BESIDE = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE")

SMALL = """
name = "small"
seed = 3
[[testset]]
name = "talk"
domain = "speech"
path = "{data}"
[[codec]]
id = "opus-6"
[[codec]]
id = "lowpass-3.5"
[metrics]
speech = ["stoi", "estoi", "mel_distance", "lag_ms", "gain_db"]
"""


@pytest.fixture(scope="session")
def speech() -> list[Path]:
    """Speech clips of the sample set, the shortest first."""
    return sorted((folder() / "speech").glob("*.flac"), key=lambda p: sf.info(p).frames)


@pytest.fixture
def small(tmp_path: Path, speech: list[Path]) -> Path:
    """A suite of two clips of two seconds, two codecs and five metrics."""
    for path in speech[:2]:
        samples, rate = sf.read(path, dtype="int16")
        sf.write(_folder(tmp_path / "data") / f"{path.stem}.wav", samples[: 2 * rate], rate)
    suite = tmp_path / "small.toml"
    suite.write_text(SMALL.format(data=tmp_path / "data"))
    return suite


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Run the installed `bench` command."""
    command = Path(sys.executable).with_name("bench")

    def run(*args: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *map(str, args)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
            timeout=600,
            check=False,
        )

    return run


@dataclass(frozen=True)
class CleanEnv:
    """An environment that has this one's packages and nothing of the checkout.

    Attributes:
        folder: Where it is; commands run there.
        packages: Where its own packages are.
    """

    folder: Path
    packages: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "env" / "bin" / "python"

    def install(self, *what: Path) -> None:
        """Install wheels or source trees into it."""
        offline = ["--no-deps", "--no-index", "--no-build-isolation"]
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", self.python, "install"]
        done = subprocess.run(
            [*pip, "-q", *offline, *what], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def bench(self, *args: str) -> str:
        """Run its `bench`, which must succeed; what it printed."""
        done = subprocess.run(
            [self.python.with_name("bench"), *args],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": "", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def clean_env(tmp_path: Path) -> CleanEnv:
    """An environment of its own."""
    # Without pip, which would bring an old setuptools along.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    packages = next((tmp_path / "env").glob("lib/python*/site-packages"))
    # This environment's editable almbench stays invisible: a path file inside a folder that is
    # itself named by a path file is not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return CleanEnv(tmp_path, packages)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what is packaged, so that building leaves nothing in the checkout."""
    copy = _folder(tmp_path / "source")
    for name in SHIPPED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        shutil.copy(ROOT / name, copy)
    return copy
