"""`bench run` and `bench score`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from almbench.cli.options import (
    BatchOption,
    Device,
    DeviceOption,
    Engine,
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
    apply_settings,
    chosen_suite,
    keep_audio,
    run_root,
    whole_suite,
)
from almbench.domains import Domain
from almbench.errors import UserError

if TYPE_CHECKING:
    from almbench.results.results import Results
    from almbench.runner.warm import WarmServer
    from almbench.suite.config import Suite


def run(
    context: typer.Context,
    suite: SuiteArgument = None,
    repeated: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Repeat this run from its folder into another, and say what could not be the "
            "same and which values differ.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Run folder. (default: runs/<suite>; with --from, -again)",
        ),
    ] = None,
    codec: CodecsOption = None,
    testset: TestsetsOption = None,
    metric: MetricOption = None,
    data: DataOption = None,
    checkpoint: CheckpointsOption = None,
    setting: SettingOption = None,
    keep: KeepOption = None,
    device: DeviceOption = "auto",
    batch: BatchOption = None,
    engine: Annotated[
        Engine, typer.Option(help="What spreads the work: processes of this machine, or Ray.")
    ] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Cluster of Ray. (default: one on this machine)"),
    ] = None,
    gpus: Annotated[
        float | None,
        typer.Option(min=0, metavar="N", help="GPUs of a worker of Ray; parts of one, too."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            metavar="N",
            help="Scoring processes, or workers of Ray. (default: all cores)",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, and how large it gets.")
    ] = False,
) -> None:
    """Run a suite: reconstruct, score, write tables. Run again to go on where it stopped."""
    if engine != "ray" and (ray_address is not None or gpus is not None):
        raise UserError("--ray-address and --gpus are for --engine ray.")
    old = None
    if repeated:
        from almbench.results.results import load_results

        old = load_results(repeated)
        if suite:
            raise UserError(f"Give a suite ('{suite}') or --from {repeated}, not both.")
        if source := old.manifest.source:
            raise UserError(
                f"--from {repeated} holds scores that {source.name} computed: there is nothing to "
                "run again."
            )
        output = output or Path("runs") / f"{old.manifest.suite.name}-again"
        if output.resolve() == old.folder.root.resolve():
            raise UserError(
                f"--from {repeated} is repeated into another folder: choose another -o."
            )
        suite = str(old.folder.suite)
    whole = whole_suite(suite)
    server = None if dry_run or engine == "ray" else _warm_server(context, metric or whole.scored)
    chosen = chosen_suite(whole, codec, testset, metric, data, checkpoint, setting)
    keep_audio(chosen, keep)
    if dry_run:
        from almbench.cli.dry_run import print_forecast

        raise typer.Exit(print_forecast(chosen, run_root(chosen, output), workers))
    if engine == "ray":
        from almbench.runner.ray_engine import run_with_ray
        from almbench.suite.config import Resources

        root, needs = run_root(chosen, output), Resources(gpus=gpus)
        _report(run_with_ray(chosen, root, device, workers, ray_address, needs, batch), old)
    _run(chosen, output, device, workers, server, old, batch)


def score(
    context: typer.Context,
    reference: Annotated[
        Path, typer.Argument(metavar="ORIGINALS", help="Folder of the originals.")
    ],
    reconstruction: Annotated[
        list[str],
        typer.Argument(
            metavar="[LABEL=]FOLDER[@RATEkbps]",
            help="Folders of reconstructions, files named alike; where wanted, with a label and a "
            "stated bitrate.",
        ),
    ],
    domain: Annotated[Domain, typer.Option(help="What the sounds are.")] = "speech",
    match: Annotated[
        str,
        typer.Option(
            metavar="PATTERN",
            help="How reconstructions are named after originals, without extension: "
            "'{clip}_recon', '{clip}/decoded'.",
        ),
    ] = "{clip}",
    cut_longer: Annotated[
        bool,
        typer.Option(
            "--cut-longer",
            help="Cut reconstructions that are much longer than their originals; else they fail.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Run folder. (default: runs/score-<folders>)",
        ),
    ] = None,
    codes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LABEL=]FOLDER",
            help="Token files of a codec, CLIP.npz, for its bitrate and what `bench probe` finds "
            "in them, with its settings by default; may be repeated.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --codes, a CSV of labels: a column 'id', and one per label."
        ),
    ] = None,
    metric: MetricOption = None,
    setting: SettingOption = None,
    keep: KeepOption = None,
    workers: WorkersOption = None,
) -> None:
    """Score folders of ready files against a folder of originals; no suite needed."""
    if labels and not codes:
        raise UserError("--labels is for --codes.")
    server = _warm_server(context, metric or [domain])
    from almbench.devices import cpu_count
    from almbench.progress import note
    from almbench.results.runfolder import RunFolder
    from almbench.runner.plan import select
    from almbench.runner.run import run_suite
    from almbench.suite.folder_suite import (
        Given,
        check_same_folders,
        give_codes,
        suite_from_folders,
    )
    from almbench.tokens.token_files import Labels, named_after

    given = [Given.parse(text) for text in reconstruction]
    chosen = suite_from_folders(reference, given, domain, match, cut_longer=cut_longer)
    check_same_folders(chosen, RunFolder(run_root(chosen, output)).suite)
    chosen = select(chosen, [], [], metric or [])
    apply_settings(chosen, setting)
    keep_audio(chosen, keep)
    folders = named_after([one.id for one in chosen.codec], codes or [])
    table = Labels.read(labels) if labels else None
    root = run_root(chosen, output)
    configs = {config.id: config for config in chosen.codec}
    apart = [one for one in folders if not give_codes(configs[one.name], one.folder)]
    for one in apart:
        note(
            f"{one.name}: its token files do not say codebook_sizes and frame_rate, so they are "
            "probed, but give no bitrate and no pictures"
        )
    results = run_suite(chosen, root, "cpu", workers, server=server)
    code = 0
    if folders:
        from almbench.cli.probe_report import print_probes
        from almbench.tokens.gaps import without_files
        from almbench.tokens.probing import probe
        from almbench.tokens.sources import clips_of_run

        coded = {row.codec for row in results.clip_rows if row.measured_kbps is not None}
        apart = [one for one in folders if one in apart or one.name not in coded]
        clips = clips_of_run(results.folder, results.manifest)
        for one in folders:
            if one not in apart:
                for line in without_files(one, clips):
                    note(line)
        code = print_probes(
            probe(root, folders=apart, labels=table, workers=workers or cpu_count())
        )
    _report(results, None, code)


def _warm_server(context: typer.Context, scored: Iterable[str]) -> "WarmServer":
    """Let what scoring imports be imported while this process imports what it needs itself.

    The server ends with the command, also where that refuses its input.
    """
    from almbench.runner.warm import WarmServer

    return context.with_resource(WarmServer(scored))


def _run(
    suite: "Suite",
    output: Path | None,
    device: Device,
    workers: int | None,
    server: "WarmServer | None",
    old: "Results | None" = None,
    batch: int | None = None,
) -> None:
    from almbench.runner.run import run_suite

    root = run_root(suite, output)
    _report(run_suite(suite, root, device, workers, server=server, batch=batch), old)


def _report(results: "Results", old: "Results | None", before: int = 0) -> NoReturn:
    """Print what came out, and end with its exit code, or with that of what was printed before."""
    from almbench.cli.outcome import print_outcome, print_repetition

    code = print_outcome(results) or before
    if old:
        print_repetition(old, results)
    raise typer.Exit(code)
