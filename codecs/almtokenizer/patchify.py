"""Patchify and UnPatchify: sound to frames and back, by convolutions or by a Fourier transform."""

from typing import Any

import torch
from torch import Tensor, nn

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.spectrum import Spectrum
from almbench.codecs.transformers_codec import import_transformers

LEVEL_MEAN, LEVEL_SCALE = -6, 2.5  # of log magnitudes, so that the model's numbers are near 1
FLOOR = 1e-4  # magnitudes below 80 dB under full scale do not count


class ConvPatchify(nn.Module):
    """Strided convolutions (Défossez et al., "High Fidelity Neural Audio Compression", 2022)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = _encodec("EncodecEncoder", config)

    def forward(self, sound: Tensor) -> Tensor:
        """Turn `[B, S]` into frames `[B, T, D]`."""
        frames: Tensor = self.encoder(sound[:, None]).transpose(1, 2)
        return frames


class ConvUnPatchify(nn.Module):
    """Transposed convolutions, the mirror image of `ConvPatchify`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.decoder = _encodec("EncodecDecoder", config)

    def forward(self, frames: Tensor, like: Tensor | None = None) -> Tensor:
        """Turn frames `[B, T, D]` into `[B, S]`; `like` plays no part here."""
        del like
        sound: Tensor = self.decoder(frames.transpose(1, 2))[:, 0]
        return sound

    def power(self, frames: Tensor) -> Tensor:
        """The power `[B]` of what is made of frames `[B, T, D]`, beside `power_of` a sound."""
        return self.power_of(self(frames))

    def power_of(self, sound: Tensor) -> Tensor:
        """The power `[B]` of sound `[B, S]`."""
        return sound.square().mean(1)


class SpectralPatchify(nn.Module):
    """Log magnitudes of a short-time Fourier transform through a few convolutions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.spectrum = Spectrum(config.hop)
        self.project = nn.Conv1d(self.spectrum.bins, config.width, 3, padding=1)
        self.block = _ConvNeXt(config.width)

    def forward(self, sound: Tensor) -> Tensor:
        """Turn `[B, S]` into frames `[B, T, D]`."""
        levels = log_magnitude(self.spectrum(sound).abs())
        frames: Tensor = self.block(self.project((levels - LEVEL_MEAN) / LEVEL_SCALE))
        return frames.transpose(1, 2)


class SpectralUnPatchify(nn.Module):
    """Magnitudes from frames, phases from the magnitudes.

    In training the original lends its phases, so that losses on the sound reach the magnitudes;
    afterwards they are found by the fast Griffin-Lim algorithm.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.spectrum, self.contrast = Spectrum(config.hop), config.contrast
        self.blocks = nn.Sequential(_ConvNeXt(config.width), _ConvNeXt(config.width))
        self.norm = nn.RMSNorm(config.width)
        self.levels = nn.Linear(config.width, self.spectrum.bins)

    def magnitudes(self, frames: Tensor) -> Tensor:
        """Turn frames `[B, T, D]` into magnitudes `[B, F, T]`."""
        hidden = self.blocks(frames.transpose(1, 2)).transpose(1, 2)
        levels = self.levels(self.norm(hidden)).float().transpose(1, 2) * LEVEL_SCALE + LEVEL_MEAN
        made: Tensor = levels.clamp(max=3).exp()
        return made

    def power(self, frames: Tensor) -> Tensor:
        """The power `[B]` of magnitudes made of frames `[B, T, D]`, beside `power_of` a sound."""
        return self.magnitudes(frames).square().sum((1, 2))

    def power_of(self, sound: Tensor) -> Tensor:
        """The power `[B]` of the magnitudes of sound `[B, T * hop]`."""
        power: Tensor = self.spectrum(sound).abs().square().sum((1, 2))
        return power

    def forward(self, frames: Tensor, like: Tensor | None = None) -> Tensor:
        """Turn frames `[B, T, D]` into `[B, S]`, with the phases of `like`, `[B, S]`, if given."""
        magnitudes = self.magnitudes(frames)
        if like is None:
            return self.spectrum.find_phases(sharpen(magnitudes, self.contrast))
        phases = self.spectrum(like).angle()
        return self.spectrum.inverse(torch.polar(magnitudes, phases))


class _ConvNeXt(nn.Module):
    """A block of depthwise convolution and two pointwise ones (Liu et al., 2022), `[B, D, T]`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.pointwise = nn.Sequential(
            nn.RMSNorm(width), nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.pointwise(self.depthwise(x).transpose(1, 2)).transpose(1, 2)
        return added


def log_magnitude(magnitudes: Tensor) -> Tensor:
    """Natural logarithm of magnitudes with a floor of -80 dB."""
    return torch.log(magnitudes + FLOOR)


def sharpen(magnitudes: Tensor, contrast: float) -> Tensor:
    """Raise magnitudes `[B, F, T]` to the power `contrast`; each sound keeps its energy."""
    raised = magnitudes**contrast
    energy, now = (m.square().sum((1, 2), keepdim=True) for m in (magnitudes, raised))
    return raised * (energy / now.clamp(min=1e-30)).sqrt()


def _encodec(part: str, config: ModelConfig) -> nn.Module:
    import_transformers()
    from transformers import EncodecConfig
    from transformers.models.encodec import modeling_encodec

    shape = EncodecConfig(
        sampling_rate=config.sample_rate,
        hidden_size=config.width,
        upsampling_ratios=[8, 5, 4, 2],
    )
    make: Any = getattr(modeling_encodec, part)
    module: nn.Module = make(shape)
    return module
