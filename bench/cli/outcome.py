"""What `bench run` and `bench score` print at the end: tables, failures, notes."""

import shlex
from collections import Counter

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.cli.missing import Missing, print_missing
from almbench.metrics.registry import family_names, make_family
from almbench.names import some
from almbench.results.cases import cases, read_all
from almbench.results.comparison import TIE, Comparison, Mark, cell, metric_label
from almbench.results.differences import made_differently, values_differ
from almbench.results.failures import failures, unavailable
from almbench.results.metric_record import MetricRecord
from almbench.results.results import Results

console = Console(highlight=False)
MAX_FAILURES = 20
FORMS: dict[Mark, str] = {
    "best": "[bold]{}[/]",
    "tied": "{}" + TIE,
    "next": "[underline]{}[/]",
    "": "{}",
}


def print_outcome(results: Results) -> int:
    """Print the tables of a run and what went wrong.

    Returns:
        The exit code: 0, or 1 where clips failed, or a codec or a metric that was asked for by name
        could not be used.
    """
    others: dict[str, None] = {}
    for comparison in filter(lambda made: made.filled, results.comparisons):
        others |= dict.fromkeys(metric.name for metric in _print_comparison(comparison))
    if others:
        console.print(f"Also computed: {', '.join(others)}. To see all:")
        where = shlex.quote(str(results.folder.root))
        console.print(f"bench export {where} --format markdown\n", soft_wrap=True)
    for skipped in results.manifest.skipped:
        console.print(f"[yellow]Skipped[/] {escape(skipped)}")
    if left_out := results.manifest.left_out:
        console.print(
            f"[yellow]Left out[/] of these tables, and in the folder from earlier runs: "
            f"{escape('; '.join(left_out))}. A run that asks for them has them again."
        )
    bad = _print_failures(results)
    _print_remarks(results)
    for advice in _advice(results):
        console.print(f"[dim]{escape(advice)}[/]")
    console.print(f"Tables: {results.folder.table('clips')}, metrics.csv, summary.csv")
    page = "A page of it" if results.manifest.source else "A page to listen to"
    console.print(f"{page}: bench site {results.folder.root}")
    return 1 if bad else 0


def _print_comparison(comparison: Comparison) -> list[MetricRecord]:
    """Print a comparison, in as many tables below each other as the width asks for.

    Returns:
        The metrics that have a value and no column.
    """
    labels = [comparison.names[codec.id].label for codec in comparison.lines]
    first = min(max(map(cell_len, ["codec", *labels])), 40, console.width // 2)
    shown = _chosen(comparison)
    parts: list[list[MetricRecord]] = [[]]
    used = 0
    for metric in shown:
        width = _width(comparison, metric) + 3
        if parts[-1] and used + width > console.width - first - 4:
            parts.append([])
            used = 0
        parts[-1].append(metric)
        used += width
    console.print(f"\n[bold]{escape(comparison.testset)}[/] (means over {comparison.over(shown)})")
    for part in filter(None, parts):
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("codec", max_width=first, no_wrap=True)
        for metric in part:
            table.add_column(metric_label(metric), justify="right")
        for label, codec in zip(labels, comparison.lines, strict=True):
            cells = [_cell(comparison, codec.id, metric) for metric in part]
            table.add_row(escape(label), *cells)
        console.print(table)
    for footnote in comparison.footnotes:
        console.print(f"[dim]{escape(footnote)}[/]")
    return [metric for metric in comparison.filled if metric not in shown]


def _print_remarks(results: Results) -> None:
    """Print what a referee would ask, codecs of one remark together."""
    names = results.comparisons[0].names if results.comparisons else {}
    grouped: dict[str, dict[str, None]] = {}
    for remark in results.remarks():
        codec = names[remark.codec].label
        grouped.setdefault(f"{remark.text} ({remark.testset})", {})[codec] = None
    if grouped:
        console.print("What a referee would ask about:")
    for text, codecs in grouped.items():
        console.print(f"- {escape(', '.join(codecs))}: {escape(text)}")


def _chosen(comparison: Comparison) -> list[MetricRecord]:
    """The bitrate and the domain's headline metrics; all, where they were asked for by name."""
    if comparison.of.metrics_requested:
        return comparison.filled
    chosen = [
        metric
        for metric in comparison.filled
        if comparison.domain in metric.headline or metric.computed_from == "bits"
    ]
    return chosen if len(chosen) > 1 else comparison.filled


def _width(comparison: Comparison, metric: MetricRecord) -> int:
    """The letters of the longest cell, or of the longest word of the heading."""
    cells = [cell(comparison, codec.id, metric) + TIE for codec in comparison.lines]
    return max(map(len, [*metric_label(metric).split(), *cells]))


def _cell(comparison: Comparison, codec: str, metric: MetricRecord) -> str:
    text = cell(comparison, codec, metric)
    return FORMS[comparison.mark(codec, metric)].format(text)


def _print_failures(results: Results) -> bool:
    """Print what failed and what could not be used; True if that is a fault of the run."""
    clips = results.clip_rows
    unusable = unavailable(clips)
    codecs = results.manifest.codecs_by_id
    print_missing(
        console,
        [
            Missing(id_, reason, codecs[id_].missing_cause, codecs[id_].missing_command)
            for id_, reason in unusable.items()
        ],
    )
    requested = _print_missing_metrics(results, set(unusable))
    failed = failures(clips)
    for line in failed[:MAX_FAILURES]:
        console.print(f"[red]Failed[/] {escape(line)}")
    if len(failed) > MAX_FAILURES:
        console.print(f"... and {len(failed) - MAX_FAILURES} other reasons: see clips.csv")
    notes = _notes(results)
    for note in notes[:MAX_FAILURES]:
        console.print(f"[yellow]Note[/] {escape(note)}")
    if len(notes) > MAX_FAILURES:
        console.print(f"... and {len(notes) - MAX_FAILURES} more: see clips.csv")
    counts = Counter(row.status for row in clips)
    console.print(", ".join(f"{n} {status}" for status, n in counts.items()) + " (clips x codecs)")
    return bool(failed or unusable or requested)


def _print_missing_metrics(results: Results, unusable: set[str]) -> bool:
    """Print which metrics have no value at all and why; True if one was asked for by name.

    Args:
        results: The results.
        unusable: Codecs that could not be used, whose values do not count.
    """
    requested = False
    for name, metric in results.by_metric:
        testset = results.manifest.testsets_by_name[name]
        rows = results.by_metric.rows_of(name, metric)
        rows = rows[~rows["codec"].isin(unusable)]
        if metric not in testset.metrics or rows.empty or rows["value"].notna().any():
            continue
        status, reason = rows["status"].iloc[0], rows["reason"].iloc[0]
        if status in {"unavailable", "skipped"}:
            console.print(f"[yellow]No value[/] {name} {metric} ({status}): {escape(reason)}")
        requested |= status == "unavailable" and testset.metrics_requested
    return requested


def _advice(results: Results) -> list[str]:
    """What would compute the same values faster."""
    ours = set(family_names())
    used = dict.fromkeys(m.family for m in results.manifest.metrics if m.family in ours)
    found = [make_family(name, {}).advice() for name in used]
    return list(dict.fromkeys(filter(None, found)))


def _notes(results: Results) -> list[str]:
    """What to know of clips that are ok, such as a length that differs."""
    clips: dict[tuple[str, str, str], dict[str, None]] = {}  # ids in order, each once
    for case in cases(read_all(results.folder, scores=False), results.manifest):
        if case.reconstruction.status != "ok":
            continue
        found = [("", note) for note in case.original_notes]
        found += [(f" by {case.codec.id}", note) for note in [case.reconstruction.note] if note]
        for by, note in found:
            clips.setdefault((case.testset.name, by, note), {})[case.clip.id] = None
    notes = []
    for (name, by, note), ids in clips.items():
        notes.append(f"{name}/{some(list(ids), 1)}{by}: {note}")
    return notes


def print_repetition(old: Results, new: Results) -> None:
    """Print what could not be the same in a repeated run, and which values differ."""
    others = made_differently(old, new)
    if others:
        console.print(f"\n[yellow]Not the same[/] as in {escape(str(old.folder.root))}:")
        for line in others:
            console.print(f"  {escape(line)}")
    both, equal, largest = values_differ(old, new)
    console.print(f"Repeated: {equal} of {both} values are the same.")
    for line in largest:
        console.print(f"  {escape(line)}")
