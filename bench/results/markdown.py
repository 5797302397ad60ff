"""Comparisons as Markdown."""

from collections.abc import Sequence

from almbench.results.comparison import MARKS, TIE, Comparison, Mark, formatted

FORMS: dict[Mark, str] = {"best": "**{}**", "tied": "{}" + TIE, "next": "<u>{}</u>", "": "{}"}


def to_markdown(table: Comparison, *, intervals: bool = False) -> str:
    """A comparison as Markdown, marked as `MARKS` says, with the footnotes of its metrics.

    Args:
        table: The comparison.
        intervals: Whether each mean has its 95 % interval beside it.
    """
    cells = formatted(table, FORMS, missing="", intervals=intervals)
    lines = [cells.columns, *cells.to_numpy()]
    columns = [[text.replace("|", r"\|") for text in column] for column in zip(*lines, strict=True)]
    widths = [max(3, *map(len, column)) for column in columns]
    first, *others = zip(*columns, strict=True)
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    body = [_markdown_row(row, widths) for row in (first, rule, *others)]
    return "\n".join([f"### {table.testset}", "", *body, "", " ".join([MARKS, *table.footnotes])])


def _markdown_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A row of a Markdown table: the first column to the left, the others to the right."""
    padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join([cells[0].ljust(widths[0]), *padded[1:]])} |"
