"""Quality against bitrate, for light and for dark pages, and to take away."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from almbench.drawing import LIGHT, for_paper, in_themes, style
from almbench.results import plain_text
from almbench.results.codec_names import UNIT
from almbench.results.comparison import Comparison, metric_label
from almbench.results.figures import COLUMN, draw_figure
from almbench.results.metric_record import MetricRecord
from almbench.results.rate_distortion import RateDistortion
from almbench.results.rate_plot import Look, draw_rate_plot
from almbench.results.rate_points import Point, families, front, points_table, rate_points
from almbench.site.language import tr
from almbench.site.source import Run
from almbench.site.words import MINUS, kbps, number

SIZE = 300, 250  # points
FRAME = 0.12, 0.15, 0.86, 0.755  # of the axes in the figure
LOOK = Look(title=9.5, label=8, mark=5, letters=28, paper=LIGHT["paper"], title_left=0)


@dataclass(frozen=True)
class Plot:
    """A plot, as SVG a theme, with what is to be said of it.

    Attributes:
        metric: Name of the metric.
        caption: What is drawn.
        alt: What is seen.
        left_out: Codecs without a bitrate.
        height: Height of the drawing in points.
        deltas: How far the curves of codec families lie apart, in words.
        svg: The drawing of each theme.
        paper: For papers: the figure as "pdf" and "svg", and its data as "csv".
        address: Where each theme's drawing was published.
        downloads: Where the files for papers were published, by their suffix.
    """

    metric: str
    caption: str
    alt: str
    left_out: list[str]
    height: int
    deltas: list[str]
    svg: dict[str, bytes]
    paper: dict[str, bytes]
    address: dict[str, str] = field(default_factory=dict)
    downloads: dict[str, str] = field(default_factory=dict)


def plots(run: Run, table: Comparison) -> list[Plot]:
    """Draw the main metrics of a test set, those that have two codecs with bitrate and value."""
    order = families(run.manifest.codecs)
    highlight = run.manifest.suite.highlight
    made = []
    for metric in table.metrics:
        if table.domain in metric.headline:
            points, left_out = rate_points(table, metric.name)
            if len(points) >= 2:
                figure = [table], [metric.name], order, COLUMN
                paper = {
                    "pdf": draw_figure(*figure, "pdf", highlight),
                    "svg": draw_figure(*figure, "svg", highlight),
                    "csv": points_table(table, metric).to_csv(index=False).encode(),
                }
                svg = _draw(table, metric, order, highlight)
                alt = _alt(table.testset, metric, points)
                caption = metric_label(metric)
                apart = deltas(run, table.testset, metric.name)
                made.append(Plot(metric.name, caption, alt, left_out, SIZE[1], apart, svg, paper))
    return made


def deltas(run: Run, testset: str, metric: str) -> list[str]:
    """Say the BD-rate of each codec family by a metric, where there is one."""
    return [
        tr(
            "BD-rate of {family} against {baseline}: {value} bitrate at equal quality; the curves "
            "share {overlap} of their span.",
            family=row.family,
            baseline=row.baseline,
            value=_rate(row),
            overlap=plain_text.percent(row.overlap),
        )
        for row in run.rate_distortion
        if (row.testset, row.metric, row.measure) == (testset, metric, "bd_rate")
        and row.value is not None
    ]


def _rate(row: RateDistortion) -> str:
    """A BD-rate, with its interval where there is one, with real minus signs."""
    text = f"{plain_text.number(row.value)} %"
    if row.ci95_low is not None:
        text += f" {plain_text.interval(row.ci95_low, row.ci95_high)}"
    return text.replace("-", MINUS)


def paper_files(figure: Figure, data: pd.DataFrame) -> dict[str, bytes]:
    """A figure for papers as it is, and its data."""
    return {
        "pdf": for_paper(figure, "pdf"),
        "svg": for_paper(figure, "svg"),
        "csv": data.to_csv(index=False).encode(),
    }


def _alt(testset: str, metric: MetricRecord, points: list[Point]) -> str:
    def named(point: Point) -> str:
        value = number(point.value, metric.digits)
        return tr(
            "{codec} with {value} at {rate} kbps",
            codec=point.label, value=value, rate=kbps(point.rate),
        )  # fmt: skip

    ahead = front(points, metric.higher_is_better)
    lowest, highest = min(points, key=lambda p: p.value), max(points, key=lambda p: p.value)
    said = tr(
        "{metric} against bitrate on test set {testset}: {count} codecs from {low} to {high} kbps. "
        "Highest {highest}, lowest {lowest}.",
        metric=metric.label,
        testset=testset,
        count=len(points),
        low=kbps(points[0].rate),
        high=kbps(points[-1].rate),
        highest=named(highest),
        lowest=named(lowest),
    )
    if not ahead:
        return said
    return f"{said} " + tr("On the Pareto front: {codecs}.", codecs="; ".join(map(named, ahead)))


def _draw(
    table: Comparison, metric: MetricRecord, order: Sequence[str], highlight: str
) -> dict[str, bytes]:
    with style():
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        axes = figure.add_axes(FRAME)
        rate = tr("Bitrate")
        named = f"{rate} ({UNIT})"
        draw_rate_plot(axes, table, metric, order, LOOK, highlight=highlight, rate=named)
        return in_themes(figure)
