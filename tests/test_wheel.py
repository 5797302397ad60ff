"""The wheel without extras: what it brings along, and that it is enough."""

import csv
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from almbench.metrics.registry import default_metrics

if TYPE_CHECKING:
    from tests.conftest import CleanEnv

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"librosa", "llvmlite", "numba", "pyarrow", "scikit-learn", "torch", "transformers"}


def required(lines: Iterable[str]) -> dict[str, Distribution]:
    """The installed packages that requirements stand for, with all that these require."""
    found: dict[str, Distribution] = {}
    todo = [Requirement(line) for line in lines]
    for requirement in todo:
        extras = requirement.extras or {""}
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        package = distribution(requirement.name)
        found[package.name.lower()] = package
        for line in package.requires or []:
            needed = Requirement(line)
            if not needed.marker or any(needed.marker.evaluate({"extra": e}) for e in extras):
                needed.marker = None
                todo.append(needed)
    return found


CORE = required(PROJECT["dependencies"])


def link_core(packages: Path) -> None:
    """Let an environment have what the core requires, and nothing else."""
    (packages / "dependencies.pth").unlink()
    for package in CORE.values():
        for name in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            link = packages / name
            if not link.exists():
                link.symlink_to(Path(str(package.locate_file(name))).resolve())


def test_the_core_requires_nothing_heavy() -> None:
    assert {"numpy", "pandas", "scipy", "ai-edge-litert"} <= set(CORE)
    assert not HEAVY & set(CORE)


def test_extras_name_each_other_and_all_of_them() -> None:
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == set(extras) - {"all", "dev", "docs"}
    for lines in extras.values():
        for requirement in map(Requirement, lines):
            if requirement.name == "almbench":
                assert requirement.extras <= set(extras)


def test_a_run_and_a_page_import_nothing_heavy() -> None:
    """What pandas imports of its own accord where it is there, pyarrow, is left out."""
    code = (
        "import sys\n"
        "import almbench.cli.outcome, almbench.runner.run, almbench.runner.worker\n"
        "import almbench.site.build\n"
        "from almbench.runner.plan import make_plan, select\n"
        "from almbench.suite.load import fill_in, load_suite\n"
        "suite = select(load_suite('quick'), ['opus-6'], [], [])\n"
        "fill_in(suite, {})\n"
        "make_plan(suite)\n"
        "print(*sorted({'librosa', 'numba', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_the_wheel_runs_with_its_core_alone(
    clean_env: "CleanEnv", source: Path, tmp_path: Path
) -> None:
    build: list[str | Path] = ["-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path]
    subprocess.run([sys.executable, *build, source], check=True, capture_output=True)
    link_core(clean_env.packages)
    clean_env.install(*tmp_path.glob("*.whl"))
    where: list[str | Path] = [clean_env.python, "-c", "import almbench; print(almbench.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(clean_env.packages))

    whole = (ROOT / "bench/suite/builtin/quick.toml").read_text()
    (tmp_path / "few.toml").write_text(whole.replace("[[testset]]", "[[testset]]\nlimit = 1"))
    few = ["--testset", "speech", "--codec", "opus-6", "--codec", "lowpass-7"]
    assert "pip install 'almbench[accel]'" in clean_env.bench("run", "few.toml", *few, "-o", "run")
    with (tmp_path / "run" / "metrics.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["codec"] == "opus-6"]
    for name in default_metrics("speech"):
        assert {row["status"] for row in rows if row["metric"] == name} == {"ok"}, name
    clean_env.bench("site", "run", "-o", "public")
    assert (tmp_path / "public" / "index.html").is_file()
    assert "Opus" in clean_env.bench("export", "run", "--format", "markdown")
    assert "alm-demo" in clean_env.bench("list", "suites")

    music = ["run", "quick", "--testset", "music", "--metric", "gain_db"]
    said = clean_env.bench(*music, "-o", "music")  # optional codecs do not make it fail
    assert "Skipped almtokenizer (torch" in said
    assert "Skipped codec2-700, codec2-1600, codec2-3200 (pycodec2" not in said  # for speech
    asked = [*music, "--codec", "almtokenizer", "-o", "neural"]
    for extra, command, code in [
        ("neural", asked, 1),
        ("codec2", ["check", "codec2-700"], 2),
        ("speechtokenizer", ["list", "codecs"], 0),
        ("accel", ["list", "metrics"], 0),
        ("parquet", ["export", "run", "-o", "summary.parquet"], 2),
        ("train", ["train", "almtokenizer", "--stage", "1"], 2),
    ]:
        said = clean_env.bench(*command, code=code)
        assert f"pip install 'almbench[{extra}]'" in " ".join(said.split()), extra
