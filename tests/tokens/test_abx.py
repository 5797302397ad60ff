"""ABX against triples that are counted by hand, and warped distances against plain recursion."""

from dataclasses import replace

import numpy as np
import pytest

from almbench.errors import MetricUndefined
from almbench.results.probes import ProbeValue
from almbench.tokens.abx import Abx, AbxSettings
from almbench.tokens.cells import Cell, make_cells, mean_error
from almbench.tokens.dtw import angular, dtw, hamming
from almbench.tokens.measure import Effort, Floats
from tests.tokens.conftest import token_set


def plain_dtw(distances: Floats) -> float:
    """The definition: cheapest path, the diagonal preferred, its cost over its length."""
    rows, columns = distances.shape
    cells: dict[tuple[int, int], tuple[float, int]] = {}
    for i in range(rows):
        for j in range(columns):
            before = [cells[p] for p in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if p in cells]
            cost, steps = min(before, key=lambda cell: cell[0]) if before else (0.0, 0)
            cells[i, j] = cost + distances[i, j], steps + 1
    cost, steps = cells[rows - 1, columns - 1]
    return cost / steps


def test_warping_is_that_of_its_definition() -> None:
    rng = np.random.default_rng(0)
    codes = [rng.integers(0, 3, (2, int(n))) for n in rng.integers(1, 12, 12)]
    lengths = [one.shape[1] for one in codes]
    pairs = [(i, j) for i in range(12) for j in range(12)]
    for distance in (hamming(codes), angular([one.astype(float) for one in codes])):
        found = dtw(pairs, lengths, distance)
        assert found == pytest.approx([plain_dtw(distance(i, j)) for i, j in pairs])
    assert dtw([(0, 0)], lengths, hamming(codes))[0] == 0.0


def test_distances_of_frames() -> None:
    codes = [np.array([[1, 2], [5, 5]]), np.array([[1], [6]])]
    assert hamming(codes)(0, 1).tolist() == [[0.5], [1.0]]
    vectors = [np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, -2.0], [3.0, 0.0]])]
    assert angular(vectors)(0, 1) == pytest.approx(np.array([[0.5, 1.0], [0.5, 0.5]]))


def test_a_cell_counts_its_triples() -> None:
    distances = np.array([[0, 1, 3, 2], [1, 0, 1, 0.5], [3, 1, 0, 0], [2, 0.5, 0, 0]], float)
    # X = 0: to A = 1 it is 1, to B = 2 and 3 it is 3 and 2: right twice.
    # X = 1: to A = 0 it is 1, to B = 2 and 3 it is 1 (a tie) and 0.5 (wrong).
    cell = Cell(("w", "v"), ("s", "s"), (0, 1), (2, 3), (0, 1))
    assert cell.error(distances) == (0 + 0 + 0.5 + 1) / 4
    across = Cell(("w", "v"), ("s", "t"), (0,), (2,), (1,))
    assert across.error(distances) == 0.5


def test_cells_and_their_averages() -> None:
    words, speakers = list("ababa"), list("sstts")
    cells = make_cells(words, speakers, 5, 0)
    assert [(c.words, c.speakers, c.a, c.b, c.x) for c in cells["across"]] == [
        (("a", "b"), ("s", "t"), (0, 4), (1,), (2,)),
        (("a", "b"), ("t", "s"), (2,), (3,), (0, 4)),
        (("b", "a"), ("s", "t"), (1,), (0, 4), (3,)),
        (("b", "a"), ("t", "s"), (3,), (2,), (1,)),
    ]
    assert [(c.words, c.a, c.b) for c in cells["within"]] == [(("a", "b"), (0, 4), (1,))]
    # Speakers of X and contexts first, then speakers of A and B, then words.
    uneven = [Cell(("a", "b"), ("s", x), (), (), ()) for x in "tuv"]
    uneven += [Cell(("a", "b"), ("t", "s"), (), (), ()), Cell(("b", "a"), ("s", "t"), (), (), ())]
    errors = np.array([0.0, 0.3, 0.6, 0.1, 1.0])
    assert mean_error(uneven, errors) == pytest.approx(((0.3 + 0.1) / 2 + 1.0) / 2)
    assert len(make_cells(["a", "b", *"aaaaaaaa"], ["s", "s", *"tuvwxyzk"], 5, 0)["across"]) == 5


def spoken(rng: np.random.Generator, *, told: bool) -> dict[tuple[str, str], ProbeValue]:
    """Two words, six speakers, twice each; the first book tells the word, or nothing does."""
    codes, labels = [], []
    for i in range(24):
        frames = int(rng.integers(3, 9))
        first = np.full(frames, i % 2) if told else rng.integers(0, 8, frames)
        codes.append(np.stack([first, rng.integers(0, 8, frames)]))
        labels.append({"word": ("no", "yes")[i % 2], "speaker": f"s{i // 4}"})
    tokens = token_set(codes, labels, [x["speaker"] for x in labels], (8, 8))
    values = Abx(AbxSettings()).compute(tokens, "word", Effort())
    return {(value.measure.removeprefix("abx_error_"), value.book): value for value in values}


def test_words_that_codes_tell_have_no_error_and_others_are_at_chance() -> None:
    found = spoken(np.random.default_rng(0), told=True)
    assert found["across", "1"].value == found["within", "1"].value == 0.0
    assert found["across", "1"].clusters == 6
    inside = 0
    for seed in range(10):
        value = spoken(np.random.default_rng(seed), told=False)["across", "1"]
        assert value.ci95_low is not None
        assert value.ci95_high is not None
        inside += value.ci95_low <= 0.5 <= value.ci95_high
    assert inside >= 8


def test_vectors_are_compared_by_angle() -> None:
    codes = [np.array([[i % 2, i % 2]]) for i in range(8)]
    labels = [{"word": "ab"[i % 2], "speaker": f"s{i // 2}"} for i in range(8)]
    tokens = token_set(codes, labels, sizes=(2,))
    shown = replace(tokens, dequantize=lambda: [np.eye(2)[c[0]].T for c in codes])
    values = Abx(AbxSettings()).compute(shown, "word", Effort())
    assert {(v.input, v.measure, v.value) for v in values} == {
        ("one-hot", "abx_error_across", 0.0), ("one-hot", "abx_error_within", None),
        ("vectors", "abx_error_across", 0.0), ("vectors", "abx_error_within", None),
    }  # fmt: skip


@pytest.mark.parametrize(("speakers", "within", "across"), [(1, 0, None), (2, 1, 0), (3, 1, 1)])
def test_intervals_take_the_speakers_that_their_reason_says(
    speakers: int, within: int, across: int | None
) -> None:
    codes = [np.array([[i % 2, i % 3]]) for i in range(4 * speakers)]
    labels = [{"word": "ab"[i % 2], "speaker": f"s{i // 4}"} for i in range(4 * speakers)]
    values = Abx(AbxSettings()).compute(token_set(codes, labels, sizes=(3,)), "word", Effort())
    found = {v.measure.removeprefix("abx_error_"): v for v in values if v.input == "one-hot"}
    for name, has, least in (("within", within, "two"), ("across", across, "three")):
        if has is not None:
            assert (found[name].ci95_low is not None) == bool(has)
            assert found[name].reason == ("" if has else f"no interval: it takes {least} speakers")


@pytest.mark.parametrize("labels", [["a"], ["a", "a"], ["a", "b"], ["", ""]])
def test_too_little_to_compare_says_so(labels: list[str]) -> None:
    codes = [np.zeros((1, 2), np.int64)] * len(labels)
    rows = [{"word": word, "speaker": "s"} for word in labels]
    with pytest.raises(MetricUndefined, match="no speaker says two of the words"):
        Abx(AbxSettings()).compute(token_set(codes, rows), "word", Effort())


def test_only_columns_of_words_are_taken_unless_asked() -> None:
    tokens = token_set([np.zeros((1, 1), np.int64)], [{"speaker": "s", "class": "x", "text": "t"}])
    abx = Abx(AbxSettings())
    assert abx.targets(tokens.clipset, ()) == ["text"]
    assert abx.targets(tokens.clipset, ["class", "speaker"]) == ["class"]
