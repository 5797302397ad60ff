"""`bench compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from almbench.cli.options import FormOption, MetricOption, OutputOption
from almbench.cli.output import write
from almbench.errors import UserError, unknown

if TYPE_CHECKING:
    from almbench.results.compare import PairedComparison
    from almbench.results.results import Results


def compare(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    other: Annotated[
        Path | None, typer.Argument(metavar="RUN2", help="A newer run, compared with the first.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="CODEC",
            help="Codec of the first run to compare with. (default: the first; across two runs, "
            "each codec's older self)",
        ),
    ] = None,
    metric: MetricOption = None,
    fail_on_regression: Annotated[
        bool,
        typer.Option("--fail-on-regression", help="Exit code 1 where a codec is worse."),
    ] = False,
    form: FormOption = "table",
    output: OutputOption = None,
) -> None:
    """Compare codecs with a baseline, or two runs, clip by clip: differences, intervals, tests."""
    from almbench.results.compare import compare_codecs
    from almbench.results.compare_export import FORMS
    from almbench.results.differences import made_differently
    from almbench.results.results import load_results

    old = load_results(run)
    new = load_results(other) if other else old
    pairs = _pairs(old, new, baseline)
    made = compare_codecs(old, pairs, _metrics(new, metric), new)
    differences = made_differently(old, new) if other else []
    text = FORMS[form](made, differences)
    write(text, output)
    if fail_on_regression:
        _fail(made)


def _pairs(old: "Results", new: "Results", baseline: str | None) -> list[tuple[str, str]]:
    ids = list(old.manifest.codecs_by_id)
    if baseline is not None and baseline not in ids:
        raise UserError(f"--baseline: {unknown('codec', baseline, ids, 'in the run')}")
    if new is not old and baseline is None:
        return [(id_, id_) for id_ in ids if id_ in new.manifest.codecs_by_id]
    chosen = baseline or ids[0]
    return [(chosen, id_) for id_ in new.manifest.codecs_by_id if new is not old or id_ != chosen]


def _metrics(run: "Results", names: list[str] | None) -> list[str]:
    from almbench.results.compare import compared_metrics

    known = run.manifest.metrics_by_name
    if missing := [name for name in names or [] if name not in known]:
        raise UserError(unknown("metric", missing[0], known, "in the run"))
    return names or compared_metrics(run.manifest)


def _fail(made: "list[PairedComparison]") -> None:
    worse = [row for row in made if row.verdict == "worse"]
    for row in worse:
        typer.echo(
            f"Regression: {row.codec} is worse than {row.baseline} by {row.metric} "
            f"on {row.testset}: {row.difference:+.4g} (p = {row.p_holm:.2g})",
            err=True,
        )
    if worse:
        raise typer.Exit(1)
