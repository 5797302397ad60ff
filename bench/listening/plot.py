"""The mean ratings of systems, drawn."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from almbench.drawing import LIGHT, for_paper, in_themes, short, style
from almbench.results.tables import records

WIDTH, ROW, FRAME = 300, 18, 42  # points; FRAME is what is above and below the rows
LABELS = 0.41  # of the width
MAX_LETTERS = 28
WORDS = ["bad", "poor", "fair", "good", "excellent"]  # of the scale, 20 points each


def draw(systems: pd.DataFrame) -> dict[str, bytes]:
    """Draw the mean of each system with its 95 % interval, the best on top.

    Args:
        systems: Rows of one domain, as from `almbench.listening.ratings.system_table`.

    Returns:
        An SVG for each theme; the same for the same rows.
    """
    with style():
        return in_themes(_figure(systems))


def draw_for_paper(systems: pd.DataFrame) -> dict[str, bytes]:
    """The same drawing for papers, as "pdf" and "svg", and its data as "csv"."""
    with style():
        figure = _figure(systems)
        csv = systems.to_csv(index=False).encode()
        return {"pdf": for_paper(figure, "pdf"), "svg": for_paper(figure, "svg"), "csv": csv}


def _figure(systems: pd.DataFrame) -> Figure:
    height = ROW * len(systems) + FRAME
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    frame = LABELS, 20 / height, 0.955 - LABELS, 1 - FRAME / height
    _rows(figure.add_axes(frame), systems)
    return figure


def _rows(axes: Axes, systems: pd.DataFrame) -> None:
    rows = records(systems)
    axes.set_xlim(-1, 101)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(0, 101, 20))
    axes.set_yticks(range(len(rows)), [short(row["label"], MAX_LETTERS) for row in rows])
    axes.tick_params(length=0, labelsize=8)
    axes.grid(axis="x", color=LIGHT["grid"], linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    for i, word in enumerate(WORDS):
        axes.annotate(
            word, (20 * i + 10, -0.5), (0, 4), textcoords="offset points", ha="center",
            fontsize=7, color=LIGHT["quiet"], annotation_clip=False,
        )  # fmt: skip
    for y, row in enumerate(rows):
        if not pd.isna(row["ci95_low"]):
            ends = [row["ci95_low"], row["ci95_high"]]
            axes.plot(ends, [y, y], color=LIGHT["mark"], linewidth=1.4, clip_on=False)
        tested = row["role"] == "system"
        face = LIGHT["mark"] if tested else LIGHT["paper"]
        axes.plot(
            row["mean"], y, "o", markersize=5, color=LIGHT["mark"], markerfacecolor=face,
            clip_on=False,
        )  # fmt: skip
