"""Encodec (Défossez et al., "High Fidelity Neural Audio Compression", 2022): 24 kHz, mono."""

from math import log2, prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from almbench.codecs.neural import Facts, NeuralOptions, Published
from almbench.codecs.transformers_codec import TransformersCodec
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor


class EncodecOptions(NeuralOptions):
    """Options of Encodec.

    Attributes:
        checkpoint: Hub id, or a local folder or weights file, of a model of the 24 kHz kind.
        num_codebooks: Codebooks used, at 750 bit/s each; the model was trained for these depths.
    """

    checkpoint: str = "facebook/encodec_24khz"
    num_codebooks: Literal[2, 4, 8, 16, 32] = 2


class Encodec(TransformersCodec[EncodecOptions]):
    """Encodec of 24 kHz: 75 frames per second, up to 32 codebooks of 1024 entries.

    The model itself fills the last frame of 320 samples, by reflection, as upstream. The 48 kHz
    model is stereo and works in chunks that it scales one by one; it is not covered.
    """

    options_type = EncodecOptions
    supports_batching = True
    family = "encodec"
    causal = True
    pads = False  # the model fills its last frame by reflection
    model = "EncodecModel"
    # The authors have not said under which licence the weights are:
    # https://github.com/facebookresearch/encodec/issues/69
    licenses = ("MIT (Encodec), Apache-2.0 (transformers)", "not stated by the authors")
    published: ClassVar[dict[str, Published]] = {
        "facebook/encodec_24khz": Published(
            "c1dbe2ae3f1de713481a3b3e7c47f357092ee040", Facts(24_000, 320, 1024, 32, 14_851_810)
        )
    }

    def _read(self, config: dict[str, Any]) -> Facts:
        rate, hop = config["sampling_rate"], prod(config["upsampling_ratios"])
        if (rate, config["audio_channels"], config.get("chunk_length_s")) != (24_000, 1, None):
            raise Unavailable(
                f"'{self.options.checkpoint}' is not Encodec's mono model of 24 kHz. "
                "To fix: use facebook/encodec_24khz."
            )
        size = config["codebook_size"]
        books = 1000 * max(config["target_bandwidths"]) / (rate / hop * log2(size))
        return Facts(rate, hop, size, int(books))

    def _encode(self, sounds: "Tensor") -> "Tensor":
        # The model takes a depth as the bandwidth in kbps that it makes.
        facts, depth = self._loaded, self.options.num_codebooks
        kbps = depth * log2(facts.codebook_size) * facts.sample_rate / facts.hop / 1000
        codes: Tensor = self._model.encode(sounds, bandwidth=kbps).audio_codes[0]
        return codes

    def _decode(self, codes: "Tensor") -> "Tensor":
        decoded: Tensor = self._model.decode(codes[None], [None]).audio_values[:, 0]
        return decoded
