"""The two stages of training: what each computes of a batch, and what of the model it trains."""

from abc import abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.almtokenizer.patchify import SpectralUnPatchify
from almbench.training.auxiliary import DepthPredictor, MaskedAutoencoder
from almbench.training.losses import (
    envelope_loss,
    level_loss,
    magnitude_loss,
    spectral_loss,
    time_loss,
)
from almbench.training.recipe import StageConfig, TrainConfig

Losses = dict[str, Tensor]


class Stage(nn.Module):
    """What the stages share: reconstruction and its losses.

    Attributes:
        model: The tokenizer.
        config: The stage's part of the recipe.
    """

    def __init__(self, model: ALMTokenizer, config: StageConfig) -> None:
        super().__init__()
        self.model, self.config = model, config
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        for module in self.trained():
            module.requires_grad_(True)

    @abstractmethod
    def trained(self) -> Iterable[nn.Module]:
        """The parts of the model that this stage trains."""

    def total(self, losses: Losses) -> Tensor:
        """The weighted sum of losses."""
        weights = self.config.weights
        terms = [getattr(weights, name) * loss.float() for name, loss in losses.items()]
        return torch.stack(terms).sum()

    def reconstruct(self, sound: Tensor, frames: Tensor) -> tuple[Tensor | None, Losses]:
        """Turn frames into sound, where a loss needs it, and compute the losses of its distance."""
        weights, model = self.config.weights, self.model
        losses: Losses = {}
        frames = frames.float()
        if isinstance(model.unpatchify, SpectralUnPatchify):
            losses |= self._magnitude_losses(sound, frames, model.unpatchify)
        if not (weights.time or weights.spectral or weights.adversarial or weights.feature):
            return None, losses
        decoded = model.unpatchify(frames, like=sound)
        if weights.time:
            losses["time"] = time_loss(sound, decoded)
        if weights.spectral:
            losses["spectral"] = spectral_loss(sound, decoded, model.config.sample_rate)
        return decoded, losses

    def _magnitude_losses(
        self, sound: Tensor, frames: Tensor, unpatchify: SpectralUnPatchify
    ) -> Losses:
        weights, rate, hop = (
            self.config.weights,
            self.model.config.sample_rate,
            self.model.config.hop,
        )
        if not (weights.magnitude or weights.level or weights.envelope):
            return {}
        made, true = unpatchify.magnitudes(frames), unpatchify.spectrum(sound).abs()
        losses: Losses = {}
        if weights.magnitude:
            losses["magnitude"] = magnitude_loss(true, made, rate)
        if weights.level:
            losses["level"] = level_loss(true, made, rate)
        if weights.envelope:
            losses["envelope"] = envelope_loss(true, made, rate, hop)
        return losses


class Stage1(Stage):
    """Patchify and UnPatchify as an autoencoder, with the masked autoencoder on its frames."""

    def __init__(self, model: ALMTokenizer, config: StageConfig) -> None:
        super().__init__(model, config)
        shape = model.config
        self.mae = (
            MaskedAutoencoder(shape.width, config.auxiliary_layers, shape.head_width)
            if config.weights.mae
            else None
        )

    def trained(self) -> Iterable[nn.Module]:
        """Patchify and UnPatchify."""
        return self.model.patchify, self.model.unpatchify

    def forward(self, sound: Tensor, share: float, step: int) -> tuple[Tensor | None, Losses]:
        """Run a batch.

        Args:
            sound: **Shape** `[B, S]`.
            share: Share of the frames to mask for the MAE loss.
            step: Step of the stage.

        Returns:
            The decoded sound `[B, S]`, or None where no loss asks for it; the losses by name.
        """
        del step
        frames = self.model.patchify(sound)
        decoded, losses = self.reconstruct(sound, frames)
        if self.mae is not None:
            masked = torch.rand(frames.shape[:2], device=frames.device) < share
            masked[:, 0] |= ~masked.any(1)
            losses["mae"] = self.mae(frames, masked)
        return decoded, losses


class Stage2(Stage):
    """Everything but Patchify, which stays frozen, with the quantizer and the AR loss."""

    def __init__(self, model: ALMTokenizer, config: StageConfig) -> None:
        super().__init__(model, config)
        shape = model.config
        self.ar = (
            DepthPredictor(shape.width, config.auxiliary_layers, shape.head_width)
            if config.weights.ar and shape.codebooks > 1
            else None
        )

    def trained(self) -> Iterable[nn.Module]:
        """All but Patchify."""
        model = self.model
        return model.query_encoder, model.quantizer, model.query_decoder, model.unpatchify

    def queries(self, sound: Tensor, w: int) -> Tensor:
        """What the query encoder makes of sound `[B, G * w * hop]`: `[B, G, D]`."""
        with torch.no_grad():
            frames = self.model.patchify(sound)
        queries: Tensor = self.model.query_encoder(frames, w)
        return queries

    def forward(self, sound: Tensor, w: int, step: int) -> tuple[Tensor | None, Losses]:
        """Run a batch with a query every `w` frames; as in stage 1."""
        step_size = w * self.model.config.hop
        sound = sound[:, : max(1, sound.shape[1] // step_size) * step_size]
        queries = self.queries(sound, w)
        losses: Losses = {}
        if step >= self.config.quantize_from:
            queries, _, losses["commitment"], parts = self.model.quantizer(queries)
            if self.ar is not None:
                losses["ar"] = self.ar(parts)
        decoded, distances = self.reconstruct(sound, self.model.query_decoder(queries, w))
        return decoded, distances | losses


def make_stage(number: int, model: ALMTokenizer, recipe: TrainConfig) -> Stage1 | Stage2:
    """Make stage 1 or 2 of a recipe."""
    return Stage1(model, recipe.stage1) if number == 1 else Stage2(model, recipe.stage2)
