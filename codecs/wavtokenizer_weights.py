"""WavTokenizer's weights as its authors publish them, by the names that transformers gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

QUANTIZERS = "feature_extractor.encodec.quantizer.vq.layers."
RENAMED = {
    "feature_extractor.encodec.encoder.model.": "encoder_model.encoder.layers.",
    f"{QUANTIZERS}0._codebook.": "encoder_model.quantizer.codebook.",
    QUANTIZERS: QUANTIZERS,  # there is one codebook: what follows has no place, and is refused
    "backbone.": "backbone.",
    "head.out.": "head.linear.",
}
LAYERS = "encoder_model.encoder.layers."
BUFFERS = "encoder_model.quantizer."


@dataclass(frozen=True)
class Layout:
    """Sizes of a model.

    Attributes:
        strides: Strides of the encoder, from the sound on.
        filters: Channels behind the encoder's first layer.
        latent: Dimension of the codebook's entries.
        codebook_size: Entries of the codebook.
        width: Channels of the decoder.
        inner: Channels within a ConvNeXt block.
        blocks: Number of ConvNeXt blocks.
    """

    strides: tuple[int, ...]
    filters: int
    latent: int
    codebook_size: int
    width: int
    inner: int
    blocks: int

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return prod(self.strides)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that transformers wants."""
        return {
            "upsampling_ratios": self.strides[::-1],  # named from the decoder's side
            "num_filters": self.filters,
            "hidden_size": self.latent,
            "codebook_dim": self.latent,
            "codebook_size": self.codebook_size,
            "decoder_hidden_size": self.width,
            "decoder_intermediate_size": self.inner,
            "decoder_num_layers": self.blocks,
        }

    @classmethod
    def of(cls, weights: Mapping[str, "Tensor"]) -> "Layout":
        """Tell the sizes from the shapes of the weights.

        Raises:
            KeyError: A weight is missing.
        """
        strides = []
        layer = 3  # the first that strides; a residual block and an activation lie between two
        while f"{LAYERS}{layer}.conv.weight_v" in weights:
            kernel = weights[f"{LAYERS}{layer}.conv.weight_v"].shape[-1]
            strides.append(kernel // 2)
            layer += 3
        size, latent = weights[f"{BUFFERS}codebook.embed"].shape
        inner, width = weights["backbone.convnext.0.pwconv1.weight"].shape
        # The last layer of the encoder follows in the same step, behind the LSTM.
        return cls(
            strides=tuple(strides[:-1]),
            filters=weights[f"{LAYERS}0.conv.weight_v"].shape[0],
            latent=latent,
            codebook_size=size,
            width=width,
            inner=inner,
            blocks=sum(name.endswith(".gamma") for name in weights),
        )


def adapt(state: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    """Pick what coding needs from a published checkpoint, by the names of transformers.

    Dropped are the discriminators, the state of the training, and a decoder that is not used.
    """
    return {
        own + name.removeprefix(theirs).replace(".conv.conv.", ".conv."): weight
        for name, weight in state.items()
        if (theirs := next((start for start in RENAMED if name.startswith(start)), ""))
        for own in [RENAMED[theirs]]
    }
