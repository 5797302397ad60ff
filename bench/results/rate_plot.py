"""Quality against bitrate, drawn: marks at their bitrates, labels beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from almbench.drawing import FAMILIES, LIGHT, short
from almbench.labels import Boxes, place_labels
from almbench.results.codec_names import UNIT
from almbench.results.comparison import Comparison, metric_label
from almbench.results.metric_record import MetricRecord
from almbench.results.rate_points import Point, front, rate_points

MARKERS = "os^DvPX"
HEIGHT, DESCENT = 1.2, 0.3  # of a label and of what hangs below its line, by its font size


@dataclass(frozen=True)
class Look:
    """Sizes of a plot, in points.

    Attributes:
        title: Font size of the title.
        label: Font size of the labels of codecs.
        mark: Size of the marks.
        letters: Letters of a label, at most.
        paper: Colour of the ground, within hollow marks.
        title_left: Where the title begins, from the left of the axes.
        title_up: Where it stands, from their top.
    """

    title: float
    label: float
    mark: float
    letters: int
    paper: str
    title_left: float
    title_up: float = 6

    @property
    def scale(self) -> float:
        """How much larger lines and distances are than beside labels of 8 points."""
        return max(1.0, self.label / 8)


def draw_rate_plot(
    axes: Axes,
    table: Comparison,
    metric: MetricRecord,
    order: Sequence[str],
    look: Look,
    title: str = "",
    highlight: str = "",
    points: list[Point] | None = None,
    rate: str = f"Bitrate ({UNIT})",
) -> None:
    """Draw the codecs of a test set by a metric; needs two with a bitrate.

    Args:
        axes: Where to draw, in a figure of 72 dots per inch, at its final place.
        table: The comparison of the test set.
        metric: The metric.
        order: The families of the run, which have their colours and shapes by it.
        look: Sizes.
        title: Title; by default the metric's label.
        highlight: Id of a codec to point out.
        points: The codecs in the order of their rates; by default those that have a bitrate.
        rate: What the rates are, with their unit.
    """
    points = rate_points(table, metric.name, highlight)[0] if points is None else points
    ahead = front(points, metric.higher_is_better)
    _frame(axes, points)
    axes.set_xlabel(rate, labelpad=2)
    axes.annotate(
        title or metric_label(metric), (0, 1), (look.title_left, look.title_up),
        xycoords="axes fraction", textcoords="offset points", fontsize=look.title, weight="bold",
    )  # fmt: skip
    steps = _steps(axes, ahead)
    if steps:
        (line,) = axes.plot(*zip(*steps, strict=True), color=LIGHT["quiet"], dashes=(3, 2))
        line.set_linewidth(look.scale)
    for family in order:
        of_family = [point for point in points if point.family == family]
        colour, _ = _look_of(family, order)
        rates, values = [p.rate for p in of_family], [p.value for p in of_family]
        axes.plot(rates, values, color=colour, linewidth=1.2 * look.scale, alpha=0.4)
    for point in points:
        _mark(axes, point, order, look)
    _labels(axes, points, order, steps, look)


def _frame(axes: Axes, points: list[Point]) -> None:
    rates = [point.rate for point in points]
    ends = [v for p in points for v in (p.value, p.low, p.high) if not isnan(v)]
    span = max(ends) - min(ends) or abs(ends[0]) or 1.0
    axes.set_xscale("log")
    # Wide enough to have ticks, and room for the labels.
    stretch = max(1.7, 2.5 / (max(rates) / min(rates)))
    axes.set_xlim(min(rates) / stretch, max(rates) * stretch)
    axes.set_ylim(min(ends) - 0.15 * span, max(ends) + 0.15 * span)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=LIGHT["grid"], linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", length=3)
    axes.tick_params(axis="x", which="minor", length=1.8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _steps(axes: Axes, ahead: list[Point]) -> list[tuple[float, float]]:
    """The corners of the Pareto front, on to the right edge: none of a single point."""
    if len(ahead) < 2:
        return []
    corners = [(ahead[0].rate, ahead[0].value)]
    for point in ahead[1:]:
        corners += [(point.rate, corners[-1][1]), (point.rate, point.value)]
    return [*corners, (axes.get_xlim()[1], corners[-1][1])]


def _look_of(family: str, order: Sequence[str]) -> tuple[str, str]:
    """Colour and shape, which both tell the family, as not everyone sees all colours."""
    if family not in order:
        return LIGHT["quiet"], "x"
    place = order.index(family)
    return FAMILIES[place % len(FAMILIES)], MARKERS[place % len(MARKERS)]


def _mark(axes: Axes, point: Point, order: Sequence[str], look: Look) -> None:
    colour, shape = _look_of(point.family, order)
    if not isnan(point.low):
        axes.plot(
            [point.rate] * 2,
            [point.low, point.high],
            color=colour,
            linewidth=0.9 * look.scale,
            alpha=0.6,
        )
    face = colour if point.measured else look.paper
    axes.plot(
        point.rate, point.value, shape, markersize=look.mark, color=colour, markerfacecolor=face,
        markeredgewidth=look.scale, gid=f"mark-{point.codec}",
    )  # fmt: skip


def _labels(
    axes: Axes,
    points: list[Point],
    order: Sequence[str],
    steps: list[tuple[float, float]],
    look: Look,
) -> None:
    texts = []
    for point in points:
        weight = "bold" if point.highlighted else "normal"
        label = short(point.label, look.letters)
        texts.append(axes.text(0, 0, label, fontsize=look.label, weight=weight, transform=None))
    marks = axes.transData.transform([(p.rate, p.value) for p in points])
    widths = np.array([text.get_window_extent().width for text in texts])
    lines = [[(p.rate, p.value) for p in points if p.family == family] for family in order]
    bars = [[(p.rate, p.low), (p.rate, p.high)] for p in points if not isnan(p.low)]
    drawn = [axes.transData.transform(line) for line in [*lines, *bars, steps] if line]
    taken = _obstacles(marks, drawn, look.mark)
    taken[:, :4] /= look.scale
    size = HEIGHT * look.label / look.scale
    page = np.array(axes.bbox.extents) / look.scale
    placed = place_labels(marks / look.scale, widths / look.scale, size, taken, page)
    for text, place, mark in zip(texts, placed, marks, strict=True):
        left, bottom = place.left * look.scale, place.bottom * look.scale
        text.set_position((left, bottom + DESCENT * look.label))
        if place.anchor:
            anchor = np.array(place.anchor) * look.scale
            ends = axes.transData.inverted().transform([mark, anchor])
            axes.plot(*ends.T, color=LIGHT["quiet"], linewidth=0.6 * look.scale, zorder=1.5)


def _obstacles(marks: Boxes, lines: list[Boxes], size: float) -> Boxes:
    """What labels should not cover, each with how much it matters: **Shape** `[M, 5]`."""
    half = size / 2 + 1
    boxes = [(x - half, y - half, x + half, y + half, 3.0) for x, y in marks]
    for line in lines:
        for a, b in pairwise(line):
            for t in np.linspace(0, 1, 40):
                x, y = a + (b - a) * t
                boxes.append((x - 1, y - 1, x + 1, y + 1, 0.4))
    return np.array(boxes)
