"""The wheel, in an environment that has nothing of the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ["bench", "codecs", "site", "templates", "pyproject.toml", "setup.cfg", "README.md"]


@pytest.mark.slow
def test_the_wheel_runs_outside_the_checkout(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in [*SHIPPED, "LICENSE"]:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    build: list[str | Path] = [
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        tmp_path / "dist",
        source,
    ]
    subprocess.run([Path(sys.executable), *build], check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")

    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    # The dependencies come from this environment, whose editable almbench stays invisible: a
    # path file inside a folder that is itself named by a path file is not read.
    site = next((tmp_path / "env").glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install: list[str | Path] = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run([python, *install], check=True)

    def bench(*args: str) -> str:
        done = subprocess.run(
            [python.with_name("bench"), *args],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where: list[str | Path] = [python, "-c", "import almbench; print(almbench.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(site))
    choice = ["--testset", "speech", "--codec", "opus-6", "--metric", "mel_distance"]
    bench("run", "quick", *choice, "-o", "run")
    bench("site", "run", "-o", "public")
    assert (tmp_path / "public" / "index.html").is_file()
    assert "Opus" in bench("export", "run", "--format", "markdown")
    assert "alm-demo" in bench("list", "suites")
