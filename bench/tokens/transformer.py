"""The fixed Transformer that measures how well codes can be predicted: model and delay pattern.

Codebooks are interleaved by the delay pattern of J. Copet et al., "Simple and controllable music
generation" (MusicGen), NeurIPS 2023: codebook k (from 0) runs k steps late, so that a step predicts
one token of every codebook, and each is predicted from the codebooks below it in the same frame and
from all that lies steps before. The probabilities of a clip's tokens multiply to that of the clip.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from almbench.tokens.parts import ABSENT

LAYERS, WIDTH, HEADS, DROPOUT = 4, 160, 4, 0.1


def delay(codes: Tensor) -> Tensor:
    """Lay codes out by the delay pattern.

    Args:
        codes: **Shape** `[B, K, T]`.

    Returns:
        **Shape** `[B, K, T + K - 1]`, `ABSENT` where a codebook has not begun or has ended.

    >>> delay(torch.tensor([[[1, 2, 3], [4, 5, 6]]])).tolist()
    [[[1, 2, 3, -1], [-1, 4, 5, 6]]]
    """
    batch, books, frames = codes.shape
    steps = codes.new_full((batch, books, frames + books - 1), ABSENT)
    for k in range(books):
        steps[:, k, k : k + frames] = codes[:, k]
    return steps


def undelay(steps: Tensor) -> Tensor:
    """Undo `delay`, of anything with a value a step: `[B, K, S]` to `[B, K, S - K + 1]`.

    >>> undelay(delay(torch.tensor([[[1, 2, 3], [4, 5, 6]]]))).tolist()
    [[[1, 2, 3], [4, 5, 6]]]
    """
    books, frames = steps.shape[1], steps.shape[2] - steps.shape[1] + 1
    return torch.stack([steps[:, k, k : k + frames] for k in range(books)], dim=1)


class TokenTransformer(nn.Module):
    """A causal Transformer over the steps of the delay pattern.

    Pre-norm layers with GELU and sinusoidal positions; the embeddings of a step's tokens are
    summed, and each codebook has a linear head, as in MusicGen. The heads begin as the logarithms
    of the tokens' frequencies, so that training starts at a unigram model. Dropout is on the
    residual branches, not in the attention.

    Args:
        sizes: Entries of each codebook.
        frequencies: Logarithm of the probability of each entry, the codebooks one after the other,
            **Shape** `[sum(sizes)]`.
    """

    def __init__(self, sizes: Sequence[int], frequencies: NDArray[np.float64]) -> None:
        """Make the weights from torch's random numbers."""
        super().__init__()
        self.sizes = list(sizes)
        ends = torch.tensor(self.sizes).cumsum(0) + torch.arange(len(self.sizes))
        self.register_buffer("absent", ends, persistent=False)  # rows of the embedding
        self.register_buffer("first", ends - torch.tensor(self.sizes), persistent=False)
        self.embedding = nn.EmbeddingBag(sum(self.sizes) + len(self.sizes), WIDTH, mode="sum")
        nn.init.normal_(self.embedding.weight)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, DROPOUT, "gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(
            layer, LAYERS, nn.LayerNorm(WIDTH), enable_nested_tensor=False
        )
        for attention in self.body.modules():
            if isinstance(attention, nn.MultiheadAttention):
                attention.dropout = 0.0
        self.head = nn.Linear(WIDTH, sum(self.sizes))
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.from_numpy(frequencies))

    @property
    def weights(self) -> tuple[int, int]:
        """Number of weights: of the layers, the same for every codec, and of all."""
        return sum(p.numel() for p in self.body.parameters()), sum(
            p.numel() for p in self.parameters()
        )

    def forward(self, steps: Tensor) -> tuple[Tensor, ...]:
        """Predict each step from those before.

        Args:
            steps: What `delay` gives, **Shape** `[B, K, S]`.

        Returns:
            For each codebook the logits of each step's token, **Shape** `[B, S, size]`.
        """
        hidden = self._embed(F.pad(steps[:, :, :-1], (1, 0), value=ABSENT))
        mask = nn.Transformer.generate_square_subsequent_mask(hidden.shape[1], hidden.device)
        logits: Tensor = self.head(self.body(hidden, mask, is_causal=True))
        return torch.split(logits, self.sizes, dim=-1)

    def nats(self, steps: Tensor) -> Tensor:
        """Nats of each token given those before, 0 where there is none; shapes as of `delay`."""
        spent = [
            F.cross_entropy(logits.transpose(1, 2), target, ignore_index=ABSENT, reduction="none")
            for logits, target in zip(self(steps), steps.unbind(1), strict=True)
        ]
        return torch.stack(spent, dim=1)

    def _embed(self, steps: Tensor) -> Tensor:
        """Sum the embeddings of each step's tokens, and its position's."""
        batch, books, count = steps.shape
        absent, first = self.get_buffer("absent"), self.get_buffer("first")
        rows = torch.where(steps == ABSENT, absent[:, None], steps + first[:, None])
        summed: Tensor = self.embedding(rows.transpose(1, 2).reshape(-1, books))
        return summed.view(batch, count, WIDTH) / sqrt(books) + positions(count).to(summed)


def positions(count: int) -> Tensor:
    """Sinusoidal positions of A. Vaswani et al., 2017, **Shape** `[count, WIDTH]`."""
    angles = torch.arange(count)[:, None] * 10_000 ** -torch.arange(0, 1, 2 / WIDTH)
    return torch.cat([angles.sin(), angles.cos()], dim=1)
