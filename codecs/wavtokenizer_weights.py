"""The published weights of WavTokenizer: which are needed, and the sizes that they tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CODEBOOK = "feature_extractor.encodec.quantizer.vq.layers.0._codebook.embed"
ENCODER = "feature_extractor.encodec.encoder.model."
QUANTIZERS = "feature_extractor.encodec.quantizer.vq.layers."
TRAINED_WITH = ("_codebook.inited", "_codebook.cluster_size", "_codebook.embed_avg")


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
        window: Samples of a window of the inverse Fourier transform.
    """

    strides: tuple[int, ...]
    filters: int
    latent: int
    codebook_size: int
    width: int
    inner: int
    blocks: int
    window: int

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return prod(self.strides)

    @classmethod
    def of(cls, weights: Mapping[str, "Tensor"]) -> "Layout":
        """Tell the sizes from the shapes of the weights.

        Raises:
            KeyError: A weight is missing.
        """
        strides = []
        layer = 3  # the first that strides; a residual block and an activation lie between two
        while f"encoder.layers.{layer}.conv.weight_v" in weights:
            kernel = weights[f"encoder.layers.{layer}.conv.weight_v"].shape[-1]
            strides.append(kernel // 2)
            layer += 3
        size, latent = weights["codebook"].shape
        inner, width = weights["backbone.convnext.0.pwconv1.weight"].shape
        # The last layer of the encoder follows in the same step, behind the LSTM.
        return cls(
            strides=tuple(strides[:-1]),
            filters=weights["encoder.layers.0.conv.weight_v"].shape[0],
            latent=latent,
            codebook_size=size,
            width=width,
            inner=inner,
            blocks=sum(name.endswith(".gamma") for name in weights),
            window=weights["head.out.weight"].shape[0] - 2,
        )


def adapt(state: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    """Pick what coding needs from a published checkpoint, by the names in `WavTokenizer`.

    Dropped are the discriminators, the state of the training, and a decoder that is not used.
    """
    return dict(_renamed(name, weight) for name, weight in state.items() if _is_used(name))


def _is_used(name: str) -> bool:
    return name.startswith((ENCODER, "backbone.", "head.out.")) or (
        name.startswith(QUANTIZERS) and not name.endswith(TRAINED_WITH)
    )


def _renamed(name: str, weight: "Tensor") -> tuple[str, "Tensor"]:
    if name == CODEBOOK:
        return "codebook", weight
    if name.startswith(ENCODER):
        rest = name.removeprefix(ENCODER).replace(".conv.conv.", ".conv.")
        return f"encoder.layers.{rest}", weight
    # The layer norms have a scale and a shift for each bandwidth; WavTokenizer has one, the first.
    for published, own in (
        (".norm.scale.weight", ".norm.weight"),
        (".norm.shift.weight", ".norm.bias"),
    ):
        if name.endswith(published):
            return name.removesuffix(published) + own, weight[0]
    return name, weight
