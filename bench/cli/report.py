"""What the command line prints: the outcome of a run, and the lists."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from almbench.errors import Unavailable
from almbench.metrics.base import DOMAINS
from almbench.results.comparison import (
    Comparison,
    cell,
    codec_label,
    compare,
    metric_label,
    with_values,
)
from almbench.results.records import ReconstructionRow, read_rows
from almbench.results.runfolder import RunFolder
from almbench.results.tables import Groups, records
from almbench.runner.plan import Plan
from almbench.runner.run import Outcome

console = Console(highlight=False)
FAILURES_SHOWN = 20


def print_outcome(outcome: Outcome, root: Path) -> int:
    """Print the tables of a run and what went wrong.

    Returns:
        The exit code: 0, or 1 where clips failed or codecs were unavailable.
    """
    for comparison in compare(RunFolder(root)):
        _print_comparison(comparison)
    for skipped in outcome.plan.skipped:
        console.print(f"Skipped, not there: {escape(skipped)}")
    bad = _print_failures(outcome, root)
    console.print(f"Tables: {root / 'clips.csv'}, metrics.csv, summary.csv")
    console.print(f"A page to listen: bench site {root}")
    return 1 if bad else 0


def _print_comparison(comparison: Comparison) -> None:
    """Print a comparison, in as many tables below each other as the width asks for."""
    labels = [codec_label(codec) for codec in comparison.codecs]
    room = console.width - min(max(map(len, labels)), 40) - 4
    parts: list[list[dict[str, Any]]] = [[]]
    used = 0
    for metric in with_values(comparison):
        width = max(map(len, metric_label(metric).split())) + 3
        if parts[-1] and used + width > room:
            parts.append([])
            used = 0
        parts[-1].append(metric)
        used += width
    console.print(f"\n[bold]{escape(comparison.testset)}[/] (means over clips)")
    for part in filter(None, parts):
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("codec", max_width=40, no_wrap=True)
        for metric in part:
            table.add_column(metric_label(metric), justify="right")
        for label, codec in zip(labels, comparison.codecs, strict=True):
            cells = [_cell(comparison, codec["id"], metric) for metric in part]
            table.add_row(escape(label), *cells)
        console.print(table)


def _cell(comparison: Comparison, codec: str, metric: dict[str, Any]) -> str:
    rank = comparison.ranks.loc[codec, metric["name"]]
    text = cell(comparison, codec, metric)
    return {1: f"[bold]{text}[/]", 2: f"[underline]{text}[/]"}.get(rank, text)


def _print_failures(outcome: Outcome, root: Path) -> bool:
    """Print what failed and what could not be used; True if clips or codecs are concerned."""
    clips, metrics = outcome.tables.clips, outcome.tables.metrics
    unavailable = clips[clips["status"] == "unavailable"]
    for (codec, reason), group in _groups(unavailable, "codec"):
        console.print(
            f"[yellow]Unavailable[/] codec {codec} ({len(group)} clips): {escape(reason)}"
        )
    asked = _print_lacking(metrics[~metrics["codec"].isin(unavailable["codec"])], outcome.plan)
    failed = clips[clips["status"] == "failed"]
    for row in records(failed.head(FAILURES_SHOWN)):
        where = f"{row['testset']}/{row['clip']} by {row['codec']}"
        console.print(f"[red]Failed[/] {escape(where)}: {escape(row['reason'])}")
    if len(failed) > FAILURES_SHOWN:
        console.print(f"... and {len(failed) - FAILURES_SHOWN} more: see clips.csv")
    for note in _notes(outcome, root):
        console.print(f"[yellow]Note[/] {escape(note)}")
    count = Counter(clips["status"])
    console.print(", ".join(f"{n} {status}" for status, n in count.items()) + " (clips x codecs)")
    return bool(len(failed) or len(unavailable) or asked)


def _print_lacking(metrics: pd.DataFrame, plan: Plan) -> bool:
    """Print which metrics have no value at all and why; True if one was asked for by name."""
    judged = {
        (testset.name, metric.name): judge.asked
        for testset in plan.testsets
        for judge in testset.judges
        for metric in judge.metrics
    }
    asked = False
    grouped = metrics.groupby(["testset", "metric"], sort=False)
    for (testset, metric), group in cast("Groups", grouped):
        if (testset, metric) not in judged or group["value"].notna().any():
            continue
        status, reason = group[["status", "reason"]].iloc[0]
        if status in {"unavailable", "skipped"}:
            console.print(f"[yellow]No value[/] {testset} {metric} ({status}): {escape(reason)}")
        asked |= status == "unavailable" and judged[testset, metric]
    return asked


def _groups(table: pd.DataFrame, column: str) -> Groups:
    return cast("Groups", table.groupby([column, "reason"], sort=False))


def _notes(outcome: Outcome, root: Path) -> list[str]:
    """What to know of reconstructions that are ok, such as a length that differs."""
    rows = read_rows(root, ReconstructionRow)
    clips: dict[tuple[str, str, str], list[str]] = {}
    for testset in outcome.plan.testsets:
        for entry in testset.entries:
            for clip in testset.clips:
                row = rows.get((testset.name, clip.id, entry.spec.id))
                if row and row.note:
                    clips.setdefault((testset.name, entry.spec.id, row.note), []).append(clip.id)
    notes = []
    for (name, codec, note), ids in clips.items():
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        notes.append(f"{name}/{ids[0]}{more} by {codec}: {note}")
    return notes


def print_list(thing: str) -> None:
    """Print a list of codecs, metrics, suites or test sets."""
    console.print(LISTS[thing]())


def _table(*columns: str) -> Table:
    """A table whose first column, the names that one types, is never cut."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for i, column in enumerate(columns):
        table.add_column(column, no_wrap=i == 0, overflow="fold")
    return table


def _domains(names: Iterable[str]) -> str:
    chosen = list(names)
    return "all" if set(chosen) == set(DOMAINS) else ", ".join(chosen)


def _codecs() -> Group:
    from almbench.codecs.registry import PRESETS, adapter_names, create

    table = _table("ready-made", "label", "domains", "usable", "licence")
    lacking: dict[str, list[str]] = {}
    for id_, preset in PRESETS.items():
        codec = create(id_, preset.label, preset.adapter, preset.options)
        try:
            codec.fetch(network=False)
        except Unavailable as error:
            lacking.setdefault(str(error), []).append(id_)
        usable = "no" if any(id_ in ids for ids in lacking.values()) else "yes"
        spec = codec.spec
        label = codec_label(spec.model_dump() | {"nominal_kbps": spec.nominal_kbps})
        licence = f"{spec.licence}; weights: {spec.weights_licence}".removesuffix("; weights: ")
        table.add_row(id_, escape(label), _domains(preset.domains), usable, escape(licence))
    notes = [f"[bold]{', '.join(ids)}[/]: {escape(why)}\n" for why, ids in lacking.items()]
    adapters = f"Adapters, for codecs with options of yours: {', '.join(adapter_names())}."
    return Group(table, *notes, adapters)


def _metrics() -> Table:
    from almbench.metrics.registry import DEFAULT_METRICS, family_names, make_family

    table = _table("metric", "better", "rate (Hz)", "default for", "computed by", "usable here")
    for name in family_names():
        family = make_family(name, {})
        for metric in family.metrics:
            default = [d for d, names in DEFAULT_METRICS.items() if metric.name in names]
            table.add_row(
                metric.name,
                {True: "higher", False: "lower", None: ""}[metric.higher_is_better],
                str(family.rate or "scoring"),
                _domains(default),
                family.version(),
                escape(family.missing() or "yes"),
            )
    return table


def _suites() -> Table:
    from almbench.suite.load import builtin_suites, load_suite

    table = _table("suite", "title", "test sets", "codecs")
    for name in builtin_suites():
        suite = load_suite(name)
        sets = ", ".join(t.name for t in suite.testset)
        table.add_row(name, suite.title, sets, ", ".join(c.id for c in suite.codec))
    return table


def _testsets() -> Table:
    from almbench.suite.layouts import LAYOUTS
    from almbench.suite.load import builtin_suites, load_suite

    table = _table("test set", "in suite or as", "where")
    for name in builtin_suites():
        for testset in load_suite(name).testset:
            table.add_row(testset.name, f"suite {name}", escape(testset.path))
    for layout, read in LAYOUTS.items():
        what = (read.__doc__ or "").split("\n")[0]
        table.add_row(layout, "layout of your copy", escape(what))
    return table


LISTS = {"codecs": _codecs, "metrics": _metrics, "suites": _suites, "testsets": _testsets}
