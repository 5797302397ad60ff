"""Phones of item files: where they are cut, and ABX of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from almbench.audio import Sound
from almbench.errors import MetricUndefined, UserError
from almbench.tokens.abx import Abx, AbxSettings
from almbench.tokens.cells import make_cells
from almbench.tokens.items import Item, read_items
from almbench.tokens.measure import Effort, TokenSet
from almbench.tokens.registry import make_measure
from tests.tokens.conftest import token_set

HEAD = "#file onset offset #phone prev-phone next-phone speaker\n"
RATE = 50.0


def test_the_frames_are_those_whose_middles_lie_inside() -> None:
    item = Item("a", 0.1, 0.2, "p", "x y", "s")
    assert item.frames(50) == slice(5, 10)  # middles at 0.11, 0.13, ..., 0.19
    assert item.frames(12.5) == slice(1, 3)  # of 0.04, 0.12, 0.20: both ends are included
    assert replace(item, onset=0.27, offset=0.29).frames(50) == slice(13, 15)  # 0.27 and 0.29
    assert replace(item, onset=0.0, offset=0.01).frames(10) == slice(0, 0)


@pytest.mark.parametrize(
    "line",
    ["a 0 1 p x y", "a zero 1 p x y s", "a 1 0.5 p x y s", "a 0 inf p x y s", "a -1 1 p x y s"],
)
def test_a_line_that_is_no_item_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "phones.item"
    path.write_text(f"{HEAD}a 0 1 p x y s\n\n{line}\n")
    with pytest.raises(UserError, match="line 4"):
        read_items(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read_items(path)


@pytest.fixture
def spoken(tmp_path: Path) -> tuple[TokenSet, Path]:
    """Two speakers say p and b twice between a and a, and k once between i and i: 5 frames each."""
    order = ["p", "b", "b", "p", "k"]
    lines, codes = [], []
    for speaker in "st":
        codes.append(np.repeat([["pbk".index(phone) for phone in order]], 5, axis=1))
        for i, phone in enumerate(order):
            around = "i i" if phone == "k" else "a a"
            lines.append(f"{speaker}1 {0.1 * i:.1f} {0.1 * (i + 1):.1f} {phone} {around} {speaker}")
    path = tmp_path / "phones.item"
    path.write_text(HEAD + "\n".join([*lines, "other 0 1 p a a s", "s1 0 0.001 p a a s"]))
    made = token_set(codes, frame_rate=RATE)
    clips = [replace(c, id=f"{s}1") for c, s in zip(made.clipset.clips, "st", strict=True)]
    return replace(made, clipset=replace(made.clipset, clips=tuple(clips))), path


def test_phones_are_told_apart_in_their_contexts(spoken: tuple[TokenSet, Path]) -> None:
    tokens, path = spoken
    measure = make_measure("abx", {"items": str(path)})
    assert isinstance(measure, Abx)
    assert measure.targets(tokens.clipset, ()) == ["phone"]
    found = {
        v.measure: v for v in measure.compute(tokens, "phone", Effort()) if v.value is not None
    }
    assert found["abx_error_within"].value == found["abx_error_across"].value == 0.0
    # p and b, both ways, each speaker: 2 X of 1 other A and 2 B; k has no other in its context.
    assert found["abx_error_within"].n == 2 * 2 * 2 * 1 * 2
    assert found["abx_error_across"].n == 2 * 2 * 2 * 2 * 2
    swapped = [np.roll(codes, 5) for codes in tokens.codes]  # k p b b p: half of them are wrong
    moved = measure.compute(replace(tokens, codes=tuple(swapped)), "phone", Effort())
    assert moved[0].value is not None
    assert moved[0].value > 0.2
    sound = np.sin(np.arange(8000) * np.repeat([0.1, 0.9, 0.9, 0.1, 0.4], 1600))
    heard = replace(tokens.clipset, read_sound=lambda _: Sound(sound, 16_000), sound_hash="x")
    plain = {v.measure: v.value for v in measure.baseline(heard, "phone", Effort())}
    assert plain["abx_error_across"] == 0.0


FASTABX = {"one-hot": (0.348161, 0.345852), "vectors": (0.39628973, 0.39184140)}


@pytest.fixture
def heard(tmp_path: Path) -> tuple[TokenSet, Path]:
    """Four clips of each of three speakers, whose phones end on middles of frames or not."""
    rng = np.random.default_rng(7)
    lines, codes, ids = [], [], []
    for speaker in "stu":
        for clip in range(4):
            ids.append(f"{speaker}{clip}")
            of_clip, start = rng.integers(0, 12, (1, 101)), 0.0
            while start < 1.8:
                phone, around = "pbk"[rng.integers(3)], ("a a", "i i")[rng.integers(2)]
                end = round(start + rng.integers(3, 16) / 100, 2)
                inside = slice(round(start * RATE), round(end * RATE))
                likely = rng.random(of_clip[:, inside].shape) < 0.3
                of_clip[:, inside][likely] = "pbk".index(phone)
                lines.append(f"{ids[-1]} {start:.2f} {end:.2f} {phone} {around} {speaker}")
                start = end
            codes.append(of_clip)
    path = tmp_path / "heard.item"
    path.write_text(HEAD + "\n".join(lines))
    made = token_set(codes, frame_rate=RATE)
    clips = tuple(replace(c, id=id_) for c, id_ in zip(made.clipset.clips, ids, strict=True))
    entries = rng.standard_normal((4, 12))
    vectors = [entries[:, one[0]] + 0.1 * rng.standard_normal((4, 101)) for one in codes]
    clipset = replace(made.clipset, clips=clips)
    return replace(made, clipset=clipset, dequantize=lambda: vectors), path


def test_errors_are_those_of_fastabx(heard: tuple[TokenSet, Path]) -> None:
    """Those that `zerospeech_abx` of fastabx 0.9.0 found for the same files.

    No group or speaker of X was left out; its distance was `identical` for `one-hot`, where paths
    of the same cost have several lengths, and `angular` for `vectors`.
    """
    tokens, path = heard
    values = Abx(AbxSettings(items=path)).compute(tokens, "phone", Effort())
    found = {(value.input, value.measure.rpartition("_")[2]): value.value for value in values}
    for (input_, errors), near in zip(FASTABX.items(), (1e-4, 1e-7), strict=True):
        assert (found[input_, "within"], found[input_, "across"]) == pytest.approx(errors, abs=near)


def test_the_item_file_is_part_of_the_settings_by_what_it_says(
    spoken: tuple[TokenSet, Path],
) -> None:
    _, path = spoken
    first = AbxSettings(items=path).model_dump(mode="json")
    assert first["items"] == "phones.item"
    path.write_text(HEAD)
    assert AbxSettings(items=path).model_dump(mode="json") != first
    with pytest.raises(UserError, match="items"):
        make_measure("abx", {"items": "/no/such.item"})


def test_items_of_other_clips_and_unknown_rates_say_so(spoken: tuple[TokenSet, Path]) -> None:
    tokens, path = spoken
    measure = Abx(AbxSettings(items=path))
    with pytest.raises(MetricUndefined, match="no frame rate"):
        measure.compute(replace(tokens, frame_rate=None), "phone", Effort())
    path.write_text(HEAD + "other 0 1 p a a s")
    with pytest.raises(MetricUndefined, match="no item"):
        measure.compute(tokens, "phone", Effort())


def test_contexts_keep_cells_apart() -> None:
    words, speakers, contexts = list("pbpb"), list("ssss"), ["a a", "a a", "i i", "a a"]
    cells = make_cells(words, speakers, 5, 0, contexts)
    assert [(c.words, c.context, c.a, c.b) for c in cells["within"]] == [
        (("b", "p"), "a a", (1, 3), (0,))
    ]
    assert len(make_cells(words, speakers, 5, 0)["within"]) == 2
