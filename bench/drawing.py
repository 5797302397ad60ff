"""How the site's plots are drawn: once, in the faces of its pages, then coloured for each theme."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.figure import Figure

FONTS = ["DejaVu Sans", "Verdana", "Segoe UI", "Helvetica Neue", "Arial"]
THEMES = {
    "light": {
        "ink": "#2b2a27", "quiet": "#8d887e", "grid": "#e3dfd6", "mark": "#0f5f7d",
        "family1": "#d55e00", "family2": "#00967a", "family3": "#8f63e0", "family4": "#6d1a00",
        "paper": "#fbfaf7",
    },
    "dark": {
        "ink": "#dedad2", "quiet": "#8f8b83", "grid": "#34363a", "mark": "#7cc4e0",
        "family1": "#ff8a3c", "family2": "#2fae8e", "family3": "#b18cff", "family4": "#e0483a",
        "paper": "#17181b",
    },
}  # fmt: skip
LIGHT = THEMES["light"]
FAMILIES = [LIGHT[name] for name in ("mark", "family1", "family2", "family3", "family4", "ink")]
"""Colours of families of codecs, told apart by readers of every kind of colour blindness, too."""


@contextmanager
def style(size: float = 8.5) -> Iterator[None]:
    """Draw in the light theme, with text that stays text; it is embedded in PDF as Type 42.

    Args:
        size: Size of text in points.
    """
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "almbench",
        "font.family": "sans-serif",
        "font.sans-serif": FONTS,
        "font.size": size,
        "pdf.fonttype": 42,
        "text.parse_math": False,
        "text.color": LIGHT["ink"],
        "axes.labelcolor": LIGHT["ink"],
        "axes.edgecolor": LIGHT["quiet"],
        "xtick.color": LIGHT["quiet"],
        "ytick.color": LIGHT["quiet"],
        "xtick.labelcolor": LIGHT["ink"],
        "ytick.labelcolor": LIGHT["ink"],
    }
    with rc_context(settings), warnings.catch_warnings():
        # The page's reader has the glyphs of any script; the font used for measuring may not.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def in_themes(figure: Figure) -> dict[str, bytes]:
    """Write a figure as SVG for each theme; drawing takes long, changing its colours does not."""
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawn = buffer.getvalue()
    return {theme: _coloured(drawn, colours) for theme, colours in THEMES.items()}


def for_paper(figure: Figure, format_: Literal["pdf", "svg"]) -> bytes:
    """Write a figure as PDF, or as SVG whose text is drawn, on a white ground."""
    buffer = BytesIO()
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with rc_context({"svg.fonttype": "path"}):
        figure.savefig(buffer, format=format_, facecolor="white", metadata=dates[format_])
    return buffer.getvalue()


def _coloured(svg: bytes, colours: dict[str, str]) -> bytes:
    by_light = {LIGHT[name].encode(): colour.encode() for name, colour in colours.items()}
    return re.sub(
        rb"((?:fill|stroke): )(#[0-9a-f]{6})\b",
        lambda found: found[1] + by_light.get(found[2], found[2]),
        svg,
    )


def short(label: str, letters: int) -> str:
    """A label in one line of so many letters at most."""
    text = " ".join(label.split())
    return text if len(text) <= letters else text[: letters - 1] + "…"
