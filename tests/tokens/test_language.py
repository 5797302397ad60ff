"""The language model's view: values of sources of known entropy, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from almbench.errors import MetricUndefined
from almbench.results.probes import ProbeValue
from almbench.statistics.tokens import Codes
from almbench.tokens.language import Language, LanguageSettings
from almbench.tokens.measure import ClipSet, Effort, LabelledClip, TokenSet
from almbench.tokens.parts import split

SMALL = LanguageSettings(steps=20, windows=4, window_s=1.0, every=10, patience=2)


def token_set(
    clips: list[Codes], sizes: tuple[int, ...], rate: float | None = 25.0, per_speaker: int = 1
) -> TokenSet:
    """Codes of clips, so many of a speaker."""
    known = tuple(LabelledClip(f"c{i}", f"s{i // per_speaker}") for i in range(len(clips)))
    return TokenSet(ClipSet("set", known), "codec", tuple(clips), sizes, rate)


def compute(tokens: TokenSet, seed: int = 0) -> dict[tuple[str, str, str], ProbeValue]:
    values = Language(SMALL).compute(tokens, "", Effort(seed))
    return {(value.measure, value.input, value.book): value for value in values}


def test_uniform_and_constant_books() -> None:
    """16 equally likely entries, and a book that says nothing: 4 bits a frame, 100 a second."""
    rng = np.random.default_rng(0)
    clips = [np.stack([rng.integers(0, 16, 60), np.full(60, 7)]) for _ in range(24)]
    values = compute(token_set(clips, (16, 16), per_speaker=2))
    for model in ("ngram", "transformer"):
        a_second = values["lm_bits_per_second", model, "all"]
        assert a_second.value == pytest.approx(100, rel=0.03), model
        assert (a_second.n, a_second.clusters, a_second.unit) == (6, 3, "bit/s")
        assert a_second.ci95_low is not None
        assert values["lm_bits_per_token", model, "1"].value == pytest.approx(4, abs=0.1)
        assert values["lm_bits_per_token", model, "2"].value == pytest.approx(0, abs=0.1)
        assert values["lm_bits_per_token", model, "all"].value == pytest.approx(2, abs=0.06)
        assert values["lm_share", model, "all"].value == pytest.approx(0.5, abs=0.02)
    detail = values["lm_bits_per_second", "transformer", "all"].detail
    assert detail["train"] == {"clips": 14, "frames": 14 * 60}
    assert detail["steps"] == 20
    assert detail["heard_s"] == 20 * 4
    assert [look[0] for look in detail["curve"]] == [0, 10, 20]  # type: ignore[union-attr,index]


def test_the_ngram_model_finds_a_chain_and_a_book_that_follows_another() -> None:
    """Each token goes on by 1 of 8 with a coin; the second book is the first, doubled or not."""
    rng = np.random.default_rng(1)
    clips = []
    for _ in range(40):
        first = np.cumsum(rng.integers(0, 2, 200)) % 8
        clips.append(np.stack([first, 2 * first + rng.integers(0, 2, 200)]))
    values = compute(token_set(clips, (8, 16)))
    assert values["lm_bits_per_token", "ngram", "1"].value == pytest.approx(1, abs=0.03)
    assert values["lm_bits_per_token", "ngram", "2"].value == pytest.approx(1, abs=0.1)


def test_a_slower_book_costs_at_its_own_rate() -> None:
    """A coin every fourth frame beside a fair die of eight: 3 bits a frame and a quarter."""
    rng = np.random.default_rng(3)
    clips = [
        np.stack([np.repeat(rng.integers(0, 2, 16), 4)[:62], rng.integers(0, 8, 62)])
        for _ in range(20)
    ]
    values = compute(replace(token_set(clips, (2, 8)), strides=(4, 1)))
    for model in ("ngram", "transformer"):
        tokens = 16 + 62
        assert values["lm_bits_per_second", model, "all"].value == pytest.approx(
            (16 + 62 * 3) / 62 * 25, rel=0.06
        )
        assert values["lm_bits_per_token", model, "all"].value == pytest.approx(
            (16 + 62 * 3) / tokens, rel=0.06
        )
        assert values["lm_bits_per_token", model, "1"].value == pytest.approx(1, abs=0.12)
        assert values["lm_share", model, "all"].value == pytest.approx(1, abs=0.06)


def test_the_same_seed_gives_the_same_values() -> None:
    rng = np.random.default_rng(2)
    clips = [rng.integers(0, 9, (2, int(n))) for n in rng.integers(1, 90, 9)]  # ragged
    tokens = token_set(clips, (9, 9))
    assert compute(tokens) == compute(tokens)
    few = compute(tokens)["lm_bits_per_second", "transformer", "all"]
    assert few.n == 3
    assert isinstance(few.detail["remark"], str)
    assert compute(tokens, seed=1) != compute(tokens)


def test_speakers_are_whole_in_one_part() -> None:
    clusters = np.repeat(np.arange(16), 3)
    parts = split(clusters, 5)
    of = [set(clusters[part]) for part in (parts.train, parts.validation, parts.test)]
    assert [len(part) for part in of] == [10, 2, 4]
    assert set.union(*of) == set(range(16))
    assert parts.test.tolist() == split(clusters, 5).test.tolist()
    small = split(np.arange(3), 0)
    assert [part.sum() for part in (small.train, small.validation, small.test)] == [1, 1, 1]


def test_degenerate_input() -> None:
    one = np.ones((1, 30), np.int64)
    with pytest.raises(MetricUndefined, match="there is 1"):
        compute(token_set([one], (4,)))
    with pytest.raises(MetricUndefined, match="there are 0"):
        compute(token_set([], (4,)))
    with pytest.raises(MetricUndefined, match="too few clips"):
        compute(token_set([one[:, :0]] * 4, (4,)))
    shorter = [one[:, : 1 + i % 2] for i in range(5)]  # than a window, some than two frames
    values = compute(token_set(shorter, (4,)))
    assert values["lm_bits_per_token", "transformer", "all"].value == pytest.approx(0, abs=0.6)
    trivial = compute(token_set([one * 0] * 5, (1,)))
    assert trivial["lm_bits_per_token", "transformer", "all"].value == 0
    assert ("lm_share", "transformer", "all") not in trivial
    timeless = compute(token_set([one] * 5, (4,), rate=None))
    assert timeless["lm_bits_per_token", "ngram", "all"].value == pytest.approx(0, abs=0.1)
    for model in ("ngram", "transformer"):
        assert "no frame rate" in timeless["lm_bits_per_second", model, "all"].reason
