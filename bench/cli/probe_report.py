"""What `bench probe` prints at the end: the numbers, and what there is not."""

from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.results.frames import from_frame
from almbench.results.plain_text import number
from almbench.results.probes import ALL_BOOKS, probe_table
from almbench.results.table_rows import ProbeRow
from almbench.tokens.probing import Probed

MOST = 1000  # columns of a terminal
TEXTS = ("codec", "input", "book")
NONE = number(None)


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
        console.print(_table(list(same), console), crop=False, soft_wrap=True)
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
        if row.value is not None and row.reason
    ):
        console.print(f"[yellow]Note[/] {escape(remark)}")
    for reason in probed.not_continued:
        console.print(f"[yellow]Not continued[/] {escape(reason)}")
    more = len(found) - len(shown)
    also = f", with {more} values of single codebooks" if more else ""
    console.print(f"Table: {probed.folder.table('probes')}{also}")
    return 1 if any(record.status == "unavailable" for record in probed.records) else 0


def _table(rows: list[ProbeRow], console: Console) -> Table:
    """The values of some rows, without columns that say nothing.

    Where a terminal is too narrow, what values are of is folded, then the names of codecs, at
    spaces; numbers never are.
    """
    columns = {
        "codec": [row.label or row.codec for row in rows],
        "input": [row.input for row in rows],
        "book": ["" if row.book == ALL_BOOKS else row.book for row in rows],
        "value": [f"{_number(row.value)} {row.unit}".strip() for row in rows],
        "95 % interval": [_interval(row) for row in rows],
        "n": [str(row.n) for row in rows],
        "chance": [_number(row.chance) for row in rows],
        "baseline": [_number(row.baseline) for row in rows],
    }
    shown = {name: cells for name, cells in columns.items() if set(cells) - {"", NONE}}
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in shown:
        table.add_column(name, justify="left" if name in TEXTS else "right", no_wrap=True)
    for cells in zip(*shown.values(), strict=True):
        table.add_row(*map(escape, cells))
    table.width = console.measure(table, options=console.options.update(max_width=MOST)).maximum
    for column in sorted(table.columns, key=lambda column: column.header == "codec"):
        if table.width > console.width and column.header in TEXTS:
            texts = [str(column.header), *shown[str(column.header)]]
            widest = max(map(cell_len, texts))
            least = max(cell_len(word) for text in texts for word in text.split())
            column.width = max(least, widest - (table.width - console.width))
            column.no_wrap = False
            table.width -= widest - column.width
    return table


def _group(row: ProbeRow) -> tuple[str, str, str]:
    return row.testset, row.measure, row.target


def _whole(row: ProbeRow) -> tuple[str, ...]:
    """What a row of a single codebook is a part of."""
    return *_group(row), row.codec, row.input


def _number(value: float | None) -> str:
    """A number; a dash for none."""
    return number(value, sign="")


def _interval(row: ProbeRow) -> str:
    return (
        f"[{_number(row.ci95_low)}, {_number(row.ci95_high)}]" if row.ci95_low is not None else ""
    )
