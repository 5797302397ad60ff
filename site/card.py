"""The picture that stands for a site where a link to it is shown: title and main plot."""

from io import BytesIO
from textwrap import wrap

from matplotlib.figure import Figure

from almbench.drawing import LIGHT, style
from almbench.results.rate_plot import Look, draw_rate_plot
from almbench.results.rate_points import families, rate_points
from almbench.site.source import Run

WIDTH, HEIGHT, DPI = 1200, 630, 72  # pixels: what sites that show links ask for
LINES, LETTERS = 5, 22  # of a title, at most
LOOK = Look(24, 20, mark=13, letters=20, paper=LIGHT["paper"], title_left=0, title_up=14)
FRAME = 0.5, 0.14, 0.47, 0.72  # of the plot


def draw_card(runs: list[Run]) -> bytes:
    """Draw the picture of a site as PNG: its title, what it compares, and its main plot."""
    with style(20):
        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=LIGHT["paper"])
        title = "; ".join(run.title for run in runs)
        words = wrap(title, LETTERS, max_lines=LINES, placeholder=" …")
        figure.text(0.04, 0.88, "\n".join(words), va="top", fontsize=36, fontweight="bold")
        figure.text(0.04, 0.1, _counts(runs), fontsize=21, color=LIGHT["quiet"])
        _plot(figure, runs)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _plot(figure: Figure, runs: list[Run]) -> None:
    """Draw the first metric that has two codecs with a bitrate, if any."""
    for run in runs:
        for table in run.tables:
            for metric in table.metrics:
                if table.domain in metric.headline and len(rate_points(table, metric.name)[0]) >= 2:
                    axes = figure.add_axes(FRAME, facecolor="none")
                    order = families(run.manifest.codecs)
                    highlight = run.manifest.suite.highlight
                    draw_rate_plot(axes, table, metric, order, LOOK, highlight=highlight)
                    return


def _counts(runs: list[Run]) -> str:
    codecs = {codec.id for run in runs for codec in run.manifest.codecs}
    clips = sum(len(testset.clips) for run in runs for testset in run.manifest.testsets)
    domains = dict.fromkeys(domain for run in runs for domain in run.domains)
    return f"{len(codecs)} codecs, {clips} clips\n{', '.join(domains)}"
