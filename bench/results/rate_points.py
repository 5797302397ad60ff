"""Codecs as points of quality against bitrate: what plots draw, and the table behind a plot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import nan

import pandas as pd

from almbench.results.codec_names import nominal
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.metric_record import MetricRecord


@dataclass(frozen=True)
class Point:
    """A codec in a plot.

    Attributes:
        codec: Its id.
        label: Its name in the plot.
        family: Its family; empty for an anchor.
        rate: Bitrate in kbps, measured or else nominal.
        measured: Whether the bitrate is measured.
        value: Mean of the metric.
        low: Lower end of its 95 % interval; not a number for none.
        high: Upper end.
        n: Over how many clips.
        highlighted: Whether the suite points it out.
    """

    codec: str
    label: str
    family: str
    rate: float
    measured: bool
    value: float
    low: float = nan
    high: float = nan
    n: int = 0
    highlighted: bool = False


def rate_points(
    table: Comparison, metric: str, highlight: str = ""
) -> tuple[list[Point], list[str]]:
    """The codecs in the order of their bitrates; and the labels of those that have none."""
    points, left_out = [], []
    for codec in table.codecs:
        row = table.cells.get((codec.id, metric))
        if row is None or row.mean is None:
            continue
        measured = table.mean(codec.id, "measured_kbps")
        rate = measured or codec.nominal_kbps
        if not rate:
            left_out.append(codec.label)
            continue
        low, high = (nan if end is None else end for end in (row.ci95_low, row.ci95_high))
        family = "" if codec.anchor else codec.family
        label = _label(table, codec.id)
        points.append(
            Point(
                codec.id, label, family, rate, bool(measured), row.mean, low, high, row.n,
                codec.id == highlight,
            )
        )  # fmt: skip
    return sorted(points, key=lambda p: (p.rate, p.value)), left_out


def language_points(
    table: Comparison, metric: str, bits: Mapping[str, float], highlight: str = ""
) -> list[Point]:
    """The codecs as points of quality against their bits a second under a language model.

    Args:
        table: The comparison of the test set.
        metric: Name of the metric.
        bits: Id of a codec -> bits a second of sound, for those that have any.
        highlight: Id of a codec to point out.
    """
    found = [
        replace(point, rate=bits[point.codec] / 1000, measured=True)
        for point in rate_points(table, metric, highlight)[0]
        if bits.get(point.codec)
    ]
    return sorted(found, key=lambda p: (p.rate, p.value))


def _label(table: Comparison, id_: str) -> str:
    """The label of a codec, with its bitrate where another of the table has the same label."""
    codec = next(c for c in table.codecs if c.id == id_)
    title = table.names[id_].title
    shared = sum(other.label == codec.label for other in table.codecs) > 1
    return f"{title} {nominal(codec)}".rstrip() if shared else title


def families(codecs: Iterable[CodecRecord]) -> list[str]:
    """The families of codecs, in their order, without anchors."""
    return list(dict.fromkeys(codec.family for codec in codecs if not codec.anchor))


def front(points: list[Point], higher_is_better: bool | None) -> list[Point]:
    """The Pareto front: points that no other beats at their bitrate or below it.

    Args:
        points: In the order of their bitrates.
        higher_is_better: Which way is better; where neither is, there is no front.
    """
    if higher_is_better is None:
        return []
    sign = 1 if higher_is_better else -1
    ahead: list[Point] = []
    for point in sorted(points, key=lambda p: (p.rate, -sign * p.value)):
        if not ahead or sign * point.value > sign * ahead[-1].value:
            ahead.append(point)
    return ahead


def points_table(
    table: Comparison, metric: MetricRecord, points: list[Point] | None = None, kind: str = ""
) -> pd.DataFrame:
    """The data behind a plot: one row per codec, by ascending bitrate.

    Args:
        table: The comparison of the test set.
        metric: The metric.
        points: The codecs in the order of their rates; by default those that have a bitrate.
        kind: What the rates are, if neither the measured bitrates nor the nominal ones.
    """
    points = rate_points(table, metric.name)[0] if points is None else points
    ahead = front(points, metric.higher_is_better)
    rows = [
        {
            "testset": table.testset,
            "metric": metric.name,
            "unit": metric.unit,
            "codec": point.codec,
            "label": table.names[point.codec].title,
            "family": point.family,
            "kbps": point.rate,
            "bitrate": kind or ("measured" if point.measured else "nominal"),
            "mean": point.value,
            "ci95_low": point.low,
            "ci95_high": point.high,
            "n": point.n,
            "pareto_front": point in ahead,
        }
        for point in points
    ]
    return pd.DataFrame(rows)
