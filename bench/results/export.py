"""Comparisons to take away: as Markdown, and as LaTeX."""

from collections.abc import Sequence

import pandas as pd

from almbench.results.comparison import (
    MARKS,
    Comparison,
    cell,
    formatted,
    metric_label,
)


def to_markdown(table: Comparison) -> str:
    """A comparison as Markdown, marked as `MARKS` says."""
    cells = formatted(table, best="**{}**", second="<u>{}</u>", missing="")
    lines = [cells.columns, *cells.to_numpy()]
    columns = [[text.replace("|", r"\|") for text in column] for column in zip(*lines, strict=True)]
    widths = [max(3, *map(len, column)) for column in columns]
    first, *others = zip(*columns, strict=True)
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    body = [_markdown_row(row, widths) for row in (first, rule, *others)]
    return "\n".join([f"### {table.testset}", "", *body, "", MARKS])


def _markdown_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A row of a Markdown table: the first column to the left, the others to the right."""
    padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join([cells[0].ljust(widths[0]), *padded[1:]])} |"


def to_latex(table: Comparison) -> str:
    """A comparison as a booktabs table, marked as `MARKS` says."""
    metrics = table.filled
    labels = [metric_label(m) for m in metrics]
    cells = pd.DataFrame(
        {
            label: [cell(table, codec.id, metric, "--") for codec in table.codecs]
            for label, metric in zip(labels, metrics, strict=True)
        },
        index=[table.names[c.id].label for c in table.codecs],
    )
    styles = {0: "", 1: "textbf:--rwrap;", 2: "underline:--rwrap;"}
    marks = pd.DataFrame(
        {
            label: [styles[table.rank(codec.id, metric)] for codec in table.codecs]
            for label, metric in zip(labels, metrics, strict=True)
        },
        index=cells.index,
    )
    style = cells.style.apply(lambda _: marks, axis=None)
    style = style.format_index(escape="latex", axis=0).format_index(_latex_header, axis=1)
    text: str = style.to_latex(
        hrules=True,
        column_format="l" + "r" * len(labels),
        caption=f"Test set {_escape(table.testset)}: means over {table.of.size}. {MARKS}",
        label=f"tab:{table.testset}",
        position="t",
        position_float="centering",
    )
    return "% needs \\usepackage{booktabs}\n" + text


def _latex_header(label: object) -> str:
    return _escape(str(label)).replace("↑", r"$\uparrow$").replace("↓", r"$\downarrow$")


def _escape(text: str) -> str:
    return text.replace("\\", r"\textbackslash ").translate(
        {ord(c): "\\" + c for c in "&%$#_{}"} | {ord("~"): r"\textasciitilde "}
    )
