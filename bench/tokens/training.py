"""Training of the fixed Transformer on some clips' codes, and what others' cost under it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from math import ceil, cos, log, pi

import numpy as np
import torch
from torch import Tensor

from almbench.statistics.tokens import Codes, Floats
from almbench.tokens.parts import ABSENT
from almbench.tokens.threads import one_thread
from almbench.tokens.transformer import TokenTransformer, delay, undelay

RATE, WARM_UP, WEIGHT_DECAY, CLIP = 1e-3, 20, 0.1, 1.0
EVALUATION = 32  # windows a batch
UNSEEN = 0.5  # added to the count of each entry


@dataclass(frozen=True)
class Budget:
    """How much a model is given, equal for every codec.

    Attributes:
        steps: Steps of the optimizer, at most.
        windows: Windows of sound a step.
        frames: Frames of a window.
        every: Steps between two looks at the validation clips.
        patience: So many looks without a better one end the training.
        period: Windows begin at multiples of so many frames; half a window is one, too.
    """

    steps: int
    windows: int
    frames: int
    every: int
    patience: int
    period: int = 1


@dataclass(frozen=True)
class Look:
    """A point of the learning curve.

    Attributes:
        step: Steps so far.
        train_bits: Bits a token of the windows since the last look; None at the first.
        validation_bits: Bits a token of the validation clips.
    """

    step: int
    train_bits: float | None
    validation_bits: float


def train(
    clips: Sequence[Codes],
    validation: Sequence[Codes],
    sizes: Sequence[int],
    weights: Floats,
    budget: Budget,
    seed: int,
    device: str = "cpu",
) -> tuple[TokenTransformer, list[Look]]:
    """Train a model, and keep it as it was when it predicted the validation clips best.

    AdamW (I. Loshchilov and F. Hutter, ICLR 2019) with a cosine schedule. The windows are drawn by
    the clips' weights and the seed alone, so all codecs hear the same parts of the same clips.

    Args:
        clips: Codes to learn from, each **Shape** `[K, T]`, `T >= 1`; `ABSENT` where a slower
            codebook has no new token.
        validation: Codes to choose the step by, likewise.
        sizes: Entries of each codebook.
        weights: How often each clip is drawn, such as its duration. **Shape** `[N]`.
        budget: How much of it.
        seed: Seed of weights and windows.
        device: cpu or cuda.

    Returns:
        The model, ready to predict, and the learning curve.
    """
    with repeatable(seed):
        model = TokenTransformer(sizes, _log_frequencies(clips, sizes)).to(device)
        optimizer = torch.optim.AdamW(
            model.parameters(), RATE, (0.9, 0.95), weight_decay=WEIGHT_DECAY
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: _rate(i, budget.steps))
        curve = [Look(0, None, _bits(model, validation, budget.frames))]
        best = deepcopy(model.state_dict())
        spent: list[float] = []
        windows = _windows(clips, weights, budget, seed)
        for step in range(1, budget.steps + 1):
            steps = delay(torch.from_numpy(next(windows)).to(device))
            loss = model.train().nats(steps).sum() / (steps != ABSENT).sum()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            spent.append(loss.item() / log(2))
            if step % budget.every and step != budget.steps:
                continue
            look = Look(step, float(np.mean(spent)), _bits(model, validation, budget.frames))
            spent.clear()
            if look.validation_bits < min(each.validation_bits for each in curve):
                best = deepcopy(model.state_dict())
            curve.append(look)
            bits = [each.validation_bits for each in curve]
            if len(bits) - 1 - bits.index(min(bits)) >= budget.patience:
                break
        model.load_state_dict(best)
    return model.eval(), curve


def clip_bits(model: TokenTransformer, clips: Sequence[Codes], frames: int) -> list[Floats]:
    """Bits of each clip's tokens under a model, by codebook.

    A clip longer than a window goes through windows that begin half a window apart; what the one
    before has predicted is context only, so every token but those of the first window is predicted
    from at least half a window.

    Args:
        model: The model.
        clips: Codes, each **Shape** `[K, T]`.
        frames: Frames of a window.

    Returns:
        For each clip **Shape** `[K]`.
    """
    hop = max(1, frames // 2)
    pieces = [
        (i, start)
        for i, codes in enumerate(clips)
        for start in range(0, max(codes.shape[1] - frames, 0) + hop, hop)
        if start == 0 or start + frames - hop < codes.shape[1]
    ]
    bits = [np.zeros(len(codes)) for codes in clips]
    with repeatable(0), torch.inference_mode():
        model.eval()
        for first in range(0, len(pieces), EVALUATION):
            batch = pieces[first : first + EVALUATION]
            window = _pad([clips[i][:, start : start + frames] for i, start in batch], frames)
            steps = delay(torch.from_numpy(window).to(model.head.weight.device))
            spent: Tensor = undelay(model.nats(steps)).double().cpu() / log(2)
            for (i, start), of_piece in zip(batch, spent.numpy(), strict=True):
                bits[i] += of_piece[:, (frames - hop if start else 0) :].sum(axis=1)
    return bits


def _bits(model: TokenTransformer, clips: Sequence[Codes], frames: int) -> float:
    """Bits a token."""
    tokens = sum(int((codes != ABSENT).sum()) for codes in clips)
    return float(sum(bits.sum() for bits in clip_bits(model, clips, frames)) / tokens)


def _windows(clips: Sequence[Codes], weights: Floats, budget: Budget, seed: int) -> Iterator[Codes]:
    """Draw batches of windows, **Shape** `[windows, K, frames]`, `ABSENT` after a clip's end."""
    rng = np.random.default_rng(seed)
    shares = weights / weights.sum()
    while True:
        chosen = rng.choice(len(clips), budget.windows, p=shares)
        pieces = []
        for i, place in zip(chosen, rng.random(budget.windows), strict=True):
            start = round(place * max(clips[i].shape[1] - budget.frames, 0))
            start -= start % budget.period
            pieces.append(clips[i][:, start : start + budget.frames])
        yield _pad(pieces, budget.frames)


def _pad(pieces: Sequence[Codes], frames: int) -> Codes:
    padded = np.full((len(pieces), len(pieces[0]), frames), ABSENT, np.int64)
    for row, piece in zip(padded, pieces, strict=True):
        row[:, : piece.shape[1]] = piece
    return padded


def _log_frequencies(clips: Sequence[Codes], sizes: Sequence[int]) -> Floats:
    """Logarithm of the probability of each entry, none of them 0; see `TokenTransformer`."""
    tokens = [np.concatenate([codes[k] for codes in clips]) for k in range(len(sizes))]
    counts = [
        np.bincount(of_book[of_book != ABSENT], minlength=size) + UNSEEN
        for of_book, size in zip(tokens, sizes, strict=True)
    ]
    return np.concatenate([np.log(count / count.sum()) for count in counts])


def _rate(step: int, steps: int) -> float:
    """The share of the learning rate in a step: a linear warm-up, then half a cosine."""
    warm = min(WARM_UP, ceil(steps / 10))
    return min((step + 1) / warm, (1 + cos(pi * step / steps)) / 2)


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Seed torch for a block, on one thread."""
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
