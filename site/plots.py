"""Quality against bitrate, for light and for dark pages."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import isnan, nan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox, IdentityTransform
from numpy.typing import NDArray

from almbench.drawing import LIGHT, in_themes, short, style
from almbench.results.comparison import Comparison, metric_label
from almbench.results.manifest import MetricRecord
from almbench.site.source import kbps, number

SIZE = 300, 250  # points
Extents = NDArray[np.float64]
APART = 6  # points, at least, between two marks
LONGEST_LABEL = 28  # letters
LABEL_HEIGHT = 10.0  # points
# Where a label may stand to its point: directions, tried near first.
DIRECTIONS = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]
DISTANCES = [6, 15, 26, 38]


@dataclass(frozen=True)
class Point:
    """A codec in a plot; `low` and `high` are the ends of its interval."""

    label: str
    family: str
    rate: float
    measured: bool
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spot:
    """A point on the drawing, in points from its lower left."""

    point: Point
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Plot:
    """A plot, as SVG a theme, with what is to be said of it.

    Attributes:
        metric: Name of the metric.
        caption: What is drawn.
        alt: What is seen.
        left_out: Codecs without a bitrate.
        height: Height of the drawing in points.
        svg: The drawing of each theme.
        address: Where each theme's drawing was published.
    """

    metric: str
    caption: str
    alt: str
    left_out: list[str]
    height: int
    svg: dict[str, bytes]
    address: dict[str, str] = field(default_factory=dict)


def plots(table: Comparison) -> list[Plot]:
    """Draw the main metrics of a test set, those that have two codecs with bitrate and value."""
    made = []
    for metric in table.metrics:
        if table.domain in metric.headline:
            points, left_out = _points(table, metric.name)
            if len(points) >= 2:
                ahead = front(points, metric.higher_is_better)
                svg = _draw(points, ahead, metric)
                alt = _alt(table.testset, metric, points, ahead)
                made.append(Plot(metric.name, metric_label(metric), alt, left_out, SIZE[1], svg))
    return made


def _points(table: Comparison, metric: str) -> tuple[list[Point], list[str]]:
    """The codecs by bitrate, measured or else nominal; and the labels of those that have none."""
    points, left_out = [], []
    for codec in table.codecs:
        row = table.cells.get((codec.id, metric))
        if row is None or row.mean is None:
            continue
        measured = table.mean(codec.id, "measured_kbps")
        rate = measured or codec.nominal_kbps
        if not rate:
            left_out.append(table.names[codec.id].short)
            continue
        low, high = (nan if end is None else end for end in (row.ci95_low, row.ci95_high))
        mark = Point(
            table.names[codec.id].short, codec.family, rate, bool(measured), row.mean, low, high
        )
        points.append(mark)
    return sorted(points, key=lambda p: (p.rate, p.value)), left_out


def front(points: list[Point], higher_is_better: bool | None) -> list[Point]:
    """The Pareto front: points that no other beats at their bitrate or below it.

    Args:
        points: In the order of their bitrates.
        higher_is_better: Which way is better; where neither is, there is no front.
    """
    if higher_is_better is None:
        return []
    sign = 1 if higher_is_better else -1
    ahead: list[Point] = []
    for point in sorted(points, key=lambda p: (p.rate, -sign * p.value)):
        if not ahead or sign * point.value > sign * ahead[-1].value:
            ahead.append(point)
    return ahead


def _alt(testset: str, metric: MetricRecord, points: list[Point], ahead: list[Point]) -> str:
    def named(point: Point) -> str:
        value = number(point.value, metric.digits)
        return f"{point.label} with {value} at {kbps(point.rate)} kbps"

    lowest, highest = min(points, key=lambda p: p.value), max(points, key=lambda p: p.value)
    said = (
        f"{metric.label} against bitrate on test set {testset}: {len(points)} codecs from "
        f"{kbps(points[0].rate)} to {kbps(points[-1].rate)} kbps. "
        f"Highest {named(highest)}, lowest {named(lowest)}."
    )
    return said + (f" On the Pareto front: {'; '.join(map(named, ahead))}." if ahead else "")


def _draw(points: list[Point], ahead: list[Point], metric: MetricRecord) -> dict[str, bytes]:
    with style():
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        axes = figure.add_axes((0.12, 0.15, 0.86, 0.755))
        _axes(axes, points, metric)
        spots = _spots(axes, points)
        steps = _steps(axes, [spot for spot in spots if spot.point in ahead])
        _marks(axes, spots, steps)
        _labels(axes, spots, steps)
        return in_themes(figure)


def _axes(axes: Axes, points: list[Point], metric: MetricRecord) -> None:
    rates = [point.rate for point in points]
    ends = [v for p in points for v in (p.value, p.low, p.high) if not isnan(v)]
    span = max(ends) - min(ends) or abs(ends[0]) or 1.0
    axes.set_xscale("log")
    # Wide enough to have ticks, and room for the labels.
    stretch = max(1.7, 2.5 / (max(rates) / min(rates)))
    axes.set_xlim(min(rates) / stretch, max(rates) * stretch)
    axes.set_ylim(min(ends) - 0.15 * span, max(ends) + 0.15 * span)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.set_xlabel("kbps")
    axes.set_title(metric_label(metric), loc="left", fontsize=9.5, fontweight="bold")
    axes.grid(color=LIGHT["grid"], linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _spots(axes: Axes, points: list[Point]) -> list[Spot]:
    """Where points are drawn; those of nearly one bitrate side by side, to be seen."""
    spots: list[Spot] = []
    for point in points:
        heights = [(point.rate, v) for v in (point.value, point.low, point.high)]
        (x, y), (_, low), (_, high) = axes.transData.transform(heights)
        right = max(x, spots[-1].x + APART) if spots else x
        spots.append(Spot(point, right, y, low, high))
    return spots


def _families(spots: list[Spot]) -> list[list[Spot]]:
    return [
        [spot for spot in spots if spot.point.family == family]
        for family in dict.fromkeys(spot.point.family for spot in spots)
    ]


def _steps(axes: Axes, ahead: list[Spot]) -> list[tuple[float, float]]:
    """The corners of the Pareto front, on to the right edge: none of a single point."""
    if len(ahead) < 2:
        return []
    corners = [(ahead[0].x, ahead[0].y)]
    for spot in ahead[1:]:
        corners += [(spot.x, corners[-1][1]), (spot.x, spot.y)]
    return [*corners, (float(axes.bbox.x1), corners[-1][1])]


def _marks(axes: Axes, spots: list[Spot], steps: list[tuple[float, float]]) -> None:
    """Draw points, their intervals, a line through those of a family, and the Pareto front."""
    if steps:
        _line(axes, steps, LIGHT["quiet"], 1.0, dashes=(3, 2))
    for family in _families(spots):
        _line(axes, [(s.x, s.y) for s in family], LIGHT["mark"], 1.2, 0.35)
    for spot in spots:
        if not isnan(spot.low):
            _line(axes, [(spot.x, spot.low), (spot.x, spot.high)], LIGHT["quiet"], 1.0)
        face = LIGHT["mark"] if spot.point.measured else LIGHT["paper"]
        (mark,) = axes.plot(spot.x, spot.y, "o", markersize=5, color=LIGHT["mark"])
        mark.set(markerfacecolor=face, transform=IdentityTransform())


def _line(
    axes: Axes,
    ends: list[tuple[float, float]],
    colour: str,
    width: float,
    alpha: float = 1.0,
    dashes: tuple[int, int] | None = None,
) -> None:
    xs, ys = zip(*ends, strict=True)
    (line,) = axes.plot(xs, ys, color=colour, linewidth=width, alpha=alpha)
    line.set_transform(IdentityTransform())
    if dashes:
        line.set_dashes(dashes)


def _labels(axes: Axes, spots: list[Spot], steps: list[tuple[float, float]]) -> None:
    """Set each label where it covers least of the marks and of the labels set before it."""
    taken = _obstacles(spots, steps)
    for spot in spots:
        text = short(spot.point.label, LONGEST_LABEL)
        label = axes.text(0, 0, text, fontsize=8, color=LIGHT["ink"], transform=None)
        width = label.get_window_extent().width
        boxes = [(_beside(spot, width, way, d), d) for d in DISTANCES for way in DIRECTIONS]
        extents = np.array([[*other.extents, weight] for other, weight in taken])
        page = np.array([[*axes.bbox.extents, 1.0]])
        costs = [_cost(*place, extents, page) for place in boxes]
        box, distance = boxes[int(np.argmin(costs))]
        taken.append((box, 1.0))
        label.set_position((box.x0, box.y0 + 0.22 * LABEL_HEIGHT))
        if distance > DISTANCES[0]:  # a thin line leads to it
            near = min(max(spot.x, box.x0), box.x1), min(max(spot.y, box.y0), box.y1)
            _line(axes, [(spot.x, spot.y), near], LIGHT["quiet"], 0.6)


def _obstacles(spots: list[Spot], steps: list[tuple[float, float]]) -> list[tuple[Bbox, float]]:
    """What labels should not cover, each with how much it matters."""
    marks = [(Bbox.from_bounds(s.x - 4, s.y - 4, 8, 8), 1.0) for s in spots]
    bars = [
        (Bbox.from_extents(s.x - 1, s.low, s.x + 1, s.high), 1.0) for s in spots if not isnan(s.low)
    ]
    joined = [[(spot.x, spot.y) for spot in family] for family in _families(spots)]
    lines = [
        (Bbox.from_bounds(ax + (bx - ax) * t - 1, ay + (by - ay) * t - 1, 2, 2), 0.5)
        for line in [*joined, steps]
        for (ax, ay), (bx, by) in pairwise(line)
        for t in np.linspace(0, 1, 40)
    ]
    return marks + bars + lines


def _beside(spot: Spot, width: float, way: tuple[int, int], distance: float) -> Bbox:
    """The box of a label at a distance from its point."""
    right, up = way
    left = spot.x + right * distance + (right - 1) * width / 2
    bottom = spot.y + up * distance + (up - 1) * LABEL_HEIGHT / 2
    return Bbox.from_bounds(left, bottom, width, LABEL_HEIGHT)


def _cost(box: Bbox, distance: float, taken: Extents, page: Extents) -> float:
    """What a place costs: what it covers, what leaves the plot, and a little for the distance."""
    outside = box.width * box.height - _covered(box, page)
    return 10 * _covered(box, taken) + 30 * outside + distance


def _covered(box: Bbox, others: Extents) -> float:
    """How much of other boxes a box covers, by their weights.

    Args:
        box: The box.
        others: Left, bottom, right, top and weight of each, **Shape** `[N, 5]`.
    """
    left, bottom, right, top, weight = others.T
    width = np.minimum(box.x1, right) - np.maximum(box.x0, left)
    height = np.minimum(box.y1, top) - np.maximum(box.y0, bottom)
    return float((np.clip(width, 0, None) * np.clip(height, 0, None) * weight).sum())
