"""The picture that stands for a clip where a link to it is shown: its first versions, by name."""

import warnings
from io import BytesIO
from pathlib import Path
from textwrap import shorten
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from almbench.drawing import FONTS, THEMES
from almbench.site.card import DPI, HEIGHT, WIDTH
from almbench.site.listening import Clip

VIEWS = 3  # versions shown, the original first
QUALITY = 80  # of the JPEG


def draw_clip_card(clip: Clip, title: str, root: Path) -> bytes:
    """Draw the picture of a clip as JPEG.

    Args:
        clip: The clip, with sounds.
        title: What it is a clip of.
        root: The site's folder, which holds the pictures of its sounds.
    """
    colours = THEMES["light"]
    style: dict[Any, Any] = {
        "font.family": "sans-serif",
        "font.sans-serif": FONTS,
        "text.parse_math": False,
        "text.color": colours["ink"],
    }
    with rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=colours["paper"])
        name = shorten(clip.name, 44, placeholder=" …")
        figure.text(0.04, 0.93, name, va="top", fontsize=26, fontweight="bold")
        about = shorten(clip.text or title, 84, placeholder=" …")
        figure.text(0.04, 0.83, about, va="top", fontsize=16, color=colours["quiet"])
        for i, (system, sound) in enumerate(clip.sounds[:VIEWS]):
            bottom = 0.56 - i * 0.22
            label = shorten(system.label, 20, placeholder=" …")
            figure.text(0.04, bottom + 0.12, label, fontsize=16, fontweight="bold")
            figure.text(0.04, bottom + 0.06, system.rate, fontsize=14, color=colours["quiet"])
            axes = figure.add_axes((0.27, bottom, 0.69, 0.2))
            axes.set_axis_off()
            with Image.open(root / sound.view) as view:
                axes.imshow(view, aspect="auto", interpolation="bilinear")
        more = len(clip.sounds) - VIEWS
        if more > 0:
            words = f"and {more} more, to be heard in step"
            figure.text(0.04, 0.05, words, fontsize=14, color=colours["quiet"])
        buffer = BytesIO()
        figure.savefig(buffer, format="jpg", dpi=DPI, pil_kwargs={"quality": QUALITY})
    return buffer.getvalue()
