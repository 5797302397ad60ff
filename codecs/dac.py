"""DAC (Kumar et al., "High-Fidelity Audio Compression with Improved RVQGAN", 2023)."""

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from almbench.codecs.neural import Facts, NeuralOptions, Published
from almbench.codecs.transformers_codec import TransformersCodec

if TYPE_CHECKING:
    from torch import Tensor


class DacOptions(NeuralOptions):
    """Options of DAC.

    Attributes:
        checkpoint: Hub id (descript/dac_16khz, descript/dac_24khz, descript/dac_44khz), or a local
            folder or weights file.
        num_codebooks: Codebooks used: up to 12 at 16 kHz (500 bit/s each), 32 at 24 kHz (750 bit/s)
            and 9 at 44.1 kHz (861 bit/s).
    """

    checkpoint: str = "descript/dac_24khz"
    num_codebooks: int = Field(default=2, ge=1)


class Dac(TransformersCodec[DacOptions]):
    """DAC at 16, 24 or 44.1 kHz, as the checkpoint says.

    A clip is padded with zeros to whole frames. The models of 16 and 24 kHz give back 8 samples
    less than that, cut off at the end; zeros take their place where the clip filled its last frame.
    """

    options_type = DacOptions
    supports_batching = True
    family = "dac"
    causal = False
    model = "DacModel"
    licenses = ("MIT (DAC), Apache-2.0 (transformers)", "MIT")
    published: ClassVar[dict[str, Published]] = {
        "descript/dac_16khz": Published(
            "7c2fc5e759f1f501aefc6e7a0265cc57f5d17ba7", Facts(16_000, 320, 1024, 12, 74_141_697)
        ),
        "descript/dac_24khz": Published(
            "6ba020b5ba7d9d8076fb90db7e67f27e31980f6e", Facts(24_000, 320, 1024, 32, 74_653_857)
        ),
        "descript/dac_44khz": Published(
            "c1bc521685adf9cfe247bc39a5ca58917eda1ac4", Facts(44_100, 512, 1024, 9, 76_620_777)
        ),
    }

    def _read(self, config: dict[str, Any]) -> Facts:
        # Its hop_length may be stale: some published configurations said 512 for 320.
        hop = prod(config["downsampling_ratios"])
        return Facts(config["sampling_rate"], hop, config["codebook_size"], config["n_codebooks"])

    def _encode(self, sounds: "Tensor") -> "Tensor":
        codes: Tensor = self._model.encode(
            sounds, n_quantizers=self.options.num_codebooks
        ).audio_codes
        return codes

    def _decode(self, codes: "Tensor") -> "Tensor":
        decoded: Tensor = self._model.decode(audio_codes=codes).audio_values
        return decoded
