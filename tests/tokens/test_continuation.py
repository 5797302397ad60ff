"""Continuations of a source that leaves no choice, and through a codec."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import soundfile as sf

from almbench.errors import MetricUndefined
from almbench.results.runfolder import RunFolder
from almbench.tokens.continuation import continuations, continue_codes, write_continuations
from almbench.tokens.language import Fitted, LanguageSettings, fit
from almbench.tokens.measure import ClipSet, Effort, LabelledClip, TokenSet
from almbench.tokens.parts import split_codes
from almbench.tokens.sources import TokenSource
from tests.tokens.conftest import token_set
from tests.tokens.test_robustness import HOP, RATE, opened

SETTINGS = LanguageSettings(steps=60, windows=8, window_s=0.4, every=30)


@pytest.fixture(scope="module")
def wheel() -> tuple[TokenSet, Fitted]:
    """A wheel of four, its second book one ahead: what comes is certain."""
    codes = [np.stack([np.arange(i, i + 40), np.arange(i + 1, i + 41)]) % 4 for i in range(12)]
    tokens = token_set(codes, sizes=(4, 4))
    return tokens, fit(split_codes(tokens, 0), 50, SETTINGS, Effort())


def test_what_is_certain_is_continued(wheel: tuple[TokenSet, Fitted]) -> None:
    tokens, fitted = wheel
    for begin in (2, 7, 35):  # shorter and longer than a window of 20 frames
        went_on = continue_codes(fitted, tokens.codes[0][:, :begin], 40 - begin, seed=0, top=1)
        assert went_on.tolist() == tokens.codes[0].tolist()
    assert continue_codes(fitted, tokens.codes[0], 0, seed=0).tolist() == tokens.codes[0].tolist()


def test_nothing_is_continued_by_the_seed(wheel: tuple[TokenSet, Fitted]) -> None:
    nothing = np.empty((2, 0), np.int64)
    drawn = [continue_codes(wheel[1], nothing, 12, seed) for seed in (1, 1, 2, 3)]
    assert drawn[0].shape == (2, 12)
    assert drawn[0].tolist() == drawn[1].tolist()
    assert len({str(one.tolist()) for one in drawn}) > 1
    assert all(((one >= 0) & (one < 4)).all() for one in drawn)


def test_a_slower_book_holds_its_tokens() -> None:
    codes = [
        np.stack([np.repeat(np.arange(i, i + 10), 4) % 3, np.arange(40) % 4]) for i in range(9)
    ]
    tokens = replace(token_set(codes, sizes=(3, 4)), strides=(4, 1))
    data = split_codes(tokens, 0)
    fitted = fit(data, 50, LanguageSettings(steps=2, windows=2, window_s=0.4), Effort())
    made = continue_codes(fitted, data.codes[0][:, :10], 13, seed=0, strides=data.strides)
    assert made[:, :10].tolist() == codes[0][:, :10].tolist()
    assert made.shape == (2, 23)
    assert made[0].tolist() == np.repeat(made[0, ::4], 4)[:23].tolist()


def test_continuations_are_decoded_and_marked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    codes = tuple(rng.integers(30, 34, (2, 50)) for _ in range(8))
    clips = tuple(LabelledClip(f"c{i}") for i in range(8))
    tokens = TokenSet(ClipSet("set", clips), "toy", codes, (64, 64), RATE / HOP, opened)
    settings = LanguageSettings(steps=2, windows=2, window_s=0.4)
    made = list(continuations(tokens, settings, Effort(), clips=2, prompt_s=0.5, new_s=1))
    assert len(made) == 2
    for one in made:
        assert one.prompt_s == 0.5
        assert one.codes.shape == (2, 75)
        assert one.codes[:, :25].tolist() == codes[int(one.clip[1:])][:, :25].tolist()
        path = one.write(tmp_path)
        assert path.name == f"{one.clip}.sampled.flac"
        assert sf.info(path).frames == 75 * HOP
    folder = RunFolder(tmp_path)
    source = TokenSource(tokens.clipset, "toy", "Toy", True, lambda: (tokens, []))
    assert write_continuations(folder, [source], settings, Effort(), 2) == []
    assert len(list(folder.continuations("set", "toy").glob("*.sampled.flac"))) == 2
    fine = replace(tokens, frame_rate=500.0)
    source = TokenSource(tokens.clipset, "toy", "Toy", True, lambda: (fine, []))
    [reason] = write_continuations(folder, [source], settings, Effort(), 2)
    assert reason == "set, toy: 1000 tokens a second are over 250"
    assert not folder.continuations("set", "toy").exists()  # those of before are gone
    alone = TokenSet(ClipSet("set", clips), "toy", codes, (64, 64), 50, None, "files alone")
    with pytest.raises(MetricUndefined, match="files alone"):
        list(continuations(alone, settings, Effort()))
