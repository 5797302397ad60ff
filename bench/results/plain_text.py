"""Numbers and tables as plain text, for comparisons to read and to take away."""

from collections.abc import Iterable, Sequence


def number(value: float | None, sign: str = "+") -> str:
    """A number of three digits, with its sign unless `sign` is empty; a dash for none."""
    return "–" if value is None else f"{value:{sign}.3g}"


def interval(low: float | None, high: float | None) -> str:
    """An interval in brackets."""
    return f"[{number(low)}, {number(high)}]"


def percent(share: float | None) -> str:
    """A share in percent; a dash for none.

    >>> percent(0.284)
    '28 %'
    """
    return "–" if share is None else f"{100 * share:.0f} %"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""A Markdown table.

    >>> print(markdown_table(["a", "b"], [["1", "x|y"]]), end="")
    | a | b |
    | --- | --- |
    | 1 | x\|y |
    """
    lines = [heads, ["---"] * len(heads), *rows]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)
