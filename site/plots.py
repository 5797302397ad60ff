"""Quality against bitrate, drawn once for light and once for dark pages."""

import warnings
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox, IdentityTransform
from numpy.typing import NDArray

from almbench.comparison import Comparison, metric_label
from almbench.site.source import kbps, number

MAIN = {
    "speech": ("pesq_wb", "stoi", "visqol_speech"),
    "sound": ("visqol_audio", "mel_distance"),
    "music": ("visqol_audio", "mel_distance"),
}
SIZE = 300, 250  # points
FONTS = ["DejaVu Sans", "Verdana", "Segoe UI", "Helvetica Neue", "Arial"]
THEMES = {
    "light": {
        "ink": "#2b2a27", "quiet": "#8d887e", "grid": "#e3dfd6", "mark": "#0f5f7d",
        "paper": "#fbfaf7",
    },
    "dark": {
        "ink": "#dedad2", "quiet": "#8f8b83", "grid": "#34363a", "mark": "#7cc4e0",
        "paper": "#17181b",
    },
}  # fmt: skip
Extents = NDArray[np.float64]
APART = 6  # points, at least, between two marks
LONGEST_LABEL = 28
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
        svg: The drawing of each theme.
        address: Where each theme's drawing was published.
    """

    metric: str
    caption: str
    alt: str
    left_out: list[str]
    svg: dict[str, bytes]
    address: dict[str, str] = field(default_factory=dict)


def plots(table: Comparison) -> list[Plot]:
    """Draw the main metrics of a test set, those that have two codecs with bitrate and value."""
    made = []
    for metric in table.metrics:
        if metric["name"] in MAIN[table.domain]:
            points, left_out = _points(table, metric["name"])
            if len(points) >= 2:
                svg = {theme: _draw(points, metric, colours) for theme, colours in THEMES.items()}
                caption = metric_label(metric)
                alt = _alt(table.testset, metric, points)
                made.append(Plot(metric["name"], caption, alt, left_out, svg))
    return made


def _points(table: Comparison, metric: str) -> tuple[list[Point], list[str]]:
    """The codecs by bitrate, measured or else nominal; and the labels of those that have none."""
    points, left_out = [], []
    for codec in table.codecs:
        row = table.cells.get((codec["id"], metric))
        if row is None or pd.isna(row["mean"]):
            continue
        seen = table.cells.get((codec["id"], "measured_kbps"))
        measured = None if seen is None or pd.isna(seen["mean"]) else float(seen["mean"])
        rate = measured or codec["nominal_kbps"]
        if not rate:
            left_out.append(codec["label"])
            continue
        ends = row["mean"], row["ci95_low"], row["ci95_high"]
        points.append(Point(codec["label"], codec["family"], rate, bool(measured), *ends))
    return sorted(points, key=lambda p: (p.rate, p.value)), left_out


def _alt(testset: str, metric: dict[str, Any], points: list[Point]) -> str:
    def named(point: Point) -> str:
        value = number(point.value, metric["digits"])
        return f"{point.label} with {value} at {kbps(point.rate)} kbit/s"

    lowest, highest = min(points, key=lambda p: p.value), max(points, key=lambda p: p.value)
    return (
        f"{metric['label']} against bitrate on test set {testset}: {len(points)} codecs from "
        f"{kbps(points[0].rate)} to {kbps(points[-1].rate)} kbit/s. "
        f"Highest {named(highest)}, lowest {named(lowest)}."
    )


def _draw(points: list[Point], metric: dict[str, Any], colours: dict[str, str]) -> bytes:
    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "almbench",
        "font.family": "sans-serif",
        "font.sans-serif": FONTS,
        "font.size": 8.5,
        "text.parse_math": False,
        "text.color": colours["ink"],
        "axes.labelcolor": colours["ink"],
        "axes.edgecolor": colours["quiet"],
        "xtick.color": colours["quiet"],
        "ytick.color": colours["quiet"],
        "xtick.labelcolor": colours["ink"],
        "ytick.labelcolor": colours["ink"],
    }
    with rc_context(style), warnings.catch_warnings():
        # The page's reader has the glyphs of any script; the font used for measuring may not.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        axes = figure.add_axes((0.12, 0.15, 0.86, 0.755))
        _axes(axes, points, metric, colours)
        spots = _spots(axes, points)
        _marks(axes, spots, colours)
        _labels(axes, spots, colours)
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def _axes(axes: Axes, points: list[Point], metric: dict[str, Any], colours: dict[str, str]) -> None:
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
    axes.set_xlabel("kbit/s")
    axes.set_title(metric_label(metric), loc="left", fontsize=9.5, fontweight="bold")
    axes.grid(color=colours["grid"], linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _spots(axes: Axes, points: list[Point]) -> list[Spot]:
    """Where points are drawn; those of nearly one bitrate stand side by side, to be told apart."""
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


def _marks(axes: Axes, spots: list[Spot], colours: dict[str, str]) -> None:
    """Draw points, their intervals, and a line through those of a family."""
    for family in _families(spots):
        _line(axes, [(s.x, s.y) for s in family], colours["mark"], 1.2, 0.35)
    for spot in spots:
        if not isnan(spot.low):
            _line(axes, [(spot.x, spot.low), (spot.x, spot.high)], colours["quiet"], 1.0)
        face = colours["mark"] if spot.point.measured else colours["paper"]
        (mark,) = axes.plot(spot.x, spot.y, "o", markersize=5, color=colours["mark"])
        mark.set(markerfacecolor=face, transform=IdentityTransform())


def _line(
    axes: Axes, ends: list[tuple[float, float]], colour: str, width: float, alpha: float = 1.0
) -> None:
    xs, ys = zip(*ends, strict=True)
    (line,) = axes.plot(xs, ys, color=colour, linewidth=width, alpha=alpha)
    line.set_transform(IdentityTransform())


def _labels(axes: Axes, spots: list[Spot], colours: dict[str, str]) -> None:
    """Set each label where it covers least of the marks and of the labels set before it."""
    taken = _obstacles(spots)
    for spot in spots:
        text = " ".join(spot.point.label.split())
        if len(text) > LONGEST_LABEL:
            text = text[: LONGEST_LABEL - 1] + "…"
        label = axes.text(0, 0, text, fontsize=8, color=colours["ink"], transform=None)
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
            _line(axes, [(spot.x, spot.y), near], colours["quiet"], 0.6)


def _obstacles(spots: list[Spot]) -> list[tuple[Bbox, float]]:
    """What labels should not cover, each with how much it matters."""
    marks = [(Bbox.from_bounds(s.x - 4, s.y - 4, 8, 8), 1.0) for s in spots]
    bars = [
        (Bbox.from_extents(s.x - 1, s.low, s.x + 1, s.high), 1.0) for s in spots if not isnan(s.low)
    ]
    lines = [
        (Bbox.from_bounds(a.x + (b.x - a.x) * t - 1, a.y + (b.y - a.y) * t - 1, 2, 2), 0.5)
        for family in _families(spots)
        for a, b in pairwise(family)
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
