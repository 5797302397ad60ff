"""`bench rate-distortion`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from almbench.cli.options import FormOption, MetricOption, OutputOption
from almbench.cli.output import write
from almbench.errors import UserError, unknown
from almbench.keyvalue import parse_pairs

if TYPE_CHECKING:
    from almbench.results.rate_distortion import Families


def rate_distortion(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    family: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=CODEC,...]",
            help="A codec family to compare, by its name or as a list of codecs; may be repeated. "
            "(default: all that have three operating points)",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="FAMILY", help="Family to compare with. (default: the first)"),
    ] = None,
    metric: MetricOption = None,
    form: FormOption = "table",
    output: OutputOption = None,
) -> None:
    """Compare codec families over their bitrates: BD-rate and BD-quality with intervals."""
    from almbench.results.rate_distortion import compare_families, families_of
    from almbench.results.rate_distortion_export import FORMS
    from almbench.results.results import load_results

    results = load_results(run)
    families = _chosen(family or [], families_of(results.manifest))
    if baseline is not None and baseline not in families:
        raise UserError(unknown("codec family", baseline, families, "with enough operating points"))
    first = baseline or next(iter(families), "")
    pairs = [(first, name) for name in families if name != first]
    rows = compare_families(results, families, pairs, metric)
    write(FORMS[form](rows), output)
    raise typer.Exit(0 if any(row.value is not None for row in rows) else 1)


def _chosen(asked: list[str], known: "Families") -> "Families":
    """The families that were asked for, or all."""
    chosen: dict[str, list[str]] = {}
    for text in asked:
        if "=" in text:
            example = "opus=opus-6,opus-12,opus-24"
            listed = parse_pairs("--family", [text], "NAME=CODEC,CODEC,...", example)
            chosen.update({name: ids.split(",") for name, ids in listed.items()})
        elif text in known:
            chosen[text] = list(known[text])
        else:
            raise UserError(unknown("codec family", text, known, "with enough operating points"))
    return chosen or known
