"""Token statistics by hand, by a plain count, and on sources of known entropy."""

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from almbench.statistics.tokens import token_statistics

Ints = np.ndarray[Any, np.dtype[np.int64]]
SIZE = 2048


def codes(*books: list[int]) -> Ints:
    return np.array(books, np.int64)


def test_use_perplexity_and_entropy_by_hand() -> None:
    # Token 0 six times in eight, token 1 twice: all has been seen, so only the bias is taken off.
    found = token_statistics([codes([0, 0, 0, 1]), codes([0, 0, 0, 1])], [4])
    book = found.codebooks[0]
    h = -0.75 * math.log2(0.75) - 0.25 * math.log2(0.25)
    harmonic = [sum(1 / k for k in range(count, 8)) for count in (6, 2)]
    corrected = (0.75 * harmonic[0] + 0.25 * harmonic[1]) / math.log(2)
    assert book.perplexity == pytest.approx(2**h)
    assert (book.use, book.tokens, book.size_bits, book.coverage) == (0.5, 8, 2, 1)
    assert book.entropy_bits == pytest.approx(corrected)
    assert [clip.entropy_bits for clip in found.clips] == pytest.approx([4 * corrected] * 2)
    # Clips that differ pay by the distribution of both, and their sum is the estimate.
    clips = [codes([0, 0, 0, 0, 0]), codes([0, 0, 1, 1, 1])]
    found = token_statistics(clips, [2])
    bits = [clip.entropy_bits for clip in found.clips]
    assert bits[0] is not None
    assert bits[1] is not None
    assert found.codebooks[0].entropy_bits is not None
    assert bits[1] - bits[0] == pytest.approx(3 * math.log2(0.7 / 0.3))
    assert bits[0] + bits[1] == pytest.approx(10 * found.codebooks[0].entropy_bits)
    assert [clip.perplexity for clip in found.clips] == pytest.approx([1, 1.9602], abs=1e-4)
    assert [clip.use for clip in found.clips] == [0.5, 1]


def test_too_few_tokens_have_no_entropy() -> None:
    rng = np.random.default_rng(0)
    thick, thin = rng.integers(0, 4, 300), rng.integers(0, 1024, 300)
    found = token_statistics([np.stack([thick, thin])], [1024, 1024])
    assert found.codebooks[0].entropy_bits == pytest.approx(2, abs=0.02)
    assert found.codebooks[1].entropy_bits is None
    assert found.codebooks[1].coverage < 0.5
    assert found.clips[0].entropy_bits is None


def test_codecs_compare_by_equally_many_tokens() -> None:
    """Rarefied, a longer test set of the same source uses no more of the codebook."""
    rng = np.random.default_rng(1)
    short, long = rng.integers(0, 64, (1, 40)), rng.integers(0, 64, (1, 4000))
    whole = token_statistics([long], [64]).codebooks[0]
    assert whole.use == 1
    draws = [np.unique(rng.integers(0, 64, 40)).size / 64 for _ in range(400)]
    rarefied = token_statistics([long], [64], [40], 40)
    assert rarefied.codebooks[0].use == pytest.approx(np.mean(draws), abs=0.01)
    assert rarefied.clips[0].use == rarefied.codebooks[0].use
    assert rarefied.codebooks[0].compared_tokens == 40
    beyond = token_statistics([short], [64], [50], 50)  # more than there are: all of them
    assert beyond.codebooks[0].use == np.unique(short).size / 64


def em(parts: list[list[float]]) -> list[float]:
    """Weights of a mixture, by lists."""
    weights = [1 / len(parts)] * len(parts)
    for _ in range(200):
        totals = [0.0] * len(parts)
        for values in zip(*parts, strict=True):
            shares = [w * v for w, v in zip(weights, values, strict=True)]
            totals = [t + s / sum(shares) for t, s in zip(totals, shares, strict=True)]
        weights = [t / len(parts[0]) for t in totals]
    floor = 0.5 / len(parts[0])
    weights[0] = max(weights[0], floor)
    return [w / sum(weights) for w in weights]


def slow_parts(clips: list[Ints], out: int, k: int, size: int) -> list[list[float]]:
    """What each part of the model gives each token of a clip, by dictionaries over the others."""
    rest = [clip.tolist() for i, clip in enumerate(clips) if i != out]
    uni = Counter(x for clip in rest for x in clip[k])
    pairs = Counter(p for clip in rest for p in pairwise(clip[k]))
    before = Counter(x for clip in rest for x in clip[k][:-1])
    parts: list[list[float]] = [[], [], []] if k == 0 else [[], [], [], []]
    mine = clips[out].tolist()
    for i, x in enumerate(mine[k]):
        p = uni[x] / uni.total()
        parts[0].append(1 / size)
        parts[1].append(p)
        last = mine[k][i - 1] if i else None
        parts[2].append(pairs[last, x] / before[last] if last in before else p)
        if k:
            lower = mine[k - 1][i]
            both = Counter(p for clip in rest for p in zip(clip[k - 1], clip[k], strict=True))
            given = sum(n for (y, _), n in both.items() if y == lower)
            parts[3].append(both[lower, x] / given if given else p)
    return parts


def test_the_model_against_a_plain_count() -> None:
    rng = np.random.default_rng(5)
    clips = [rng.geometric(0.3, (2, length)).clip(1, 15) for length in (30, 1, 7, 60, 2)]
    for clip in clips:
        clip[1] = (clip[0] + clip[1]) // 2
    found = token_statistics(clips, [16, 32])
    per_clip: list[list[float]] = [[] for _ in clips]
    for k, size in enumerate((16, 32)):
        parts = [slow_parts(clips, i, k, size) for i in range(5)]
        sums = []
        for i in range(5):
            others = [parts[j] for j in range(5) if j % 2 != i % 2]
            weights = em([[v for p in others for v in p[c]] for c in range(len(parts[i]))])
            bits = [
                -math.log2(sum(w * v for w, v in zip(weights, values, strict=True)))
                for values in zip(*parts[i], strict=True)
            ]
            sums.append(sum(bits))
            per_clip[i].append(sum(bits) / len(bits))
        assert found.codebooks[k].ngram_bits == pytest.approx(sum(sums) / 100, abs=1e-3)
    for i in range(5):
        assert found.clips[i].ngram_bits == pytest.approx(np.mean(per_clip[i]), abs=2e-3)


def source(kind: str, tokens: int) -> list[Ints]:
    """Ten clips of a source of 11 bits whose bits a token are known."""
    rng = np.random.default_rng(3)
    if kind == "uniform":
        drawn = rng.integers(0, SIZE, tokens)
    elif kind == "zipf":
        weights = 1 / np.arange(1, SIZE + 1)
        drawn = rng.choice(SIZE, tokens, p=weights / weights.sum())
    else:  # four followers of each, equally likely
        followers = np.stack([rng.permutation(SIZE) for _ in range(4)])
        drawn = np.zeros(tokens, np.int64)
        for i, turn in enumerate(rng.integers(0, 4, tokens - 1)):
            drawn[i + 1] = followers[turn, drawn[i]]
    return [part[None] for part in np.array_split(drawn, 10)]


@pytest.mark.parametrize(
    ("kind", "tokens", "least", "most"),
    [  # the true bits a token: 11, 8.14, 2; what the model has not learnt yet comes on top
        ("uniform", 300, 10.9, 11.1),
        ("uniform", 3000, 10.98, 11.05),
        ("uniform", 30_000, 10.99, 11.02),
        ("zipf", 300, 8.1, 9.3),
        ("zipf", 3000, 8.1, 8.6),
        ("zipf", 30_000, 8.1, 8.25),
        ("markov", 3000, 2, 9.5),
        ("markov", 30_000, 2, 2.8),
        ("markov", 300_000, 2, 2.05),
    ],
)
def test_sources_of_known_bits(kind: str, tokens: int, least: float, most: float) -> None:
    bits = token_statistics(source(kind, tokens), [SIZE]).codebooks[0].ngram_bits
    assert bits is not None
    assert least < bits < most


def test_a_codebook_that_follows_from_the_one_below_is_predicted() -> None:
    rng = np.random.default_rng(2)
    clips = [rng.integers(0, 32, (1, 500)) for _ in range(4)]
    twice = [np.concatenate([clip, 31 - clip]) for clip in clips]
    lower, upper = token_statistics(twice, [32, 32]).codebooks
    assert lower.ngram_bits == pytest.approx(5, abs=0.1)
    assert upper.ngram_bits is not None
    assert upper.ngram_bits < 0.01


def test_degenerate_codes() -> None:
    constant = token_statistics([codes([5] * 10), codes([5] * 4)], [1024]).codebooks[0]
    assert (constant.use, constant.perplexity, constant.entropy_bits) == (1 / 1024, 1, 0)
    assert constant.ngram_bits == pytest.approx(0, abs=0.2)
    one_frame = token_statistics([codes([3]), codes([3])], [4])
    assert one_frame.clips[0].ngram_bits is not None
    assert 0 < one_frame.clips[0].ngram_bits < 1
    strange = token_statistics([codes([0]), codes([1])], [4])  # never seen, not impossible
    assert strange.clips[0].ngram_bits == pytest.approx(2, abs=0.01)
    one_clip = token_statistics([codes([0, 1, 0])], [2])
    assert one_clip.clips[0].ngram_bits is None
    assert one_clip.codebooks[0].ngram_bits is None
    assert one_clip.codebooks[0].use == 1
    assert token_statistics([], [4]).clips == []
    large = token_statistics([codes([46655, 0]), codes([0, 46655])], [46656])
    assert large.codebooks[0].perplexity == 2
