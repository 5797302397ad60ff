"""The fixed Transformer on sources of known entropy."""

from math import log2

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from almbench.statistics.tokens import Codes, Floats  # noqa: E402
from almbench.tokens.training import Budget, Look, clip_bits, train  # noqa: E402
from almbench.tokens.transformer import TokenTransformer  # noqa: E402

BUDGET = Budget(steps=140, windows=8, frames=40, every=20, patience=3)


def entropy(p: Floats) -> float:
    """Entropy in bits of a distribution."""
    return float(-(p[p > 0] * np.log2(p[p > 0])).sum())


def markov(transitions: Floats, clips: int, frames: int, rng: np.random.Generator) -> list[Codes]:
    """Clips of a Markov chain, each begun in a state drawn at random."""
    drawn = []
    for _ in range(clips):
        state, states = int(rng.integers(len(transitions))), []
        for _ in range(frames):
            state = int(rng.choice(len(transitions), p=transitions[state]))
            states.append(state)
        drawn.append(np.array([states], np.int64))
    return drawn


def bits_per_token(
    clips: list[Codes], sizes: list[int], budget: Budget = BUDGET
) -> tuple[Floats, list[Look]]:
    """Bits a token of each book under a model of the first two thirds of the clips, on the last."""
    third = len(clips) // 6
    learnt, chosen, held = clips[: 4 * third], clips[4 * third : 5 * third], clips[5 * third :]
    model, curve = train(learnt, chosen, sizes, np.ones(len(learnt)), budget, seed=0)
    bits = clip_bits(model, held, budget.frames)
    return np.asarray(np.sum(bits, axis=0) / sum(c.shape[1] for c in held)), curve


@pytest.mark.slow
def test_a_markov_source_costs_its_entropy_rate() -> None:
    """Four followers of each of eight states, one of them likelier: doubly stochastic."""
    rng = np.random.default_rng(0)
    row = np.array([0.7, 0.1, 0.1, 0.1, 0, 0, 0, 0])
    transitions = np.stack([np.roll(row, 3 * state) for state in range(8)])
    bits, curve = bits_per_token(markov(transitions, 60, 150, rng), [8])
    assert bits[0] == pytest.approx(entropy(row), abs=0.08)
    assert curve[0].validation_bits == pytest.approx(3, abs=0.02)  # a unigram model knows nothing


@pytest.mark.slow
def test_books_that_hang_together_cost_no_more_than_what_is_new() -> None:
    """The second book is the first of the frame with a coin thrown; the third says nothing."""
    rng = np.random.default_rng(1)
    row = np.array([0.85, 0.05, 0.05, 0.05])
    transitions = np.stack([np.roll(row, state + 1) for state in range(4)])
    clips = []
    for (first,) in markov(transitions, 60, 150, rng):
        second = 2 * first + rng.integers(0, 2, len(first))
        clips.append(np.stack([first, second, np.zeros_like(first)]))
    bits, _ = bits_per_token(clips, [4, 8, 4])
    assert bits == pytest.approx([entropy(row), 1, 0], abs=0.08)


def test_noise_costs_the_size_of_the_book_and_silence_nothing() -> None:
    rng = np.random.default_rng(2)
    clips = [np.stack([rng.integers(0, 64, 80), np.full(80, 3)]) for _ in range(30)]
    budget = Budget(steps=20, windows=8, frames=20, every=10, patience=3)
    bits, _ = bits_per_token(clips, [64, 16], budget)
    assert bits[0] == pytest.approx(log2(64), abs=0.08)
    assert bits[1] < 0.05


def test_the_same_seed_gives_the_same_bits_and_few_clips_are_learnt_by_heart() -> None:
    rng = np.random.default_rng(3)
    clips = [rng.integers(0, 32, (2, 40)) for _ in range(6)]
    budget = Budget(steps=80, windows=4, frames=20, every=10, patience=3)
    bits, curve = bits_per_token(clips, [32, 32], budget)
    again, _ = bits_per_token(clips, [32, 32], budget)
    assert bits.tolist() == again.tolist()
    assert len(curve) < 9  # it stopped
    assert curve[-1].validation_bits > min(look.validation_bits for look in curve)
    assert (curve[-1].train_bits or 9) < curve[-1].validation_bits


def test_bits_of_a_clip_are_summed_window_by_window() -> None:
    """Under the untrained model, which does not look at the context, windows change nothing."""
    sizes, rng = [5, 3], np.random.default_rng(4)
    p = [rng.dirichlet(np.ones(size)) for size in sizes]
    torch.manual_seed(0)
    model = TokenTransformer(sizes, np.log(np.concatenate(p)))
    clips = [np.stack([rng.integers(0, 5, n), rng.integers(0, 3, n)]) for n in (1, 9, 10, 11, 37)]
    for codes, bits in zip(clips, clip_bits(model, clips, frames=10), strict=True):
        known = [-np.log2(p[k][codes[k]]).sum() for k in range(2)]
        assert bits == pytest.approx(known, rel=1e-5)
