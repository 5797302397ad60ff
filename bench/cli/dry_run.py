"""What `bench run --dry-run` prints."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.cli.missing import Missing, print_missing
from almbench.progress import clock
from almbench.runner.forecast import Amount, Forecast
from almbench.runner.run import foresee
from almbench.suite.config import Suite


def print_forecast(suite: Suite, root: Path, workers: int | None) -> None:
    """Print what a run would do, what is done already, how long it takes and how large it gets."""
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
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("stage")
    for column in ("in all", "kept", "to do", "time"):
        table.add_column(column, justify="right")
    _add_row(table, "originals", found.originals, "")
    _add_row(table, "reconstructions", found.reconstructions, _time(found.reconstructions))
    for id_, amount in found.codecs.items():
        _add_row(table, f"  {id_}", amount, _time(amount))
    _add_row(table, "scores", found.scores, _time(found.scores))
    console.print(table)
    unread = f"; without {_count(found.unread, 'clip')} of unknown duration" if found.unread else ""
    console.print(
        f"Sounds to be stored: {clock(found.sound_s)}, at most {found.bytes / 1e9:.2g} GB{unread}"
    )
    console.print(_time_line(found, root))
    records = {c.record.id: c.record for t in plan.testsets for c in t.codecs if c.record.missing}
    print_missing(
        console,
        [Missing(r.id, r.missing, r.missing_cause, r.missing_command) for r in records.values()],
    )


def _add_row(table: Table, name: str, amount: Amount, time: str) -> None:
    table.add_row(escape(name), str(amount.total), str(amount.kept), str(amount.to_do), time)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _time(amount: Amount) -> str:
    return "?" if amount.unknown else clock(amount.seconds)


def _time_line(found: Forecast, root: Path) -> str:
    if found.seconds is not None:
        return f"Time: about {clock(found.seconds)}, by the speeds measured in {escape(str(root))}"
    shown = ", ".join(sorted(found.unknown)[:5])
    more = len(found.unknown) - 5
    rest = f" and {more} more" if more > 0 else ""
    return f"Time: not known, as no speed of {escape(shown)}{rest} was measured in this folder yet"
