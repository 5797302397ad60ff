"""Fidelity against the bits a second that a language model needs: where tokenizers compete."""

from matplotlib.figure import Figure

from almbench.drawing import in_themes, style
from almbench.results.codec_names import UNIT
from almbench.results.comparison import Comparison, metric_label
from almbench.results.metric_record import MetricRecord
from almbench.results.probes import language_bits
from almbench.results.rate_plot import draw_rate_plot
from almbench.results.rate_points import Point, families, language_points, points_table
from almbench.site.language import tr
from almbench.site.plots import FRAME, LOOK, SIZE, Plot, paper_files
from almbench.site.source import Run
from almbench.site.words import number, significant

MOST = 2  # plots of a test set
RATE = "Bitrate under a language model"


def token_plots(run: Run, table: Comparison) -> list[Plot]:
    """Draw the main metrics of a test set against bits under a language model, where two have both.

    Args:
        run: The run.
        table: The comparison of the test set.
    """
    rows = run.probes_of(table.testset)
    found = {
        id_: language_bits(r for r in rows if r.codec == id_) for id_ in {r.codec for r in rows}
    }
    bits = {id_: row.value for id_, row in found.items() if row and row.value}
    made: list[Plot] = []
    for metric in table.metrics:
        if table.domain not in metric.headline or len(made) == MOST:
            continue
        points = language_points(table, metric.name, bits, run.own)
        if len(points) >= 2:
            figure = _draw(run, table, metric, points)
            with style():
                data = points_table(table, metric, points, "under a language model")
                paper = paper_files(figure, data)
                # Who reads a page has the glyphs of its language; a PDF would have to bring them.
                rate = tr("Bitrate under a language model")
                figure.axes[0].xaxis.label.set_text(f"{rate} ({UNIT})")
                svg = in_themes(figure)
            alt = _alt(table, metric, points)
            caption = metric_label(metric)
            made.append(Plot(metric.name, caption, alt, [], SIZE[1], [], svg, paper))
    return made


def _draw(run: Run, table: Comparison, metric: MetricRecord, points: list[Point]) -> Figure:
    with style():
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        axes = figure.add_axes(FRAME)
        order = families(run.manifest.codecs)
        draw_rate_plot(
            axes,
            table,
            metric,
            order,
            LOOK,
            highlight=run.own,
            points=points,
            rate=f"{RATE} ({UNIT})",
        )
        return figure


def _alt(table: Comparison, metric: MetricRecord, points: list[Point]) -> str:
    listed = "; ".join(
        tr(
            "{codec} with {value} at {rate} kbps",
            codec=p.label, value=number(p.value, metric.digits), rate=significant(p.rate),
        )
        for p in points
    )  # fmt: skip
    return tr(
        "{metric} against the bitrate under a language model on test set {testset}: {codecs}.",
        metric=metric.label,
        testset=table.testset,
        codecs=listed,
    )
