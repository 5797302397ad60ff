"""A run as jobs of Slurm: an array of workers for each kind of resources, and one that ends it."""

import shlex
import subprocess
import sysconfig
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

from almbench.atomic import write_atomically
from almbench.errors import UserError
from almbench.names import ORIGINAL
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import Plan
from almbench.runner.reconstruct import sharing
from almbench.runner.resources import classes_of
from almbench.runner.units import blocks
from almbench.suite.config import Resources

MOST_TASKS = 1000  # of an array, by Slurm's own default
LINES = {
    "cpus": "--cpus-per-task={}",
    "gpus": "--gpus={}",
    "memory": "--mem={}",
    "time": "--time={}",
    "partition": "--partition={}",
}


class Tasks(NamedTuple):
    """How the units of a run are shared out.

    Attributes:
        units: Units of a task; more where the array would be too long.
        at_once: How many tasks of an array run at once; None for as many as Slurm lets.
    """

    units: int
    at_once: int | None = None


def write_jobs(
    plan: Plan,
    folder: RunFolder,
    common: Resources,
    tasks: Tasks,
    more: Sequence[str],
    batch: int | None = None,
) -> Path:
    """Write the scripts of a run's jobs into its folder `slurm`.

    Args:
        plan: The plan.
        folder: The run folder, which holds the suite.
        common: What tasks ask for where their codec does not say.
        tasks: How the units are shared out.
        more: Further options of sbatch.
        batch: How many clips go through a codec at once; each task's own choice by default.

    Returns:
        The script that submits them.

    Raises:
        UserError: A codec asks for a part of a GPU.
    """
    classes = classes_of(plan, common)
    for needs, codecs in classes.items():
        if needs.gpus is not None and needs.gpus % 1:
            raise UserError(
                f"Codec '{codecs[0]}' asks for {needs.gpus:g} GPUs; Slurm has no parts of them. "
                "To fix: give a whole number, or use --engine ray."
            )
    jobs, root = [], folder.root.resolve()
    batched = [] if batch is None else ["--batch", str(batch)]
    for number, (asked, codecs) in enumerate(classes.items(), 1):
        units = _count_units(plan, codecs)
        each = max(tasks.units, ceil(units / MOST_TASKS))
        command = ["work", str(root), "--units", str(each), *batched]
        for codec in codecs if len(classes) > 1 else ():
            command += ["--codec", codec]
        most = f"%{tasks.at_once}" if tasks.at_once else ""
        options = [f"--array=1-{ceil(units / each)}{most}", *_options(asked), *more]
        jobs.append(_write(folder, f"work-{number}", options, command))
    last = _write(
        folder,
        "tables",
        [*_options(common), *more],
        ["run", str(root / folder.suite.name), "-o", str(root), *batched],
    )
    lines = ["#!/bin/sh", "# Submits the jobs; the last, which writes the tables, waits for them."]
    lines += ["set -e", "jobs="]
    for job in jobs:
        lines += [f"job=$(sbatch --parsable {shlex.quote(str(job))})", 'jobs="$jobs:${job%%;*}"']
    lines.append(f"sbatch --parsable --dependency=afterany$jobs {shlex.quote(str(last))}")
    submit = folder.root / "slurm" / "submit.sh"
    write_atomically(submit, ("\n".join(lines) + "\n").encode())
    return submit


def submit_jobs(script: Path) -> list[str]:
    """Run the script that submits the jobs.

    Returns:
        The number of the last job.

    Raises:
        UserError: sbatch is not there, or refuses a job.
    """
    done = subprocess.run(
        ["/bin/sh", str(script)], capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(f"The jobs were not submitted: {said}. To try again: sh {script}")
    return done.stdout.split()


def _count_units(plan: Plan, codecs: Sequence[str]) -> int:
    """How many units of codecs there are: a block is reconstructed once and scored once."""
    count = 0
    for testset in plan.testsets:
        groups = [{planned.record.id for planned in group} for group in sharing(testset)]
        reconstructed = sum(not group.isdisjoint(codecs) for group in groups)
        scored = len(set.union({ORIGINAL}, *groups).intersection(codecs))
        count += len(blocks(testset.clips)) * (reconstructed + scored)
    return count


def _options(asked: Resources) -> list[str]:
    values = asked.model_dump(exclude_none=True)
    return [
        line.format(f"{value:g}" if isinstance(value, float) else value)
        for name, line in LINES.items()
        if (value := values.get(name))
    ]


def _write(folder: RunFolder, name: str, options: Sequence[str], command: Sequence[str]) -> Path:
    logs = folder.root.resolve() / "slurm" / f"{name}-%{'A_%a' if name != 'tables' else 'j'}.log"
    bench = Path(sysconfig.get_path("scripts")) / "bench"
    lines = ["#!/bin/sh"]
    named = [f"--job-name=almbench-{name}", f"--output={logs}", *options]
    lines += [f"#SBATCH {option}" for option in named]
    lines.append(
        f'exec {shlex.join([str(bench), *command])} --workers "${{SLURM_CPUS_PER_TASK:-1}}"'
    )
    path = folder.root.resolve() / "slurm" / f"{name}.sh"
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return path
