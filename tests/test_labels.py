from itertools import combinations

import numpy as np
import pytest

from almbench.labels import Boxes, Placed, place_labels

HEIGHT = 8.0
PAGE = np.array([0.0, 0.0, 240.0, 160.0])


def boxes(placed: list[Placed], widths: Boxes) -> list[tuple[float, float, float, float]]:
    return [
        (p.left, p.bottom, p.left + w, p.bottom + HEIGHT)
        for p, w in zip(placed, widths, strict=True)
    ]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def around(marks: Boxes) -> Boxes:
    return np.array([(x - 3, y - 3, x + 3, y + 3, 3.0) for x, y in marks])


@pytest.mark.parametrize("seed", range(8))
def test_labels_of_a_crowd_cover_neither_marks_nor_each_other(seed: int) -> None:
    random = np.random.default_rng(seed)
    marks = random.uniform((60, 30), (190, 130), (12, 2))
    widths = random.uniform(20, 55, 12)
    placed = boxes(place_labels(marks, widths, HEIGHT, around(marks), PAGE), widths)
    assert not any(overlap(a, b) for a, b in combinations(placed, 2))
    assert not any(overlap(box, tuple(mark[:4])) for box in placed for mark in around(marks))
    for left, bottom, right, top in placed:
        assert left >= 0 <= bottom
        assert right <= PAGE[2]
        assert top <= PAGE[3]


def test_marks_of_one_place_get_labels_of_their_own() -> None:
    marks = np.array([[120.0, 80.0]] * 5)
    widths = np.full(5, 40.0)
    placed = boxes(place_labels(marks, widths, HEIGHT, around(marks), PAGE), widths)
    assert not any(overlap(a, b) for a, b in combinations(placed, 2))


def test_a_label_alone_stands_right_of_its_mark_and_at_the_edge_left_of_it() -> None:
    marks, widths = np.array([[120.0, 80.0]]), np.array([40.0])
    (middle,) = place_labels(marks, widths, HEIGHT, around(marks), PAGE)
    assert (middle.left, middle.bottom, middle.anchor) == (125.0, 76.0, None)
    marks = np.array([[230.0, 80.0]])
    (edge,) = place_labels(marks, widths, HEIGHT, around(marks), PAGE)
    assert (edge.left, edge.bottom, edge.anchor) == (185.0, 76.0, None)


def test_a_label_that_stands_off_is_led_to_its_mark() -> None:
    marks, widths = np.array([[120.0, 80.0]]), np.array([40.0])
    wall = np.array([[60.0, 62.0, 180.0, 98.0, 5.0]])
    (placed,) = place_labels(marks, widths, HEIGHT, wall, PAGE)
    ((left, bottom, right, top),) = boxes([placed], widths)
    assert bottom >= 98 or top <= 62
    assert placed.anchor is not None
    x, y = placed.anchor
    assert left <= x <= right
    assert y in {bottom, top}
