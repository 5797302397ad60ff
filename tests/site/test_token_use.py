"""Pictures of the use of codebooks' entries."""

from io import BytesIO

import numpy as np
from PIL import Image

from almbench.site.token_use import OFTEN, PAPER, RARE, WIDTH, draw_token_use


def drawn(counts: list[list[int]]) -> np.ndarray:
    pixels = draw_token_use([np.array(count) for count in counts])
    return np.asarray(Image.open(BytesIO(pixels)).convert("RGB"), int)


def test_entries_are_ranked_and_those_never_used_are_paper() -> None:
    picture = drawn([[0, 7, 0, 0], [5, 5, 5, 5]])
    assert picture.shape[1] == WIDTH
    top, bottom = picture[2], picture[-2]
    middle = np.rint(RARE + 0.5 * (OFTEN - RARE))  # as often as the mean
    assert (top[WIDTH // 4 :] == PAPER).all()
    assert (top[: WIDTH // 4] == np.rint(RARE + 0.7 * (OFTEN - RARE))).all()  # 4 times the mean
    assert (bottom == middle).all()


def test_many_codebooks_and_empty_ones_have_their_rows() -> None:
    picture = drawn([[1, 0]] * 63 + [[0, 0]])
    assert len(picture) >= 4 * 64
    assert (picture[-3:] == PAPER).all()
    assert (picture[0, 0] != PAPER).all()
    assert len(drawn([[3]])) > 0
