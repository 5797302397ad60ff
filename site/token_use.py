"""Pictures of which entries of codebooks are used, and how often: a row a codebook."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from almbench.codecs.codes_file import read_codes
from almbench.errors import CodecError
from almbench.results.codec_record import CodecRecord
from almbench.site.source import Run
from almbench.statistics.tokens import Codes

CLIPS = 200  # of a test set at most, evenly spread over it
WIDTH, LEAST_ROW, LEAST_HEIGHT, MOST_HEIGHT = 800, 4, 72, 256  # pixels
PAPER = 255  # where an entry is never used
RARE, OFTEN = np.array([222, 235, 247]), np.array([8, 48, 107])  # red, green and blue
SPAN = 5.0  # an entry 2 to this times as frequent as the mean is darkest; as seldom, lightest


def token_use(run: Run, testset: str, codec: CodecRecord) -> list[NDArray[np.int64]]:
    """How often each entry of each codebook occurs in the codes of a run; none without codes.

    Args:
        run: The run.
        testset: The test set, of which `CLIPS` clips are read.
        codec: The codec.
    """
    if not codec.has_codes:
        return []
    paths = [
        path
        for clip in run.manifest.testsets_by_name[testset].clips
        if (path := run.folder.codes(testset, codec.id, clip.id)).is_file()
    ]
    counts = [np.zeros(size, np.int64) for size in codec.codebook_sizes]
    for place in np.unique(np.linspace(0, len(paths) - 1, min(CLIPS, len(paths))).round()):
        path = paths[int(place)]
        run.folder.check(path)
        try:
            codes: Codes = read_codes(path, codec.codebook_sizes)
        except CodecError:
            continue  # the tables say so
        strides = codec.codebook_strides or [1] * len(counts)
        for k, (of_book, stride) in enumerate(zip(codes, strides, strict=True)):
            counts[k] += np.bincount(of_book[::stride], minlength=len(counts[k]))
    return counts if any(count.any() for count in counts) else []


def draw_token_use(counts: list[NDArray[np.int64]]) -> bytes:
    """Draw how often entries occur, those used most at the left, as a WebP without loss.

    Args:
        counts: Of each codebook, how often each of its entries occurs. A book that never occurs is
            paper.
    """
    height = int(np.clip(12 * len(counts), LEAST_HEIGHT, max(MOST_HEIGHT, LEAST_ROW * len(counts))))
    picture = np.full((height, WIDTH, 3), PAPER, np.int64)
    rows = np.arange(height) * len(counts) // height
    for k, count in enumerate(counts):
        ranked = np.sort(count)[::-1]
        shown = ranked[np.arange(WIDTH) * len(ranked) // WIDTH]
        used = shown > 0
        times = np.log2(shown[used] / max(1, count.sum()) * len(count))
        share = np.clip((times + SPAN) / (2 * SPAN), 0, 1)[:, None]
        picture[np.ix_(rows == k, used)] = np.rint(RARE + share * (OFTEN - RARE))
    edges = np.flatnonzero(np.diff(rows)) + 1
    if len(counts) * LEAST_ROW * 2 <= height:
        picture[edges] = PAPER  # a line of paper between codebooks that have room for it
    buffer = BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(buffer, "WEBP", lossless=True, method=3)
    return buffer.getvalue()
