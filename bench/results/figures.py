"""Figures for papers: quality against bitrate, at the size at which they are printed."""

import re
from collections.abc import Sequence
from math import ceil
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from almbench.drawing import for_paper, style
from almbench.errors import UserError
from almbench.results.comparison import Comparison, metric_label
from almbench.results.metric_record import MetricRecord
from almbench.results.rate_plot import Look, draw_rate_plot
from almbench.results.rate_points import rate_points

Panel = tuple[Comparison, MetricRecord]
TEXT = 7.0  # points
LEAST_PANEL = 2.1  # inches of width, where several stand side by side
SHAPE = 0.72  # height of a panel over its width
LEFT, RIGHT, TOP, BOTTOM = 26, 5, 16, 27  # points around the axes of a panel
LOOK = Look(title=7.5, label=6.5, mark=4, letters=24, paper="white", title_left=3 - LEFT)
INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
WIDTHS = 1.5, 20.0  # inches
COLUMN = 3.3  # inches, of a page of two columns


def figure_width(text: str) -> float:
    """A width in inches.

    Args:
        text: A number with its unit: in, cm, mm, or pt as TeX counts them.

    Raises:
        UserError: It is none, or out of range.

    >>> figure_width("3.3in"), round(figure_width("84 mm"), 2)
    (3.3, 3.31)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(in|cm|mm|pt)", text.strip())
    width = float(found[1]) * INCHES[found[2]] if found else 0.0
    least, most = WIDTHS
    if not least <= width <= most:
        raise UserError(
            f"--width '{text}': give a number with in, cm, mm or pt, from {least:g}in to "
            f"{most:g}in, such as 3.3in for one column."
        )
    return width


def draw_figure(
    tables: Sequence[Comparison],
    metrics: Sequence[str],
    order: Sequence[str],
    width: float,
    format_: Literal["pdf", "svg"],
    highlight: str = "",
) -> bytes:
    """Draw quality against bitrate, one panel per test set and metric.

    Args:
        tables: The comparisons of the test sets.
        metrics: Names of the metrics; the headline metrics of each domain by default.
        order: The families of the run, which have their colours and shapes by it.
        width: Width in inches.
        format_: pdf, with fonts embedded as Type 42, or svg, with text as outlines.
        highlight: Id of a codec to point out.

    Raises:
        UserError: There is nothing to draw.
    """
    panels = [
        (table, metric)
        for table in tables
        for metric in table.metrics
        if (metric.name in metrics if metrics else table.domain in metric.headline)
        and len(rate_points(table, metric.name)[0]) >= 2
    ]
    if not panels:
        raise UserError(
            "There is nothing to draw: no metric of these has two codecs with a bitrate and a mean."
        )
    with style(TEXT):
        return for_paper(_figure(panels, order, width, highlight), format_)


def _figure(panels: list[Panel], order: Sequence[str], width: float, highlight: str) -> Figure:
    columns = min(len(panels), max(1, int(width / LEAST_PANEL)))
    rows = ceil(len(panels) / columns)
    wide = 72 * width / columns
    high = SHAPE * wide + TOP
    figure = Figure(figsize=(width, rows * high / 72), dpi=72)
    to_figure = figure.transFigure.inverted()
    several = len({table.testset for table, _ in panels}) > 1
    for i, (table, metric) in enumerate(panels):
        left, bottom = i % columns * wide + LEFT, (rows - 1 - i // columns) * high + BOTTOM
        box = left, bottom, wide - LEFT - RIGHT, high - TOP - BOTTOM
        axes = figure.add_axes(Bbox.from_bounds(*box).transformed(to_figure).bounds)
        title = metric_label(metric) + (f", {table.testset}" if several else "")
        draw_rate_plot(axes, table, metric, order, LOOK, title, highlight)
    return figure
