"""`bench run` and `bench score`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from almbench.cli.options import (
    Device,
    DeviceOption,
    Engine,
    MetricOption,
    SettingOption,
    WorkersOption,
    folders,
    metric_settings,
)
from almbench.domains import Domain
from almbench.errors import UserError

if TYPE_CHECKING:
    from almbench.results.results import Results
    from almbench.runner.warm import WarmServer
    from almbench.suite.config import Suite


def run(
    context: typer.Context,
    suite: Annotated[
        str | None,
        typer.Argument(metavar="SUITE", help="A built-in suite or a TOML file. (default: quick)"),
    ] = None,
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
    codec: Annotated[
        list[str] | None, typer.Option(metavar="CODEC", help="Only this codec; may be repeated.")
    ] = None,
    testset: Annotated[
        list[str] | None,
        typer.Option(metavar="TESTSET", help="Only this test set; may be repeated."),
    ] = None,
    metric: MetricOption = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="Where a data folder of the suite lies."),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="CODEC=FOLDER", help="Where a codec's weights lie, if not the hub."),
    ] = None,
    setting: SettingOption = None,
    device: DeviceOption = "auto",
    engine: Annotated[Engine, typer.Option(help="What spreads the work.")] = "local",
    workers: WorkersOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, and how large it gets.")
    ] = False,
) -> None:
    """Run a suite: reconstruct, score, write tables. Run again to go on where it stopped."""
    del engine  # there is one so far
    server = None if dry_run else _warm_server(context)
    from almbench.results.results import load_results
    from almbench.runner.plan import select
    from almbench.suite.load import data_names, fill_in, load_suite, use_checkpoints

    old = load_results(repeated) if repeated else None
    if old:
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
    whole = load_suite(suite or "quick")
    chosen = select(whole, codec or [], testset or [], metric or [])
    where = f"in suite '{whole.name}'"
    given = folders("--data", data, "demo=/data/demo", "data name", data_names(whole), where)
    ids = [codec.id for codec in [*whole.codec, *chosen.codec]]
    checkpoints = folders("--checkpoint", checkpoint, "mimi-1.1=/models/mimi", "codec", ids, where)
    fill_in(chosen, given)
    use_checkpoints(chosen, checkpoints)
    _apply(chosen, setting)
    if dry_run:
        from almbench.cli.dry_run import print_forecast

        print_forecast(chosen, _root(chosen, output), workers)
        return
    _run(chosen, output, device, workers, server, old)


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
    metric: MetricOption = None,
    setting: SettingOption = None,
    workers: WorkersOption = None,
) -> None:
    """Score folders of ready files against a folder of originals; no suite needed."""
    server = _warm_server(context)
    from almbench.results.runfolder import RunFolder
    from almbench.runner.plan import select
    from almbench.suite.folder_suite import Given, check_same_folders, suite_from_folders

    given = [Given.parse(text) for text in reconstruction]
    chosen = suite_from_folders(reference, given, domain, match, cut_longer=cut_longer)
    check_same_folders(chosen, RunFolder(_root(chosen, output)).suite)
    chosen = select(chosen, [], [], metric or [])
    _apply(chosen, setting)
    _run(chosen, output, "cpu", workers, server)


def _warm_server(context: typer.Context) -> "WarmServer":
    """Let what scoring imports be imported while this process imports what it needs itself.

    The server ends with the command, also where that refuses its input.
    """
    from almbench.runner.warm import WarmServer

    return context.with_resource(WarmServer())


def _run(
    suite: "Suite",
    output: Path | None,
    device: Device,
    workers: int | None,
    server: "WarmServer | None",
    old: "Results | None" = None,
) -> None:
    from almbench.cli.outcome import print_outcome, print_repetition
    from almbench.runner.run import run_suite

    root = _root(suite, output)
    results = run_suite(suite, root, device, workers, server=server)
    code = print_outcome(results)
    if old:
        print_repetition(old, results)
    raise typer.Exit(code)


def _root(suite: "Suite", output: Path | None) -> Path:
    return output or Path("runs") / suite.name


def _apply(suite: "Suite", settings: list[str] | None) -> None:
    for family, values in metric_settings(settings).items():
        suite.settings.setdefault(family, {}).update(values)
