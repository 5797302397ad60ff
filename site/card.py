"""The picture that stands for a site where a link to it is shown: title and main plot."""

import warnings
from io import BytesIO
from textwrap import wrap
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from almbench.drawing import FONTS, THEMES
from almbench.results.comparison import Comparison, metric_label
from almbench.results.manifest import MetricRecord
from almbench.site.source import Run

WIDTH, HEIGHT, DPI = 1200, 630, 100  # pixels: what sites that show links ask for
LINES, LETTERS = 5, 24  # of a title, at most


def draw_card(runs: list[Run]) -> bytes:
    """Draw the picture of a site as PNG: its title, what it compares, and its main plot."""
    colours = THEMES["light"]
    style: dict[Any, Any] = {
        "font.family": "sans-serif",
        "font.sans-serif": FONTS,
        "text.parse_math": False,
        "text.color": colours["ink"],
        "axes.edgecolor": colours["quiet"],
        "axes.labelcolor": colours["ink"],
        "xtick.color": colours["ink"],
        "ytick.color": colours["ink"],
    }
    with rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=colours["paper"])
        title = "; ".join(run.title for run in runs)
        words = wrap(title, LETTERS, max_lines=LINES, placeholder=" …")
        figure.text(0.06, 0.88, "\n".join(words), va="top", fontsize=26, fontweight="bold")
        figure.text(0.06, 0.1, _counts(runs), fontsize=15, color=colours["quiet"])
        if found := _main(runs):
            _plot(figure, *found, colours)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _counts(runs: list[Run]) -> str:
    codecs = {codec.id for run in runs for codec in run.manifest.codecs}
    clips = sum(len(testset.clips) for run in runs for testset in run.manifest.testsets)
    domains = dict.fromkeys(domain for run in runs for domain in run.domains)
    return f"{len(codecs)} codecs, {clips} clips\n{', '.join(domains)}"


def _main(runs: list[Run]) -> tuple[MetricRecord, list[tuple[float, float]]] | None:
    """The first metric that has two codecs with a bitrate, and (kbps, mean) of each."""
    for table in (table for run in runs for table in run.tables):
        for metric in table.metrics:
            if table.domain in metric.headline:
                points = _points(table, metric.name)
                if len(points) >= 2:
                    return metric, points
    return None


def _points(table: Comparison, metric: str) -> list[tuple[float, float]]:
    points = []
    for codec in table.codecs:
        rate = table.mean(codec.id, "measured_kbps") or codec.nominal_kbps
        mean = table.mean(codec.id, metric)
        if rate and mean is not None:
            points.append((rate, mean))
    return points


def _plot(
    figure: Figure,
    metric: MetricRecord,
    points: list[tuple[float, float]],
    colours: dict[str, str],
) -> None:
    axes = figure.add_axes((0.54, 0.16, 0.41, 0.68), facecolor="none")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.plot(*zip(*points, strict=True), "o", markersize=14, color=colours["mark"])
    axes.margins(0.15)
    axes.set_title(metric_label(metric), loc="left", fontsize=16, fontweight="bold")
    axes.set_xlabel("kbps", fontsize=14)
    axes.tick_params(length=0, labelsize=14)
    axes.grid(color=colours["grid"])
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
