"""The query compression: a query after every w frames going in, w masks to fill going out."""

import torch
from torch import Tensor, nn

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.transformer import Transformer


class QueryEncoder(nn.Module):
    """Gather each group of w frames in one vector, or keep only its last frame.

    A learned query follows every w frames; a causal Transformer with a sliding window runs over
    all, and what stands at the queries is kept. With skip connections, the
    mean of the group is added.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_span = config.attention_window
        self.drops = config.compression == "drop"
        self.skips = config.skip_connections
        self.query = nn.Parameter(torch.randn(config.width) * 0.02)
        self.transformer = Transformer(config.width, config.encoder_layers, config.head_width)
        if self.skips:  # training begins with the mean alone
            nn.init.zeros_(self.transformer.norm.weight)

    def forward(self, frames: Tensor, w: int) -> Tensor:
        """Compress `[B, G * w, D]` to `[B, G, D]`."""
        batch, length, width = frames.shape
        groups = length // w
        if self.drops:
            return frames[:, w - 1 :: w]
        grouped = frames.view(batch, groups, w, width)
        query = self.query.expand(batch, groups, 1, width)
        mixed = torch.cat((grouped, query), dim=2).flatten(1, 2)
        positions = vector_positions(groups, w, frames.device)
        order = torch.arange(len(positions), device=frames.device)
        mask = causal_mask(order, positions, self.attention_span)
        kept: Tensor = self.transformer(mixed, positions, mask)[:, w :: w + 1]
        return kept + grouped.mean(2) if self.skips else kept


class QueryDecoder(nn.Module):
    """Spread each vector over the w frames of its group.

    w copies of a learned mask vector and then the quantized vector stand for each group; what a
    Transformer makes of the masks is kept. Attention is causal over groups: a mask sees its own
    group's vector, which follows it, since strictly causal order would leave it only earlier ones.
    With `lookahead` it sees so many groups more, and their masks.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.decoder_width
        self.attention_span, self.skips = config.attention_window, config.skip_connections
        self.lookahead = config.lookahead
        self.widen = nn.Linear(config.width, width)
        self.mask = nn.Parameter(torch.randn(width) * 0.02)
        self.transformer = Transformer(width, config.decoder_layers, config.head_width)
        self.narrow = nn.Linear(width, config.width)
        if self.skips:  # training begins with the vector alone
            nn.init.zeros_(self.narrow.weight)
            nn.init.zeros_(self.narrow.bias)

    def forward(self, vectors: Tensor, w: int) -> Tensor:
        """Spread `[B, G, D]` to `[B, G * w, D]`."""
        wide = self.widen(vectors)
        batch, groups, width = wide.shape
        masks = self.mask.expand(batch, groups, w, width)
        mixed = torch.cat((masks, wide[:, :, None]), dim=2).flatten(1, 2)
        positions = vector_positions(groups, w, vectors.device)
        order = torch.arange(groups, device=vectors.device).repeat_interleave(w + 1)
        mask = causal_mask(order, positions, self.attention_span, self.lookahead)
        out = self.transformer(mixed, positions, mask)
        kept = out.view(batch, groups, w + 1, width)[:, :, :w].flatten(1, 2)
        narrowed: Tensor = self.narrow(kept)
        return narrowed + vectors.repeat_interleave(w, dim=1) if self.skips else narrowed


def vector_positions(groups: int, w: int, device: torch.device) -> Tensor:
    """Positions in time, in frames, of G groups of w frames and a vector after each group."""
    inside = torch.arange(w + 1, device=device) - 0.5 * (torch.arange(w + 1, device=device) == w)
    starts = torch.arange(groups, device=device)[:, None] * w
    return (starts + inside).flatten()


def causal_mask(order: Tensor, positions: Tensor, attention_span: int, ahead: int = 0) -> Tensor:
    """True where row may attend to column: at most `ahead` later, nor beyond the span."""
    earlier = order[None, :] <= order[:, None] + ahead
    near = positions[:, None] - positions[None, :] <= attention_span
    return earlier & near
