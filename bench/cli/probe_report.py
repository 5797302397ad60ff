"""What `bench probe` prints at the end: the numbers, and what there is not."""

from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.results.frames import from_frame
from almbench.results.plain_text import number
from almbench.results.probes import ALL_BOOKS, probe_table
from almbench.results.table_rows import ProbeRow
from almbench.tokens.probing import Probed

MOST = 1000  # columns of a terminal


def print_probes(probed: Probed) -> int:
    """Print a table per test set, measure and target, and what could not be computed.

    Single codebooks have lines only where there is none of all of them; the file has both.

    Returns:
        The exit code: 0, or 1 where a measure could not be computed for want of a package, or no
        codes of a codec can be used.
    """
    console = Console(highlight=False)
    rows = from_frame(probe_table(probed.records), ProbeRow)
    found = [row for row in rows if row.value is not None]
    of_all = {_whole(row) for row in found if row.book == ALL_BOOKS}
    shown = [row for row in found if row.book == ALL_BOOKS or _whole(row) not in of_all]
    for (testset, measure, target), same in groupby(sorted(shown, key=_group), key=_group):
        console.print(f"\n[bold]{escape(testset)}[/] {measure} {escape(target)}".rstrip())
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for column in ("codec", "input"):
            table.add_column(column, overflow="fold")
        table.add_column("book", no_wrap=True)
        for column in ("value", "95 % interval", "n", "chance", "baseline"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in same:
            table.add_row(
                escape(row.label or row.codec), row.input, row.book,
                f"{_number(row.value)} {row.unit}".strip(), _interval(row),
                str(row.n), _number(row.chance), _number(row.baseline),
            )  # fmt: skip
        wide = console.options.update(max_width=MOST)
        least = console.measure(table, options=wide).minimum  # numbers are never cut
        table.width = least if least > console.width else None
        console.print(table, crop=False, soft_wrap=True)
    for reason in dict.fromkeys(
        " ".join(filter(None, (row.testset, row.measure, row.target, row.input)))
        + f" of {row.codec}: {row.reason}"
        for row in rows
        if row.value is None
    ):
        console.print(f"[yellow]No value[/] {escape(reason)}")
    for remark in dict.fromkeys(
        f"{row.testset} {row.measure} {row.target}: {row.reason}"
        for row in rows
        if row.value is not None and row.ci95_low is not None and row.reason
    ):
        console.print(f"[yellow]Note[/] {escape(remark)}")
    for reason in probed.not_continued:
        console.print(f"[yellow]Not continued[/] {escape(reason)}")
    more = len(found) - len(shown)
    also = f", with {more} values of single codebooks" if more else ""
    console.print(f"Table: {probed.folder.table('probes')}{also}")
    return 1 if any(record.status == "unavailable" for record in probed.records) else 0


def _group(row: ProbeRow) -> tuple[str, str, str]:
    return row.testset, row.measure, row.target


def _whole(row: ProbeRow) -> tuple[str, ...]:
    """What a row of a single codebook is a part of."""
    return *_group(row), row.codec, row.input


def _number(value: float | None) -> str:
    return number(value, sign="")


def _interval(row: ProbeRow) -> str:
    return (
        f"[{_number(row.ci95_low)}, {_number(row.ci95_high)}]" if row.ci95_low is not None else ""
    )
