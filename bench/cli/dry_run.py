"""What `bench run --dry-run` prints."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.cli.missing import Missing, print_missing
from almbench.names import some
from almbench.progress import clock
from almbench.runner.forecast import Amount, Forecast
from almbench.runner.left_out import announced
from almbench.runner.run import foresee
from almbench.suite.config import Suite


def print_forecast(suite: Suite, root: Path, workers: int | None) -> int:
    """Print what a run would do, what is done already, how long it takes and how large it gets.

    Returns:
        The exit code: 0, or 1 where the run would have it for a codec or a metric that was asked
        for by name and cannot be used.
    """
    plan, found = foresee(suite, root, workers)
    console = Console(highlight=False)
    console.print(f"Suite {escape(suite.name)} would run into {escape(str(root))}:")
    for testset in plan.testsets:
        console.print(
            f"  {escape(testset.name)}: {_count(len(testset.clips), 'clip')} x "
            f"{_count(len(testset.usable), 'codec')}, {_count(len(testset.metrics), 'metric')}"
        )
    for skipped in plan.skipped:
        console.print(f"[yellow]Skipped[/] {escape(skipped)}")
    if found.left_out:
        console.print(f"[yellow]Left out[/] {escape(announced(found.left_out))}")
    console.print(_table(found))
    if found.workers:
        console.print(f"{_count(found.workers, 'other process', 'es')} at work on it now.")
    unread = f"; without {_count(found.unread, 'clip')} of unknown duration" if found.unread else ""
    console.print(
        f"Sounds to be stored: {clock(found.sound_s)}, at most {found.bytes / 1e9:.2g} GB{unread}"
    )
    if found.reconstructions.to_do or found.scores.to_do:
        console.print(_time_line(found, root))
    records = {c.record.id: c.record for t in plan.testsets for c in t.codecs if c.record.missing}
    print_missing(
        console,
        [Missing(r.id, r.missing, r.missing_cause, r.missing_command) for r in records.values()],
    )
    requested = False
    for testset in plan.testsets:
        for metric in testset.metrics:
            if metric.missing and testset.usable:
                requested |= testset.metrics_requested
                console.print(
                    f"[yellow]No value[/] {escape(testset.name)} {metric.name} (unavailable): "
                    f"{escape(metric.missing)}"
                )
    return 1 if records or requested else 0


def _table(found: Forecast) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("stage")
    for column in ("in all", "kept", "to do", "time", "units", "units done", "claimed"):
        table.add_column(column, justify="right")

    def add_row(name: str, amount: Amount, time: str) -> None:
        counts = (amount.total, amount.kept, amount.to_do)
        units = (amount.units, amount.units_done, amount.units_claimed)
        table.add_row(escape(name), *map(str, counts), time, *map(str, units))

    add_row("originals", found.originals, "")
    for name, amount, of_codecs in (
        ("reconstructions", found.reconstructions, found.codecs),
        ("scores", found.scores, found.codec_scores),
    ):
        add_row(name, amount, _time(amount))
        for id_, of_codec in of_codecs.items():
            add_row(f"  {id_}", of_codec, _time(of_codec))
    return table


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}{'' if number == 1 else plural}"


def _time(amount: Amount) -> str:
    if not amount.to_do:
        return ""
    return "?" if amount.unknown else clock(amount.seconds)


def _time_line(found: Forecast, root: Path) -> str:
    if found.seconds is not None:
        return f"Time: about {clock(found.seconds)}, by the speeds measured in {escape(str(root))}"
    unknown = escape(some(sorted(found.unknown), 5))
    return f"Time: not known, as no speed of {unknown} was measured in this folder yet"
