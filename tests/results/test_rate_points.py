from dataclasses import replace
from math import isnan

from almbench.results.rate_points import Point, families, front, points_table, rate_points
from tests.results.test_comparison import RECORDS, table


def at(rate: float, value: float) -> Point:
    return Point("c", f"{rate} {value}", "family", rate, True, value)


def test_the_front_has_what_nothing_beats_at_its_bitrate_or_below() -> None:
    points = [at(1, 2.0), at(2, 1.5), at(2, 3.0), at(3, 3.0), at(4, 2.9), at(8, 3.5)]
    assert front(points, higher_is_better=True) == [points[0], points[2], points[5]]
    assert front(points, higher_is_better=False) == [points[0], points[1]]
    assert front(points, higher_is_better=None) == []
    assert front([], higher_is_better=True) == []


def test_points_stand_at_their_bitrate_and_are_told_apart() -> None:
    made = table()
    points, left_out = rate_points(made, "up", "c")
    assert [(p.codec, p.rate, p.measured, p.value) for p in points] == [
        ("a", 0.4125, False, 1.0),
        ("d", 6.0, False, 2.0),
        ("c", 6.0, False, 2.999),
    ]
    assert left_out == ["B", "LOW"]
    assert [p.codec for p in points if p.highlighted] == ["c"]
    assert all(isnan(p.low) for p in points)
    same = [record.model_copy(update={"label": "A"}) for record in made.codecs]
    points, _ = rate_points(replace(made, codecs=same), "up")
    assert [p.label for p in points] == ["A 0.41", "D 6", "C 6"]


def test_anchors_are_of_no_family() -> None:
    assert families(RECORDS) == ["f"]
    assert families([RECORDS[-1]]) == []


def test_the_data_behind_a_plot() -> None:
    made = table()
    key = ("a", "up")
    made.cells[key] = replace(made.cells[key], ci95_low=0.9, ci95_high=1.1)
    (up, *_) = made.metrics
    rows = points_table(made, up)
    assert list(rows) == [
        "testset", "metric", "unit", "codec", "label", "family", "kbps", "bitrate", "mean",
        "ci95_low", "ci95_high", "n", "pareto_front",
    ]  # fmt: skip
    assert rows["kbps"].tolist() == [0.4125, 6.0, 6.0]
    assert set(rows["bitrate"]) == {"nominal"}
    assert rows["mean"].tolist() == [1.0, 2.0, 2.999]
    assert rows["ci95_high"].tolist()[0] == 1.1
    assert rows["pareto_front"].tolist() == [True, False, True]
    assert rows["n"].tolist() == [5, 5, 5]
