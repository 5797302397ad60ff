import re
import shutil
import subprocess
from dataclasses import replace
from itertools import combinations
from math import log10
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from almbench.drawing import FAMILIES, THEMES, style
from almbench.errors import UserError
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.figures import LOOK, draw_figure, figure_width
from almbench.results.rate_plot import draw_rate_plot
from tests.results.test_comparison import table

# What the dichromats of each kind see of linear RGB: Machado, Oliveira and Fernandes 2009, table 1.
SIGHT = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip


def crowd(count: int = 12) -> Comparison:
    """So many codecs with long names, at bitrates and means that lie close together."""
    made = table()
    random = np.random.default_rng(1)
    codecs, cells = [], {}
    for i in range(count):
        bps = float(np.round(400 * 1.35 ** (i // 2)))  # two of each bitrate
        codec = CodecRecord(
            id=f"c{i}", label=f"NeuralCodec {i}", family=f"f{i // 3}", sample_rate=None,
            stated_bps=bps,
        )  # fmt: skip
        codecs.append(codec)
        mean = float(2 + 0.1 * i + random.normal(0, 0.3))
        row = replace(made.cells["c", "up"], codec=codec.id, mean=mean)
        cells[codec.id, "up"] = replace(row, ci95_low=mean - 0.2, ci95_high=mean + 0.2)
    names = {c.id: replace(made.names["a"], title=c.label) for c in codecs}
    return replace(made, codecs=codecs, cells=cells, names=names, metrics=made.metrics[:1])


def drawn(made: Comparison) -> Figure:
    with style(7):
        figure = Figure(figsize=(3.3, 2.6), dpi=72)
        axes = figure.add_axes((0.12, 0.15, 0.85, 0.75))
        draw_rate_plot(axes, made, made.metrics[0], ["f0", "f1", "f2", "f3"], LOOK)
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("count", [2, 8, 12])
def test_labels_cover_neither_each_other_nor_marks_nor_leave_the_axes(count: int) -> None:
    figure = drawn(crowd(count))
    (axes,) = figure.axes
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts[1:]}
    assert len(boxes) == count
    for (_, a), (_, b) in combinations(boxes.items(), 2):
        assert not a.overlaps(b)
    marks = [line for line in axes.lines if str(line.get_gid()).startswith("mark-")]
    for mark in marks:
        x, y = axes.transData.transform(np.asarray(mark.get_xydata(), float)[0])
        assert not any(box.contains(x, y) for box in boxes.values())
    for box in boxes.values():
        assert axes.bbox.x0 - 1 <= box.x0 <= box.x1 <= axes.bbox.x1 + 1


def test_marks_stand_at_their_bitrates_and_means() -> None:
    made = crowd()
    (axes,) = drawn(made).axes
    marks = {str(line.get_gid()): line for line in axes.lines if line.get_gid()}
    for codec in made.codecs:
        x, y = np.asarray(marks[f"mark-{codec.id}"].get_xydata(), float)[0]
        assert x == codec.nominal_kbps
        assert y == made.mean(codec.id, "up")
    assert axes.get_xscale() == "log"
    ticks = [float(t.get_text()) for t in axes.get_xticklabels() if t.get_text()]
    low, high = axes.get_xlim()
    assert sum(low <= tick <= high for tick in ticks) >= 2


def test_marks_of_an_svg_lie_on_one_logarithmic_line() -> None:
    made = crowd()
    svg = draw_figure([made], ["up"], ["f0", "f1", "f2", "f3"], 3.3, "svg")
    tree = ET.fromstring(svg)  # noqa: S314 - drawn a moment ago
    at = {
        group.get("id"): float(use.get("x", "nan"))
        for group in tree.iter("{http://www.w3.org/2000/svg}g")
        if str(group.get("id")).startswith("mark-")
        for use in group.iter("{http://www.w3.org/2000/svg}use")
    }
    xs = np.array([at[f"mark-{codec.id}"] for codec in made.codecs])
    rates = np.array([log10(codec.nominal_kbps or 0) for codec in made.codecs])
    slope, offset = np.polyfit(rates, xs, 1)
    assert np.abs(slope * rates + offset - xs).max() < 0.01  # points


def test_a_pdf_has_its_width_and_embeds_its_fonts(tmp_path: Path) -> None:
    made = crowd()
    pdf = draw_figure([made], ["up"], ["f0"], figure_width("84mm"), "pdf")
    assert pdf == draw_figure([made], ["up"], ["f0"], figure_width("84mm"), "pdf")
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
    assert float(box[0]) == pytest.approx(84 / 25.4 * 72, abs=0.01)
    assert b"/Subtype /Type3" not in pdf
    if not (fonts := shutil.which("pdffonts")):
        pytest.skip("pdffonts is missing: apt install poppler-utils")
    (tmp_path / "figure.pdf").write_bytes(pdf)
    said = subprocess.run(
        [fonts, "figure.pdf"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    rows = said.splitlines()[2:]
    assert rows
    assert all("TrueType" in row and " yes yes " in row for row in rows)


def test_text_is_readable_at_the_size_of_print() -> None:
    (axes,) = drawn(crowd()).axes
    texts = [*axes.texts, axes.xaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]
    assert min(float(text.get_fontsize()) for text in texts) >= 6.5


def test_panels_and_what_cannot_be_drawn() -> None:
    made = crowd()
    one = draw_figure([made], ["up"], ["f0"], 3.3, "svg")
    two = draw_figure([made, made], ["up"], ["f0"], 6.9, "svg")
    assert two.count(b'id="axes_') == 2 * one.count(b'id="axes_') == 2
    with pytest.raises(UserError, match="There is nothing to draw"):
        draw_figure([made], ["fact"], ["f0"], 3.3, "svg")
    with pytest.raises(UserError, match="There is nothing to draw"):
        draw_figure([made], [], ["f0"], 3.3, "svg")  # no headline metric


@pytest.mark.parametrize("text", ["3.3", "in", "0.5in", "3.3 km", "-3in", "50in"])
def test_a_wrong_width_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=f"--width '{re.escape(text)}': give a number with in, cm"):
        figure_width(text)


def test_widths_have_units() -> None:
    assert figure_width("2in") == 2.0
    assert figure_width("5.08cm") == pytest.approx(2.0)
    assert figure_width("243pt") == pytest.approx(243 / 72.27)


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", THEMES)
def test_families_are_told_apart_by_the_colour_blind(theme: str) -> None:
    light = {colour: name for name, colour in THEMES["light"].items()}
    colours = [THEMES[theme][light[colour]] for colour in FAMILIES]
    for matrix in (np.eye(3), *map(np.array, SIGHT.values())):
        seen = [lab(matrix @ linear(colour)) for colour in colours]
        assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 12
    paper = linear(THEMES[theme]["paper"]) @ TO_XYZ[1] + 0.05
    for colour in colours:
        low, high = sorted((linear(colour) @ TO_XYZ[1] + 0.05, paper))
        assert high / low >= 3  # WCAG 2.2, 1.4.11
