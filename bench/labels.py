"""Labels beside the marks of a plot: marks stay where they are, labels find a free place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
# Where a label may stand to its mark: to the right (1), centred (0), to the left (-1) and between;
# above (1), level (0), below (-1) and between. Tried near first, the beaten ways first.
DIRECTIONS = np.array(
    [
        *[(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)],
        *[(x, y) for x in (0.6, -0.6) for y in (1, -1)],
        *[(x, y) for x in (1, -1) for y in (0.5, -0.5)],
    ]
)
DISTANCES = (5.0, 8.0, 13.0, 19.0, 27.0, 38.0, 52.0)  # points
NEAR = DISTANCES[1]  # a label further off is led to its mark by a line
SWEEPS = 12
STEPS = np.linspace(0.15, 0.95, 12)  # where a line to a label is looked at
THIN = 2.5  # points, of such a line
# What a place costs, per square point that it covers, and per point of distance.
OUTSIDE, COVERED, LABEL, LINE, DISTANT = 40.0, 10.0, 3.0, 2.0, 2.0


@dataclass(frozen=True)
class Placed:
    """Where a label stands, in points.

    Attributes:
        left: Its left edge.
        bottom: Its lower edge.
        anchor: Where a line from the mark meets it; None where it stands beside its mark.
    """

    left: float
    bottom: float
    anchor: tuple[float, float] | None


def place_labels(
    marks: Boxes, widths: Boxes, height: float, taken: Boxes, page: Boxes
) -> list[Placed]:
    """Set labels where they cover least, each in turn again until none moves.

    Args:
        marks: x and y of each label's mark in points, **Shape** `[N, 2]`.
        widths: Width of each label, **Shape** `[N]`.
        height: Height of a label.
        taken: What should not be covered, the marks too: left, bottom, right, top and how much it
            matters, **Shape** `[M, 5]`.
        page: Left, bottom, right and top of where labels may stand, **Shape** `[4]`.
    """
    choices = [_choices(mark, width, height) for mark, width in zip(marks, widths, strict=True)]
    places = np.repeat(np.array(DISTANCES), len(DIRECTIONS))
    fixed = [
        COVERED * _covered(boxes, taken)
        + OUTSIDE * (widths[i] * height - _covered(boxes, np.array([[*page, 1.0]])))
        + COVERED * _lines_cover(marks[i], boxes, places, taken)
        + DISTANT * places
        for i, boxes in enumerate(choices)
    ]
    chosen = [int(np.argmin(costs)) for costs in fixed]
    for _ in range(SWEEPS):
        before = list(chosen)
        for i, boxes in enumerate(choices):
            others = _others(marks, choices, chosen, places, i)
            costs = fixed[i] + COVERED * (
                _covered(boxes, others) + _lines_cover(marks[i], boxes, places, others)
            )
            chosen[i] = int(np.argmin(costs))
        if chosen == before:
            break
    placed = []
    for mark, boxes, k in zip(marks, choices, chosen, strict=True):
        far = places[k] > NEAR
        x, y = _nearest(mark, boxes[k][None])[0]
        placed.append(Placed(boxes[k, 0], boxes[k, 1], (float(x), float(y)) if far else None))
    return placed


def _choices(mark: Boxes, width: float, height: float) -> Boxes:
    """The boxes that a label may have, near ones first: **Shape** `[C, 4]`."""
    ways = np.tile(DIRECTIONS, (len(DISTANCES), 1))
    distance = np.repeat(np.array(DISTANCES), len(DIRECTIONS))[:, None]
    size = np.array([width, height])
    low = mark + ways * distance + (ways - 1) * size / 2
    return np.concatenate([low, low + size], axis=1)


def _others(
    marks: Boxes, choices: list[Boxes], chosen: list[int], places: Boxes, but: int
) -> Boxes:
    """What the other labels take, with the lines that lead to them: **Shape** `[M, 5]`."""
    made = [np.empty((0, 5))]
    for i, (boxes, k) in enumerate(zip(choices, chosen, strict=True)):
        if i != but:
            made.append(np.array([[*boxes[k], LABEL]]))
            if places[k] > NEAR:
                line = _line(marks[i], boxes[k][None])[0]
                made.append(np.concatenate([line, np.full((len(line), 1), LINE)], axis=1))
    return np.concatenate(made)


def _covered(boxes: Boxes, others: Boxes) -> Boxes:
    """How much each box covers of others, by their weights: **Shape** `[C]`."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:4], others[None, :, 2:4])
    return np.asarray((np.clip(high - low, 0, None).prod(-1) * others[:, 4]).sum(-1), float)


def _nearest(mark: Boxes, boxes: Boxes) -> Boxes:
    return np.clip(mark, boxes[:, :2], boxes[:, 2:4])


def _line(mark: Boxes, boxes: Boxes) -> Boxes:
    """Small boxes along the lines from a mark to boxes: **Shape** `[C, steps, 4]`."""
    ends = _nearest(mark, boxes)[:, None]
    points = mark + (ends - mark) * STEPS[None, :, None]
    return np.concatenate([points - THIN / 2, points + THIN / 2], axis=-1)


def _lines_cover(mark: Boxes, boxes: Boxes, places: Boxes, others: Boxes) -> Boxes:
    """What the line to each box covers; nothing, where there is none: **Shape** `[C]`."""
    lines = _line(mark, boxes)
    far = places > NEAR
    covered = np.zeros(len(boxes))
    covered[far] = _covered(lines[far].reshape(-1, 4), others).reshape(far.sum(), -1).sum(-1)
    return covered
