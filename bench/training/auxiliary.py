"""Networks that only training needs: they shape the model through losses and are thrown away."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from almbench.codecs.almtokenizer.transformer import Transformer
from almbench.training.losses import depth_prediction_loss, log_mel, masked_loss
from almbench.training.recipe import DiscriminatorConfig


class MaskedAutoencoder(nn.Module):
    """Says what frames were before they were masked, so that frames carry their context."""

    def __init__(self, width: int, layers: int, head_width: int) -> None:
        super().__init__()
        self.encoder = Transformer(width, layers, head_width)
        self.decoder = Transformer(width, layers, head_width)
        self.out = nn.Linear(width, width)

    def forward(self, frames: Tensor, masked: Tensor) -> Tensor:
        """Loss of `[B, T, D]` frames of which `[B, T]` are zeroed."""
        length = frames.shape[1]
        positions = torch.arange(length, device=frames.device)
        everywhere = torch.ones(length, length, dtype=torch.bool, device=frames.device)
        hidden = self.encoder(frames.masked_fill(masked[..., None], 0), positions, everywhere)
        predicted = self.out(self.decoder(hidden, positions, everywhere))
        return masked_loss(frames, predicted, masked)


class DepthPredictor(nn.Module):
    """Predicts a codebook's vector from those of the codebooks before it.

    A causal Transformer along the depth of the quantizer; vectors go in with unit length.
    """

    def __init__(self, width: int, layers: int, head_width: int) -> None:
        super().__init__()
        self.transformer = Transformer(width, layers, head_width)
        self.out = nn.Linear(width, width)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Loss of parts `[B, G, D]`, one per codebook, at least two."""
        known = torch.stack([F.normalize(part, dim=-1) for part in parts[:-1]], dim=2)
        depth = known.shape[2]
        positions = torch.arange(depth, device=known.device)
        mask = positions[None, :] <= positions[:, None]
        hidden = self.transformer(known.flatten(0, 1) * known.shape[-1] ** 0.5, positions, mask)
        predicted = self.out(hidden).view_as(known).unbind(2)
        return depth_prediction_loss(parts[1:], predicted)


class Discriminators(nn.Module):
    """Convolutional networks on mel and log-mel pictures at several scales."""

    def __init__(self, config: DiscriminatorConfig, rate: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_Discriminator(config, hop, rate) for hop in config.hops)

    def forward(self, sound: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Judge sound `[B, S]`; returns a map of logits and the features, one per scale."""
        judged = [scale(sound) for scale in self.scales]
        return [logits for logits, _ in judged], [features for _, features in judged]


class _Discriminator(nn.Module):
    def __init__(self, config: DiscriminatorConfig, hop: int, rate: int) -> None:
        super().__init__()
        self.hop, self.rate = hop, rate
        # A short window has few bins: more bands than a quarter of them would be empty.
        self.bands = max(8, min(config.bands, hop // 2))
        weight_norm = nn.utils.parametrizations.weight_norm
        channels = (2, *config.widths)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (3, 3), stride=(2 if n % 2 else 1, 2), padding=1))
            for n, (a, b) in enumerate(pairwise(channels))
        )
        self.to_logits = weight_norm(nn.Conv2d(channels[-1], 1, (3, 3), padding=1))

    def forward(self, sound: Tensor) -> tuple[Tensor, list[Tensor]]:
        mel, log = log_mel(sound, 4 * self.hop, self.hop, self.bands, self.rate)
        hidden = torch.stack((mel, log / 5), dim=1)
        features = []
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), 0.2)
            features.append(hidden)
        return self.to_logits(hidden), features
