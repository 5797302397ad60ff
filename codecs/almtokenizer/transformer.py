"""A pre-norm Transformer with rotary positions whose attention fades with distance."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Transformer(nn.Module):
    """Self-attention layers over positions that need not be whole or evenly spaced.

    Each head's attention falls off with distance at a rate of its own (Press et al., "Train Short,
    Test Long", 2022): without that, the first layers would average over their whole span, and
    training would be long in finding what is near.

    Args:
        width: Width of the vectors, a multiple of `head_width`.
        layers: How many layers.
        head_width: Width of an attention head.
    """

    def __init__(self, width: int, layers: int, head_width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(width, head_width) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.frequencies: Tensor
        self.slopes: Tensor
        heads = width // head_width
        slopes = 2.0 ** (-8 * torch.arange(1, heads + 1) / heads)
        self.register_buffer("slopes", slopes, persistent=False)
        frequencies = 10_000.0 ** (-torch.arange(0, head_width, 2) / head_width)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Run the layers.

        Args:
            x: **Shape** `[B, L, width]`.
            positions: Place in time of each vector, **Shape** `[L]`.
            mask: True where row may attend to column, **Shape** `[L, L]`.
        """
        angles = positions[:, None] * self.frequencies
        rotation = angles.cos(), angles.sin()
        distances = (positions[:, None] - positions[None, :]).abs()
        bias = (-self.slopes[:, None, None] * distances).masked_fill(~mask, float("-inf"))
        bias = bias.to(x.dtype)
        for layer in self.layers:
            x = layer(x, rotation, bias)
        normed: Tensor = self.norm(x)
        return normed


class _Layer(nn.Module):
    def __init__(self, width: int, head_width: int) -> None:
        super().__init__()
        self.heads = width // head_width
        self.attention_norm = nn.RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.feed_forward = nn.Sequential(
            nn.RMSNorm(width),
            nn.Linear(width, 4 * width, bias=False),
            nn.GELU(),
            nn.Linear(4 * width, width, bias=False),
        )

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], bias: Tensor) -> Tensor:
        batch, length, width = x.shape
        split = self.qkv(self.attention_norm(x)).view(batch, length, 3, self.heads, -1)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        queries, keys = _rotate(queries, rotation), _rotate(keys, rotation)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        added: Tensor = x + self.feed_forward(x)
        return added


def _rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate pairs by their position (Su et al., "RoFormer", 2021); `[B, H, L, D]`."""
    cos, sin = (part.to(x.dtype) for part in rotation)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
