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

QUIET = 1e-3  # mean square root of samples, -60 dB: what is below has no level to speak of
MOST_GAIN = 2.0


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

    def encode(
        self, sound: Tensor, w: int, beams: int = 1, *, match_level: bool | None = None
    ) -> Tensor:
        """Encode sound.

        Args:
            sound: **Shape** `[B, S]`, padded with zeros to whole groups of `w` frames.
            w: Frames per query.
            beams: Beams of the search over the codebooks.
            match_level: Encode a second time, louder or softer by what the level of the decoded
                sound missed; None for what the configuration says.

        Returns:
            Codes, **Shape** `[B, K, G]`.
        """
        step = self.config.hop * w
        sound = F.pad(sound, (0, -sound.shape[1] % step))
        codes = self._codes(sound, w, beams)
        if not (self.config.match_level if match_level is None else match_level):
            return codes
        wanted, made = (
            self.unpatchify.power_of(sound),
            self.unpatchify.power(self._frames(codes, w)),
        )
        gain = (wanted / made.clamp(min=1e-12)).sqrt().clamp(1 / MOST_GAIN, MOST_GAIN)
        heard = sound.square().mean(1) > QUIET**2
        return self._codes(gain.where(heard, 1.0)[:, None] * sound, w, beams)

    def _codes(self, sound: Tensor, w: int, beams: int) -> Tensor:
        return self.quantizer.encode(self.query_encoder(self.patchify(sound), w), beams)

    def _frames(self, codes: Tensor, w: int) -> Tensor:
        frames: Tensor = self.query_decoder(self.quantizer.decode(codes), w)
        return frames

    def decode(self, codes: Tensor, w: int) -> Tensor:
        """Decode codes `[B, K, G]`, K at most `codebooks`, to sound `[B, G * w * hop]`."""
        sound: Tensor = self.unpatchify(self._frames(codes, w))
        return sound
