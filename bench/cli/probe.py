"""`bench probe`: what the tokens carry."""

from pathlib import Path
from typing import Annotated

import typer

from almbench.cli.options import Device, metric_settings
from almbench.errors import UserError


def probe(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", help="Run folder; none where --codes and --labels say all."),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(metavar="MEASURE", help="Only this measure; may be repeated."),
    ] = None,
    testset: Annotated[
        list[str] | None,
        typer.Option(metavar="TESTSET", help="Only this test set; may be repeated."),
    ] = None,
    codec: Annotated[
        list[str] | None, typer.Option(metavar="CODEC", help="Only this codec; may be repeated.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of labels to look for in the codes; may be repeated. (default: all)",
        ),
    ] = None,
    codes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FOLDER",
            help="Token files of a codec that is not in the run: CLIP.npz with an array 'codes' "
            "of codebooks x frames; may be repeated.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of labels: a column 'id', and one per label."),
    ] = None,
    kmeans: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Compare with the simplest tokenizer, too: k-means of log-mel spectra with N "
            "entries. (default: none)",
            show_default=False,
        ),
    ] = 0,
    continuations: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Let a language model continue N clips of each codec with few tokens a second, "
            "as sounds for the page. (default: none)",
            show_default=False,
        ),
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Folder to write to, without a run folder."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of all that is drawn.")] = 0,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="MEASURE.KEY=VALUE", help="A measure's setting."),
    ] = None,
    device: Annotated[
        Device, typer.Option(help="Where models are trained and neural codecs run.")
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes that compute measures side by side. (default: all cores; 1 with CUDA)",
        ),
    ] = None,
) -> None:
    """Measure what the codes of a run carry, and write probes.csv: labels, words, redundancy."""
    from almbench.cli.probe_report import print_probes
    from almbench.devices import choose, cpu_count
    from almbench.tokens.measure import Effort
    from almbench.tokens.probing import Wanted
    from almbench.tokens.probing import probe as compute
    from almbench.tokens.token_files import Labels, TokenFolder

    folders = [TokenFolder.parse(text) for text in codes or []]
    if run is None and not (folders and labels):
        raise UserError("Give a run folder, or --codes FOLDER with --labels FILE.")
    if run is not None and output is not None:
        raise UserError(f"The results go into the run folder {run}: leave -o out.")
    kind = choose(device, used=True).kind
    records = compute(
        run or output or Path("runs") / f"probe-{folders[0].name}",
        Wanted(measure or (), testset or (), codec or (), label or ()),
        folders=folders,
        labels=Labels.read(labels) if labels else None,
        alone=run is None,
        kmeans=kmeans,
        continued=continuations,
        settings=metric_settings(setting),
        effort=Effort(seed, kind),
        workers=workers or (cpu_count() if kind == "cpu" else 1),
    )
    raise typer.Exit(print_probes(records))
