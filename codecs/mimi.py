"""Mimi (Défossez et al., "Moshi: a speech-text foundation model", 2024): 24 kHz speech."""

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from almbench.codecs.neural import Facts, NeuralOptions, Published
from almbench.codecs.transformers_codec import TransformersCodec

if TYPE_CHECKING:
    from torch import Tensor


class MimiOptions(NeuralOptions):
    """Options of Mimi.

    Attributes:
        checkpoint: Hub id, or a local folder or weights file.
        num_codebooks: Codebooks used, at 137.5 bit/s each: one semantic, the others acoustic.
    """

    checkpoint: str = "kyutai/mimi"
    num_codebooks: int = Field(default=8, ge=1, le=32)


class Mimi(TransformersCodec[MimiOptions]):
    """Mimi: 12.5 frames per second, up to 32 codebooks of 2048 entries.

    A clip is padded with zeros to whole frames of 1920 samples. Left to itself, the model would
    repeat its last state, which makes the last frame depend on the other clips of a batch.
    """

    options_type = MimiOptions
    supports_batching = True
    family = "mimi"
    causal = True
    model = "MimiModel"
    licenses = ("MIT (Moshi), Apache-2.0 (transformers)", "CC-BY-4.0")
    published: ClassVar[dict[str, Published]] = {
        "kyutai/mimi": Published(
            "89091b3e466eb6a9d11e537bf26b144f194978f7", Facts(24_000, 1920, 2048, 32, 79_308_609)
        )
    }

    def _read(self, config: dict[str, Any]) -> Facts:
        # One more layer halves the rate of the strided ones. Published configurations leave the
        # number of codebooks to the default.
        hop = 2 * prod(config["upsampling_ratios"])
        books = config.get("num_quantizers", 32)
        return Facts(config["sampling_rate"], hop, config["codebook_size"], books)

    def _encode(self, sounds: "Tensor") -> "Tensor":
        codes: Tensor = self._model.encode(
            sounds, num_quantizers=self.options.num_codebooks
        ).audio_codes
        return codes

    def _decode(self, codes: "Tensor") -> "Tensor":
        decoded: Tensor = self._model.decode(codes).audio_values[:, 0]
        return decoded
