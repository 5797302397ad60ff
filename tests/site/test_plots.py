import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from matplotlib.figure import Figure

from almbench.drawing import THEMES, in_themes, short, style
from almbench.results.frames import plain
from almbench.results.rate_distortion import RateDistortion
from almbench.results.values import Values
from almbench.site.distributions import DOTS, MOST_LABEL, distributions
from almbench.site.plots import deltas, plots
from almbench.site.source import Run, read_runs

COLOUR = re.compile(r"(?:fill|stroke): (#[0-9a-f]{6})")


def elements(svg: bytes) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter())  # noqa: S314 - drawn a moment ago


@pytest.fixture(scope="module")
def read(run: Path) -> Run:
    return read_runs([run])[0]


def test_the_front_is_drawn_and_said(read: Run) -> None:
    (plot,) = plots(read, read.tables[0])
    low, high = (read.tables[0].mean(codec, "stoi") for codec in ("opus-6", "opus-24"))
    assert low is not None
    assert high is not None
    assert high > low
    assert f"On the Pareto front: Opus 6 with {low:.3f} at 6." in plot.alt
    dashed = [p for p in elements(plot.svg["light"]) if "dasharray" in p.get("style", "")]
    assert len(dashed) == 1
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", dashed[0].get("d", ""))]
    xs, ys = numbers[::2], numbers[1::2]
    assert xs[0] < xs[1] == xs[2] < xs[3]  # along, up, and on to the edge
    assert ys[0] == ys[1] > ys[2] == ys[3]


def test_both_themes_are_one_drawing(read: Run) -> None:
    for plot in [*plots(read, read.tables[0]), *distributions(read, read.tables[0])]:
        light, dark = (plot.svg[theme].decode() for theme in ("light", "dark"))
        assert set(COLOUR.findall(light)) & set(THEMES["light"].values())
        assert not set(COLOUR.findall(dark)) & set(THEMES["light"].values())
        assert COLOUR.sub("", light) == COLOUR.sub("", dark)


def test_text_keeps_what_looks_like_a_colour() -> None:
    with style():
        figure = Figure()
        figure.text(0, 0, "#2b2a27 <b> & $x^2$ שלום")
        drawn = in_themes(figure)
    for svg in drawn.values():
        assert [t.text for t in elements(svg) if t.tag.endswith("}text")] == [
            "#2b2a27 <b> & $x^2$ שלום"
        ]


def test_a_label_keeps_to_its_line() -> None:
    assert short("a\n b", 5) == "a b"
    assert short("abcdef", 6) == "abcdef"
    assert short("abcdefg", 6) == "abcde…"


def with_values(run: Run, table: pd.DataFrame) -> Run:
    """The run with other values."""
    texts = ["testset", "clip", "codec", "metric"]
    return replace(run, by_metric=Values(table.astype(dict.fromkeys(texts, "category"))))


def test_a_distribution_shows_every_clip(run: Path, read: Run) -> None:
    (plot,) = distributions(read, read.tables[0])
    metrics = pd.read_csv(run / "metrics.csv")
    stoi = metrics[(metrics["metric"] == "stoi") & (metrics["testset"] == "talk")]
    medians = stoi.groupby("codec")["value"].median()
    assert f"Lowest median {medians['opus-6']:.3f} of Opus (6 kbps)" in plot.alt
    assert f"highest {medians.max():.3f} of " in plot.alt
    svg = elements(plot.svg["light"])
    dots = [use for use in svg if use.tag.endswith("}use") and "0f5f7d" in use.get("style", "")]
    assert len(dots) == len(stoi)
    texts = [text.text for text in svg if text.tag.endswith("}text")]
    assert [t for t in texts if t and "p" in t] == ["Opus 6", "Opus 24", "Low-pass 3.5 kHz"]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("ALMTokenizer (large)", "ALMTokenizer (large) 24"),
        ("W" * 30, "WWWWWWWWWWWW… 24"),
        ("\u97f3" * 30, "\u97f3" * 11 + "… 24"),
        ("X", "X 24"),
    ],
)
def test_names_are_cut_at_their_end_and_have_room(read: Run, title: str, shown: str) -> None:
    table = read.tables[0]
    names = {**table.names, "opus-24": replace(table.names["opus-24"], title=title)}
    (plot,) = distributions(read, replace(table, names=names))
    texts = {t.text: t for t in elements(plot.svg["light"]) if t.tag.endswith("}text")}
    place = re.search(r"translate\(([\d.]+) ", texts[shown].get("transform", ""))
    right = float(place[1]) if place else float(texts[shown].get("x", "nan"))
    assert 0 <= right <= MOST_LABEL


def test_a_distribution_of_many_clips_has_no_dots(read: Run) -> None:
    every = plain(read.by_metric.table)
    many = pd.concat([every.assign(clip=every["clip"] + f"-{i}") for i in range(DOTS)])
    (plot,) = distributions(with_values(read, many), read.tables[0])
    assert b"0f5f7d" not in plot.svg["light"]
    assert len(plot.svg["light"]) < 20_000


def test_one_clip_has_no_distribution(read: Run) -> None:
    every = read.by_metric.table
    one = every[every["clip"] == "a"]
    assert distributions(with_values(read, one), read.tables[0]) == []


def test_what_lacks_a_value_is_left_out(read: Run) -> None:
    every = read.by_metric.table
    lacking = every[every["codec"] != "opus-6"]
    (plot,) = distributions(with_values(read, lacking), read.tables[0])
    assert b"Opus 24" in plot.svg["light"]
    assert b"Opus 6" not in plot.svg["light"]


def test_families_are_told_apart_by_their_bd_rate(read: Run) -> None:
    row = RateDistortion(
        testset=read.tables[0].testset,
        domain="speech",
        metric="stoi",
        measure="bd_rate",
        baseline="opus",
        baseline_codecs=("a", "b", "c"),
        family="codec2",
        codecs=("d", "e", "f"),
        n=5,
        clusters=5,
        value=-55.31,
        unit="%",
        ci95_low=-60.12,
        ci95_high=-49.99,
        overlap=0.07,
        better=True,
        reason="",
    )
    without = replace(row, value=None, ci95_low=None, ci95_high=None, reason="no overlap")
    other = replace(row, measure="bd_quality", unit="")
    told = replace(read)
    vars(told)["rate_distortion"] = [row, without, other]
    said = (
        "BD-rate of codec2 against opus: −55.3 % [−60.1, −50] bitrate at equal quality; the "
        "curves share 7 % of their span."
    )
    assert deltas(told, row.testset, "stoi") == [said]
    assert plots(told, read.tables[0])[0].deltas == [said]
    vars(told)["rate_distortion"] = [replace(row, ci95_low=None, ci95_high=None)]
    assert deltas(told, row.testset, "stoi") == [said.replace(" [−60.1, −50]", "")]
    assert deltas(told, row.testset, "pesq_wb") == []
    assert read.rate_distortion == []  # no family has three operating points
