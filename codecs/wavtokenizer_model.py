"""The model of WavTokenizer: Encodec's encoder, one codebook, and a decoder after Vocos.

Ji et al., "WavTokenizer: an Efficient Acoustic Discrete Codec Tokenizer for Audio Language
Modeling", 2024; Siuzdak, "Vocos: Closing the gap between time-domain and Fourier-based neural
vocoders for high-quality audio synthesis", 2023. Modules of the decoder bear the names of the
published weights.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from almbench.codecs.transformers_codec import import_transformers
from almbench.codecs.wavtokenizer_weights import Layout

EPS = 1e-6  # of every norm
GROUPS = 32  # of every group norm
LOUDEST = 100.0  # magnitudes above are clipped


class WavTokenizer(nn.Module):
    """WavTokenizer, for coding only.

    Args:
        layout: Its sizes.
    """

    def __init__(self, layout: Layout) -> None:
        """Make the model; its weights are still random."""
        super().__init__()
        self.encoder = _encoder(layout)
        self.codebook = nn.Buffer(torch.zeros(layout.codebook_size, layout.latent))
        self.backbone = _Backbone(layout)
        self.head = _Head(layout)

    def encode(self, sounds: Tensor) -> Tensor:
        """Encode sounds.

        Args:
            sounds: **Shape** `[B, 1, T]`. The encoder extends them itself, by reflection.

        Returns:
            The nearest entries of the codebook, **Shape** `[B, ceil(T / hop)]`.
        """
        latents = self.encoder(sounds).transpose(1, 2)
        # The square of the latent changes no winner; with it, rounding is as in the original.
        squares = latents.square().sum(-1, keepdim=True)
        distances: Tensor = squares - 2 * latents @ self.codebook.T + self.codebook.square().sum(-1)
        return distances.argmin(-1)

    def decode(self, codes: Tensor) -> Tensor:
        """Decode codes of **Shape** `[B, T]` to sounds of **Shape** `[B, T * hop]`."""
        latents = F.embedding(codes, self.codebook).transpose(1, 2)
        sounds: Tensor = self.head(self.backbone(latents))
        return sounds


def _encoder(layout: Layout) -> nn.Module:
    import_transformers()
    from transformers.models.encodec.configuration_encodec import EncodecConfig
    from transformers.models.encodec.modeling_encodec import EncodecEncoder

    config = EncodecConfig(
        hidden_size=layout.latent,
        num_filters=layout.filters,
        upsampling_ratios=layout.strides[::-1],  # named from the decoder's side
        use_causal_conv=False,
        pad_mode="reflect",
    )
    encoder: nn.Module = EncodecEncoder(config)
    return encoder


class _Backbone(nn.Module):
    """From latents `[B, C, T]` to features `[B, T, width]`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        width = layout.width
        self.embed = nn.Conv1d(layout.latent, width, 7, padding=3)
        self.pos_net = nn.Sequential(
            _residual_block(width),
            _residual_block(width),
            _Attention(width),
            _residual_block(width),
            _residual_block(width),
            nn.GroupNorm(GROUPS, width, EPS),
        )
        self.norm = nn.LayerNorm(width, EPS)
        self.convnext = nn.Sequential(
            *(_ConvNeXt(width, layout.inner) for _ in range(layout.blocks))
        )
        self.final_layer_norm = nn.LayerNorm(width, EPS)

    def forward(self, latents: Tensor) -> Tensor:
        hidden = self.pos_net(self.embed(latents)).transpose(1, 2)
        normed: Tensor = self.final_layer_norm(self.convnext(self.norm(hidden)))
        return normed


class _Sum(nn.Sequential):
    """Layers whose output is added to their input."""

    def forward(self, hidden: Tensor) -> Tensor:
        inner = hidden
        for layer in self:
            inner = layer(inner)
        return hidden + inner


def _residual_block(width: int) -> nn.Module:
    layers = OrderedDict[str, nn.Module]()
    for step in ("1", "2"):
        layers[f"norm{step}"] = nn.GroupNorm(GROUPS, width, EPS)
        layers[f"swish{step}"] = nn.SiLU()
        layers[f"conv{step}"] = nn.Conv1d(width, width, 3, padding=1)
    return _Sum(layers)


class _Attention(nn.Module):
    """Attention of one head over all of the clip, added to its input `[B, width, T]`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, EPS)
        self.q, self.k, self.v, self.proj_out = (nn.Conv1d(width, width, 1) for _ in range(4))

    def forward(self, hidden: Tensor) -> Tensor:
        normed = self.norm(hidden)
        q, k, v = (layer(normed).transpose(1, 2) for layer in (self.q, self.k, self.v))
        heard = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        added: Tensor = hidden + self.proj_out(heard)
        return added


class _ConvNeXt(nn.Module):
    """A ConvNeXt block (Liu et al., 2022) over time, on features `[B, T, width]`."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, EPS)
        self.pwconv1 = nn.Linear(width, inner)
        self.pwconv2 = nn.Linear(inner, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, features: Tensor) -> Tensor:
        mixed = self.norm(self.dwconv(features.transpose(1, 2)).transpose(1, 2))
        added: Tensor = features + self.gamma * self.pwconv2(F.gelu(self.pwconv1(mixed)))
        return added


class _Head(nn.Module):
    """From features `[B, T, width]` to a sound `[B, T * hop]`, by way of its spectrum.

    The inverse transform adds the windowed frames up and divides by the sum of the squared windows.
    What is left over at both ends is cut off by halves, so that T frames last T hops;
    `torch.istft` cuts off half a hop more.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.hop = layout.hop
        self.out = nn.Linear(layout.width, layout.window + 2)
        self.window = nn.Buffer(torch.hann_window(layout.window), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        magnitudes, phases = self.out(features).transpose(1, 2).chunk(2, dim=1)
        spectrum = torch.polar(magnitudes.exp().clamp(max=LOUDEST), phases)
        window = self.window[:, None]
        frames = torch.fft.irfft(spectrum, len(window), dim=1) * window
        squares = window.square().expand(-1, frames.shape[-1])[None]
        return self._add_up(frames) / self._add_up(squares)

    def _add_up(self, frames: Tensor) -> Tensor:
        """Add up frames `[B, window, T]`, each a hop behind the last, to `[B, T * hop]`."""
        _, size, count = frames.shape
        total = size + (count - 1) * self.hop
        summed = F.fold(frames, (1, total), (1, size), stride=(1, self.hop))
        rest = (size - self.hop) // 2
        return summed[:, 0, 0, rest : total - rest]
