"""Pictures of codes: a row a codebook, a colour a code, as long as their sound."""

from io import BytesIO

import numpy as np
from PIL import Image

from almbench.site.views import WIDTH
from almbench.statistics.tokens import Codes

HEIGHT = 96  # pixels, whatever the number of codebooks
TURN = (5**0.5 - 1) / 2  # of the circle of hues from one code to the next, so that few look alike
SATURATION, LIGHTEST, DARKEST = 0.55, 0.85, 0.55
PAPER = 255  # where no frame is


def draw_codes(codes: Codes, frame_rate: float | None, seconds: float) -> bytes:
    """Draw the codes of a clip as a WebP without loss.

    Args:
        codes: **Shape** `[K, T]`, the first codebook on top; negative where there is no code.
        frame_rate: Frames per second in Hz; None where unknown: they then fill the clip.
        seconds: Duration of the clip, from the left edge to the right one.
    """
    books, frames = codes.shape
    rate = frame_rate or frames / seconds
    places = ((np.arange(WIDTH) + 0.5) / WIDTH * seconds * rate).astype(int)
    rows = np.arange(HEIGHT) * books // HEIGHT
    shown = np.full((HEIGHT, WIDTH), -1, np.int64)
    there = places < frames
    shown[:, there] = codes[rows][:, places[there]]
    picture = np.where((shown < 0)[..., None], PAPER, _colours(shown))
    edges = np.flatnonzero(np.diff(rows)) + 1
    if books * 4 <= HEIGHT:
        picture[edges] = PAPER  # a line of paper between codebooks that have room for it
    buffer = BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(buffer, "WEBP", lossless=True, method=3)
    return buffer.getvalue()


def _colours(codes: Codes) -> Codes:
    """Red, green and blue from 0 to 255 of each code, **Shape** `[..., 3]`."""
    hue = (codes * TURN) % 1.0
    value = DARKEST + (LIGHTEST - DARKEST) * ((codes * TURN**2 * 7) % 1.0)
    sector = (hue[..., None] * 6 + np.array([5.0, 3.0, 1.0])) % 6
    share = np.clip(np.minimum(sector, 4 - sector), 0, 1)  # of the HSV model
    shade = np.rint(255 * value[..., None] * (1 - SATURATION * share))
    return np.asarray(shade, np.int64)
