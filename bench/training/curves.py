"""The curves of a training, as a picture beside its card."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from almbench.drawing import FAMILIES, LIGHT, style

CURVES = "curves.png"
SMOOTH = 5  # logged values that a point of the picture is the mean of, if there are many
FEW = 8  # points of a line that are marked each
HELD_OUT = ("pesq_wb", "stoi", "estoi", "mel_distance")

Series = tuple[NDArray[np.int64], NDArray[np.float64]]


def draw_curves(logs: Path, path: Path) -> bool:
    """Draw what TensorBoard's logs of a stage hold: the losses, and the scores of held-out clips.

    Args:
        logs: Folder of the logs.
        path: The picture, a PNG.

    Returns:
        Whether there was anything to draw.
    """
    series = read_scalars(logs)
    losses = {tag.removeprefix("loss/"): s for tag, s in series.items() if tag.startswith("loss/")}
    losses.pop("gradient", None)
    scores = {
        metric: {
            tag.partition("/")[2]: s for tag, s in series.items() if tag.startswith(metric + "/")
        }
        for metric in HELD_OUT
    }
    if not losses:
        return False
    panels = {"losses": losses} | {metric: found for metric, found in scores.items() if found}
    with style():
        figure = Figure(figsize=(3 * len(panels) + 0.6, 2.8), layout="constrained")
        for axes, (title, lines) in zip(_axes(figure, len(panels)), panels.items(), strict=True):
            axes.set_title(title)
            axes.set_xlabel("step")
            axes.grid(color=LIGHT["grid"], linewidth=0.5)
            axes.spines[["top", "right"]].set_visible(False)
            for number, (name, (steps, values)) in enumerate(lines.items()):
                shown = _smoothed(values) if title == "losses" else values
                again, colour = divmod(number, len(FAMILIES))
                dashes = "--" if again else "-"
                at = steps[-len(shown) :]
                [line] = axes.plot(
                    at, shown, dashes, color=FAMILIES[colour], label=name, linewidth=1
                )
                line.set_marker("." if len(at) < FEW else "")
        first, last = figure.axes[0], figure.axes[-1]
        first.set_ylim(bottom=0)
        first.legend(frameon=False, fontsize=7)
        if last is not first:  # the same lines in all panels of scores
            last.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
        figure.savefig(path, dpi=110)
    return True


def _axes(figure: Figure, count: int) -> list[Axes]:
    return list(figure.subplots(1, count, squeeze=False)[0])


def read_scalars(logs: Path) -> dict[str, Series]:
    """Read TensorBoard's scalars: by their tags, the steps and the values.

    Where a training went on from a saved state, it logs some steps again: the last counts.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events: Any = EventAccumulator(str(logs), size_guidance={"scalars": 0})
    events.Reload()
    found: dict[str, Series] = {}
    for tag in events.Tags()["scalars"]:
        points = {event.step: event.value for event in events.Scalars(tag)}
        steps = sorted(points)
        found[tag] = np.array(steps), np.array([points[step] for step in steps])
    return found


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of each value and those before it; the first few, which are fewer, fall away."""
    size = max(1, min(SMOOTH, len(values) // 4))
    means: NDArray[np.float64] = np.convolve(values, np.ones(size) / size, "valid")
    return means
