"""`bench submit` and `bench work`: a run as jobs of a cluster, and what such a job does."""

from pathlib import Path
from typing import Annotated

import typer

from almbench.cli.options import (
    BatchOption,
    DeviceOption,
    MetricOption,
    SettingOption,
    WorkersOption,
)
from almbench.cli.selection import (
    CheckpointsOption,
    CodecsOption,
    DataOption,
    KeepOption,
    SuiteArgument,
    TestsetsOption,
    chosen_suite,
    keep_audio,
    run_root,
    whole_suite,
)
from almbench.errors import UserError


def submit(
    suite: SuiteArgument = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Run folder, seen by all nodes. (default: runs/<suite>)",
        ),
    ] = None,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="To Slurm, as arrays of jobs; there is no other yet.")
    ] = False,
    codec: CodecsOption = None,
    testset: TestsetsOption = None,
    metric: MetricOption = None,
    data: DataOption = None,
    checkpoint: CheckpointsOption = None,
    setting: SettingOption = None,
    keep: KeepOption = None,
    batch: BatchOption = None,
    units_per_task: Annotated[
        int, typer.Option(min=1, metavar="N", help="Units of work that a task does.")
    ] = 16,
    at_once: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Tasks of an array that run at once.")
    ] = None,
    cpus: Annotated[int | None, typer.Option(min=1, metavar="N", help="Cores of a task.")] = None,
    gpus: Annotated[int | None, typer.Option(min=0, metavar="N", help="GPUs of a task.")] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of a task, such as 24G.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time limit of a task, such as 04:00:00.")
    ] = None,
    partition: Annotated[
        str | None, typer.Option(metavar="NAME", help="Partition of the cluster.")
    ] = None,
    sbatch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTION",
            help="A further option of sbatch, such as --account=speech; may be repeated.",
        ),
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Submit the jobs; else only write their scripts.")
    ] = False,
) -> None:
    """Write, and with --now submit, the jobs that do a run on a cluster."""
    if not slurm:
        raise UserError("Say which cluster the run is for: --slurm.")
    from pydantic import ValidationError

    from almbench.results.runfolder import RunFolder
    from almbench.runner.left_out import announced, left_out
    from almbench.runner.run import begin_run
    from almbench.runner.slurm import Tasks, submit_jobs, write_jobs
    from almbench.suite.config import Resources
    from almbench.validation import explain

    try:
        common = Resources(cpus=cpus, gpus=gpus, memory=memory, time=time, partition=partition)
    except ValidationError as error:
        raise UserError(
            f"The options for tasks are wrong: {explain(error, Resources, 'options')}"
        ) from error
    for option in sbatch or []:
        if not option.startswith("-") or "\n" in option:
            raise UserError(f"--sbatch '{option}' is no option, such as --account=speech.")
        if option.startswith(("--array", "-a")):
            raise UserError(
                f"--sbatch '{option}': arrays are made of the run's units. To fix: say how many of "
                "them a task does by --units-per-task, and how many tasks run at once by --at-once."
            )
    chosen = chosen_suite(whole_suite(suite), codec, testset, metric, data, checkpoint, setting)
    keep_audio(chosen, keep)
    root = run_root(chosen, output)
    folder = RunFolder(root)
    before = folder.suite.read_bytes() if folder.manifest.is_file() else b""
    plan = begin_run(chosen, root)
    share = Tasks(units_per_task, at_once)
    if before and before != folder.suite.read_bytes():
        typer.echo(
            f"{folder.suite} is the suite of these jobs now; tables and manifest are those of the "
            "last run until they have ended."
        )
    if names := left_out(folder, plan.testsets):
        typer.echo(f"Left out {announced(names)}")
    script = write_jobs(plan, folder, common, share, sbatch or [], batch)
    if now:
        typer.echo(f"Submitted; job {submit_jobs(script)[-1]} writes the tables to {root}.")
    else:
        typer.echo(f"To submit the jobs: sh {script}")


def work(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, begun by `submit`.")],
    units: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Do at most N units. (default: all)")
    ] = None,
    codec: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODEC",
            help="Only units of this codec, or of the originals ('original'); may be repeated.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    batch: BatchOption = None,
    workers: WorkersOption = None,
) -> None:
    """Do units of a run, beside other workers; `bench run` then writes the tables."""
    from almbench.runner.warm import WarmServer

    server = context.with_resource(WarmServer())
    from almbench.runner.run import work_on
    from almbench.runner.work import Share

    share = Share(units, frozenset(codec) if codec else None)
    work_on(run, device, workers, share, server, batch)
