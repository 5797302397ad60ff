"""`bench submit`, with a stand-in for sbatch that runs the tasks of an array as processes."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from almbench.runner.run import run_suite
from almbench.suite.load import load_suite
from tests.runner.test_run import tables
from tests.runner.test_sharing import check_finished, suite, whole  # noqa: F401 - fixtures

Bench = Callable[..., subprocess.CompletedProcess[str]]
SBATCH = """#!{python}
import os, re, subprocess, sys
from pathlib import Path
here = Path(__file__).parent
*options, script = sys.argv[1:]
text = Path(script).read_text()
job = len(list(here.glob("*.job"))) + 1
(here / f"{{job}}.job").write_text("\\n".join([*options, script]))
array = re.search(r"--array=1-(\\d+)", text)
tasks = range(1, int(array[1]) + 1) if array else [0]
cpus = re.search(r"--cpus-per-task=(\\d+)", text)
environment = os.environ | ({{"SLURM_CPUS_PER_TASK": cpus[1]}} if cpus else {{}})
log = open(here / f"{{job}}.log", "wb")
running = [
    subprocess.Popen(
        ["sh", script],
        env=environment | {{"SLURM_ARRAY_TASK_ID": str(task)}},
        stdout=log,
        stderr=log,
    )
    for task in tasks
]
failed = [process.wait() for process in running]
print(job)
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-in, which is found first."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    script = folder / "sbatch"
    script.write_text(SBATCH.format(python=sys.executable))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.mark.slow
def test_four_tasks_make_the_tables_of_one_process_and_of_two(
    suite: Path,  # noqa: F811
    whole: Path,  # noqa: F811
    tmp_path: Path,
    cluster: Path,
    bench: Bench,
) -> None:
    run_suite(load_suite(str(suite)), tmp_path / "two", "cpu", workers=2)
    root = tmp_path / "run"
    done = bench("submit", suite, "-o", root, "--slurm", "--units-per-task", "9", "--now")
    logs = "".join(path.read_text() for path in sorted(cluster.glob("*.log")))
    assert done.returncode == 0, done.stderr + logs
    assert "job 2 writes the tables" in done.stdout
    assert "--array=1-4" in (root / "slurm" / "work-1.sh").read_text()
    assert (cluster / "2.job").read_text().split("\n")[:2] == [
        "--parsable",
        "--dependency=afterany:1",
    ]
    assert tables(root) == tables(tmp_path / "two")
    check_finished(root, whole)


def test_codecs_with_resources_of_their_own_have_an_array_of_their_own(
    small: Path, tmp_path: Path, bench: Bench
) -> None:
    text = small.read_text().replace(
        'id = "opus-6"', 'id = "opus-6"\nresources = {gpus = 1, time = "08:00:00"}'
    )
    small.write_text(text)
    root = tmp_path / "a run"
    common = ["--cpus", "4", "--memory", "8G", "--time", "1:00:00", "--sbatch=--account=speech"]
    common += ["--batch", "8", "--at-once", "3"]
    done = bench("submit", small, "-o", root, "--slurm", *common)
    assert done.returncode == 0, done.stderr
    assert "sh " in done.stdout
    heavy, light, tables_job = (
        (root / "slurm" / name).read_text() for name in ("work-1.sh", "work-2.sh", "tables.sh")
    )
    for script in (heavy, light, tables_job):
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
        assert re.findall("#SBATCH (--account.*|--mem.*|--cpus.*)", script) == [
            "--cpus-per-task=4",
            "--mem=8G",
            "--account=speech",
        ]
    assert re.findall("--array=(.*)", heavy + light + tables_job) == ["1-1%3", "1-1%3"]
    assert "#SBATCH --gpus=1\n" in heavy
    assert "#SBATCH --time=08:00:00\n" in heavy
    assert "#SBATCH --time=1:00:00\n" in light
    assert "--gpus" not in light + tables_job
    assert "--codec opus-6 --workers" in heavy
    assert "--codec lowpass-3.5 --codec original --workers" in light
    assert f"work '{root}' --units 16 --batch 8 " in light
    assert f"work '{root}' --units 16 --batch 8 " in heavy
    assert f"run '{root}/suite.toml' -o '{root}' --batch 8 " in tables_job


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Say which cluster the run is for: --slurm."),
        (["--slurm", "--memory", "much"], "options: memory"),
        (["--slurm", "--sbatch", "account=x"], "--sbatch 'account=x' is no option"),
        (["--slurm", "--sbatch=--array=1-5%2"], "To fix: say how many of them a task does by"),
        (["--slurm", "--now"], "The jobs were not submitted"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    small: Path,
    tmp_path: Path,
    bench: Bench,
    options: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = bench("submit", small, "-o", tmp_path / "run", *options)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_there_must_be_a_run_to_work_on(tmp_path: Path, bench: Bench) -> None:
    done = bench("work", tmp_path)
    assert done.returncode == 2
    assert "is no run folder: suite.toml is missing" in done.stderr


def test_work_says_how_much_it_did_and_knows_its_codecs(
    small: Path, tmp_path: Path, bench: Bench
) -> None:
    assert bench("submit", small, "-o", tmp_path / "run", "--slurm").returncode == 0
    wrong = bench("work", tmp_path / "run", "--codec", "opuss-6")
    assert wrong.returncode == 2
    assert "There is no codec 'opuss-6'" in wrong.stderr
    assert "Did you mean 'opus-6'?" in wrong.stderr
    for options, units in [(("--units", "1"), 1), ((), 3), ((), 0)]:
        done = bench("work", tmp_path / "run", *options)
        assert done.returncode == 0
        # Two codecs, one block of clips: each is reconstructed once and scored once; the
        # originals have no scores of their own here.
        assert f"Units of work done here: {units}\n" in done.stderr
