"""The wheel, in an environment that has nothing of the checkout."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CleanEnv


@pytest.mark.slow
def test_the_wheel_runs_outside_the_checkout(
    clean_env: "CleanEnv", source: Path, tmp_path: Path
) -> None:
    build: list[str | Path] = ["-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path]
    subprocess.run([sys.executable, *build, source], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    clean_env.install(wheel)

    where: list[str | Path] = [clean_env.python, "-c", "import almbench; print(almbench.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(clean_env.packages))
    choice = ["--testset", "speech", "--codec", "opus-6", "--metric", "mel_distance"]
    clean_env.bench("run", "quick", *choice, "-o", "run")
    clean_env.bench("site", "run", "-o", "public")
    assert (tmp_path / "public" / "index.html").is_file()
    assert "Opus" in clean_env.bench("export", "run", "--format", "markdown")
    assert "alm-demo" in clean_env.bench("list", "suites")
