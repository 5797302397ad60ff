"""What the command line prints: the outcome of a run, and the lists."""

from collections import Counter
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.comparison import Comparison, codec_label, compare, metric_label
from almbench.records import ReconstructionRow, read_rows
from almbench.run import Outcome
from almbench.runfolder import RunFolder

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
    shown = [m for m in comparison.metrics if comparison.means[m["name"]].notna().any()]
    table = Table(title=f"{comparison.testset} (means over clips)", title_justify="left")
    table.add_column("codec", overflow="fold")
    for metric in shown:
        table.add_column(metric_label(metric), justify="right")
    for codec in comparison.codecs:
        cells = []
        for metric in shown:
            value = comparison.means.loc[codec["id"], metric["name"]]
            rank = comparison.ranks.loc[codec["id"], metric["name"]]
            text = "" if pd.isna(value) else f"{value:.{metric['digits']}f}"
            cells.append({1: f"[bold]{text}[/]", 2: f"[underline]{text}[/]"}.get(rank, text))
        table.add_row(escape(codec_label(codec)), *cells)
    console.print(table)


def _print_failures(outcome: Outcome, root: Path) -> bool:
    """Print what failed and what could not be used; True if clips or codecs are concerned."""
    clips, metrics = outcome.tables.clips, outcome.tables.metrics
    unavailable = clips[clips["status"] == "unavailable"]
    for (codec, reason), group in unavailable.groupby(["codec", "reason"], sort=False):
        console.print(
            f"[yellow]Unavailable[/] codec {codec} ({len(group)} clips): {escape(reason)}"
        )
    lacking = metrics[
        (metrics["status"] == "unavailable") & ~metrics["codec"].isin(unavailable["codec"])
    ]
    for (metric, reason), _ in lacking.groupby(["metric", "reason"], sort=False):
        console.print(f"[yellow]Unavailable[/] metric {metric}: {escape(reason)}")
    failed = clips[clips["status"] == "failed"]
    for row in failed.head(FAILURES_SHOWN).to_dict("records"):
        where = f"{row['testset']}/{row['clip']} by {row['codec']}"
        console.print(f"[red]Failed[/] {escape(where)}: {escape(row['reason'])}")
    if len(failed) > FAILURES_SHOWN:
        console.print(f"... and {len(failed) - FAILURES_SHOWN} more: see clips.csv")
    for row in _notes(outcome, root):
        console.print(f"[yellow]Note[/] {escape(row)}")
    count = Counter(clips["status"])
    console.print(", ".join(f"{n} {status}" for status, n in count.items()) + " (clips x codecs)")
    return bool(len(failed) or len(unavailable))


def _notes(outcome: Outcome, root: Path) -> list[str]:
    """What to know of reconstructions that are ok, such as a length that differs."""
    planned = {
        (t.name, c.id, e.spec.id) for t in outcome.plan.testsets for c in t.clips for e in t.entries
    }
    rows = read_rows(root, ReconstructionRow)
    return [
        f"{row.testset}/{row.clip} by {row.codec}: {row.note}"
        for key, row in rows.items()
        if row.note and key in planned
    ]


def print_list(thing: str) -> None:
    """Print a list of codecs, metrics, suites or test sets."""
    console.print(LISTS[thing]())


def _codecs() -> Table:
    from almbench.codecs.registry import PRESETS, adapter, adapter_names

    table = Table("id", "label", "adapter", "domains", "usable here")
    missing = {name: adapter(name).missing() for name in adapter_names()}
    for id_, preset in PRESETS.items():
        state = missing[preset.adapter] or "yes"
        table.add_row(id_, preset.label, preset.adapter, ", ".join(preset.domains), escape(state))
    for name in adapter_names():
        if name not in {p.adapter for p in PRESETS.values()}:
            table.add_row("", "", name, "", escape(missing[name] or "yes"))
    return table


def _metrics() -> Table:
    from almbench.metrics.registry import DEFAULT_METRICS, all_families

    table = Table("metric", "what", "better", "rate", "computed by", "default for", "usable here")
    for family in all_families():
        for metric in family.metrics:
            better = {True: "higher", False: "lower", None: "-"}[metric.higher_is_better]
            rate = f"{family.rate} Hz" if family.rate else "scoring rate"
            default = [d for d, names in DEFAULT_METRICS.items() if metric.name in names]
            table.add_row(
                metric.name,
                metric.label,
                better,
                rate,
                family.version(),
                ", ".join(default),
                escape(family.missing() or "yes"),
            )
    return table


def _suites() -> Table:
    from almbench.suite import builtin_suites, load_suite

    table = Table("suite", "title", "test sets", "codecs")
    for name in builtin_suites():
        suite = load_suite(name)
        sets = ", ".join(t.name for t in suite.testset)
        table.add_row(name, suite.title, sets, ", ".join(c.id for c in suite.codec))
    return table


def _testsets() -> Table:
    from almbench.layouts import LAYOUTS
    from almbench.suite import builtin_suites, load_suite

    table = Table("test set", "domain", "where")
    for name in builtin_suites():
        for testset in load_suite(name).testset:
            table.add_row(f"{name}: {testset.name}", testset.domain, escape(testset.path))
    for layout, read in LAYOUTS.items():
        table.add_row(f"layout {layout}", "your copy", escape((read.__doc__ or "").split("\n")[0]))
    return table


LISTS = {"codecs": _codecs, "metrics": _metrics, "suites": _suites, "testsets": _testsets}
