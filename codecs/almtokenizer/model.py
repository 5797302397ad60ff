"""The model: sound -> frames -> queries -> codes -> masks -> frames -> sound."""

from torch import Tensor, nn
from torch.nn import functional as F

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.patchify import (
    ConvPatchify,
    ConvUnPatchify,
    SpectralPatchify,
    SpectralUnPatchify,
)
from almbench.codecs.almtokenizer.queries import QueryDecoder, QueryEncoder
from almbench.codecs.almtokenizer.rvq import ResidualQuantizer


class ALMTokenizer(nn.Module):
    """ALMTokenizer (Yang et al., "ALMTokenizer", ICML 2025, arXiv 2504.10344)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        spectral = config.patchify == "spectral"
        self.patchify: nn.Module = SpectralPatchify(config) if spectral else ConvPatchify(config)
        self.query_encoder = QueryEncoder(config)
        self.quantizer = ResidualQuantizer(config)
        self.query_decoder = QueryDecoder(config)
        self.unpatchify: ConvUnPatchify | SpectralUnPatchify = (
            SpectralUnPatchify(config) if spectral else ConvUnPatchify(config)
        )

    def encode(self, sound: Tensor, w: int, beams: int = 1) -> Tensor:
        """Encode sound.

        Args:
            sound: **Shape** `[B, S]`, padded with zeros to whole groups of `w` frames.
            w: Frames per query.
            beams: Beams of the search over the codebooks.

        Returns:
            Codes, **Shape** `[B, K, G]`.
        """
        step = self.config.hop * w
        sound = F.pad(sound, (0, -sound.shape[1] % step))
        return self.quantizer.encode(self.query_encoder(self.patchify(sound), w), beams)

    def decode(self, codes: Tensor, w: int) -> Tensor:
        """Decode codes `[B, K, G]`, K at most `codebooks`, to sound `[B, G * w * hop]`."""
        sound: Tensor = self.unpatchify(self.query_decoder(self.quantizer.decode(codes), w))
        return sound
