"""The scores of every clip behind a mean, for light and for dark pages."""

from unicodedata import east_asian_width

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from almbench.drawing import LIGHT, in_themes, short, style
from almbench.results.codec_names import nominal
from almbench.results.comparison import Comparison, metric_label
from almbench.results.metric_record import MetricRecord
from almbench.site.language import tr
from almbench.site.plots import Plot, paper_files
from almbench.site.source import Run
from almbench.site.words import number

WIDTH = 300  # points
ROW, HEAD, FOOT = 17, 22, 20  # points: of a codec, of the title, of the axis
LEAST_LABEL, MOST_LABEL = 96, 132  # points left of the axes for the labels
GAP = 8  # points: between labels and axes, and for faces wider than the one that is measured
DOTS = 60  # so many clips are drawn one by one; of more, the box alone

Values = NDArray[np.float64]


def distributions(run: Run, table: Comparison) -> list[Plot]:
    """Draw how the scores of a test set's clips are spread, for its main metrics."""
    made = []
    for metric in table.metrics:
        if table.domain in metric.headline:
            values = _values(run, table, metric.name)
            if max(map(len, values.values()), default=0) > 1:
                labels = [
                    (table.names[c.id].title, nominal(c)) for c in table.codecs if c.id in values
                ]
                rows = list(values.values())
                svg, paper = _draw(labels, rows, metric, _data(run, table, metric.name))
                alt, caption = (
                    _alt(table, metric, values),
                    tr("{metric}, clip by clip", metric=metric_label(metric)),
                )
                made.append(Plot(metric.name, caption, alt, [], _height(rows), [], svg, paper))
    return made


def _values(run: Run, table: Comparison, metric: str) -> dict[str, Values]:
    """The scores of each codec that has any."""
    values = run.by_metric.of(table.testset, metric)
    ids = [codec.id for codec in table.codecs if codec.id in values]
    return {id_: values[id_].dropna().to_numpy(float) for id_ in ids}


def _data(run: Run, table: Comparison, metric: str) -> pd.DataFrame:
    """The data behind a plot: one row per codec and clip."""
    rows = run.by_metric.rows_of(table.testset, metric)[["metric", "codec", "clip", "value"]]
    return rows[rows["value"].notna()]


def _label(title: str, rate: str) -> str:
    """The name and bitrate of a codec; a name that is too long ends early."""
    labels = (f"{short(title, letters)} {rate}".rstrip() for letters in range(len(title), 0, -1))
    return next((label for label in labels if _width(label) <= MOST_LABEL - GAP), rate)


def _width(label: str) -> float:
    """The width in points; a letter that is wide in East Asian type is as wide as it is high."""
    text = "".join("—" if east_asian_width(letter) in "WF" else letter for letter in label)
    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(), False)
    return float(width)


def _alt(table: Comparison, metric: MetricRecord, values: dict[str, Values]) -> str:
    medians = {
        table.names[codec].label: float(np.median(of_codec)) for codec, of_codec in values.items()
    }
    low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    digits = metric.digits
    return tr(
        "{metric} of each clip of test set {testset}, {count} codecs. "
        "Lowest median {least} of {low}, highest {most} of {high}.",
        metric=metric.label,
        testset=table.testset,
        count=len(medians),
        least=number(medians[low], digits),
        low=low,
        most=number(medians[high], digits),
        high=high,
    )


def _height(rows: list[Values]) -> int:
    return HEAD + ROW * len(rows) + FOOT


def _draw(
    names: list[tuple[str, str]], rows: list[Values], metric: MetricRecord, data: pd.DataFrame
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    height = _height(rows)
    with style():
        labels = [_label(title, rate) for title, rate in names]
        left = max(LEAST_LABEL, *(GAP + _width(label) for label in labels)) / WIDTH
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        axes = figure.add_axes((left, FOOT / height, 0.97 - left, ROW * len(rows) / height))
        for y, values in enumerate(rows):
            _row(axes, y, values)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.margins(x=0.04)
        axes.set_yticks(range(len(rows)), labels)
        axes.tick_params(length=0)
        axes.grid(axis="x", color=LIGHT["grid"], linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        figure.text(
            0, 1 - 4 / height, metric_label(metric), va="top", fontsize=9.5, fontweight="bold"
        )
        return in_themes(figure), paper_files(figure, data)


def _row(axes: Axes, y: int, values: Values) -> None:
    """A line over all clips, a bar over their middle half, a tick at the median; then the dots."""
    least, low, middle, high, most = np.quantile(values, (0, 0.25, 0.5, 0.75, 1))
    axes.plot([least, most], [y, y], color=LIGHT["quiet"], linewidth=0.8)
    axes.plot([low, high], [y, y], color=LIGHT["grid"], linewidth=9, solid_capstyle="butt")
    axes.plot([middle, middle], [y - 0.3, y + 0.3], color=LIGHT["ink"], linewidth=1.4)
    if len(values) <= DOTS:
        axes.plot(
            values, np.full(len(values), y), "o", markersize=3.6, color=LIGHT["mark"],
            alpha=0.6, markeredgewidth=0,
        )  # fmt: skip
