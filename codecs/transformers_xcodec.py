"""X-Codec and what was built like it, in transformers."""

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from almbench.audio import resample
from almbench.codecs.facts import Facts
from almbench.codecs.transformers_model import TRANSFORMERS, Model, depths_of, kbps_of

if TYPE_CHECKING:
    from torch import Tensor


class XCodec(Model):
    """X-Codec: DAC's encoder beside HuBERT or WavLM, 50 frames per second of 1024 entries."""

    class_name = "XcodecModel"
    licenses = (f"MIT (X-Codec), {TRANSFORMERS}", "CC-BY-4.0")
    published: ClassVar = {
        f"hf-audio/xcodec-{name}": Facts(16_000, 320, 1024, 8, parameters, (1, 2, 3, 4, 8))
        for name, parameters in {
            "hubert-librispeech": 160_698_625,
            "hubert-general": 160_698_625,
            "hubert-general-balanced": 160_698_625,
            "wavlm-mls": 160_708_849,
            "wavlm-more-data": 160_708_849,
        }.items()
    }

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        rate, size = config["sample_rate"], config["codebook_size"]
        acoustic = config.get("acoustic_model_config") or {}
        hop = prod(acoustic.get("downsampling_ratios", (8, 5, 4, 2)))
        depths = depths_of(config["target_bandwidths"], rate, hop, size)
        return Facts(rate, hop, size, depths[-1], depths=depths)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode; the model takes a depth as the bandwidth in kbps that it makes."""
        codes: Tensor = model.encode(sounds, bandwidth=kbps_of(depth, facts)).audio_codes
        return codes


class HiggsAudio(XCodec):
    """Higgs Audio v2's tokenizer: built as X-Codec, 25 frames per second at 24 kHz."""

    class_name = "HiggsAudioV2TokenizerModel"
    packages = ("torchaudio",)
    licenses = (
        f"Apache-2.0 (Higgs Audio), {TRANSFORMERS}",
        "Boson Higgs Audio 2 Community License",
    )
    published: ClassVar = {
        "bosonai/higgs-audio-v2-tokenizer": Facts(24_000, 960, 1024, 8, 200_343_777, (2, 4, 6, 8))
    }


class XCodec2(Model):
    """X-Codec 2: one code of 65536 values (eight digits of four) 50 times a second, at 16 kHz.

    The library's feature extractor makes the encoder's input: it adds a sample of silence and then
    pads to whole frames, so that a clip of whole frames gets one more.
    """

    class_name = "Xcodec2Model"
    extractor: ClassVar[str] = "Xcodec2FeatureExtractor"
    pads = False
    packages = ("torchaudio",)
    licenses = (f"CC-BY-NC-4.0 (X-Codec 2), {TRANSFORMERS}", "CC-BY-NC-4.0")
    published: ClassVar = {"HKUSTAudio/xcodec2-hf": Facts(16_000, 320, 4**8, 1, 629_281_706)}

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        levels = prod(config.get("quantization_levels", (4,) * 8))
        hop = prod(config.get("downsampling_ratios", (2, 2, 4, 4, 5)))
        return Facts(config.get("sampling_rate", 16_000), hop, levels, 1)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode what the library's feature extractor makes of the sounds."""
        del depth
        return self.features_to_codes(model, sounds[:, 0].cpu().numpy(), facts.hop)

    def features_to_codes(self, model: Any, sounds: Any, hop: int) -> "Tensor":
        """Encode sounds `[B, T]` at the encoder's rate."""
        import transformers

        extract = getattr(transformers, self.extractor)(hop_length=hop)
        rate = extract.sampling_rate
        features = extract(list(sounds), sampling_rate=rate, return_tensors="pt").to(model.device)
        names = ("input_values", "input_features", "input_features_mask")
        codes: Tensor = model.encode(**{name: features[name] for name in names}).audio_codes
        return codes


class NeuCodec(XCodec2):
    """NeuCodec: X-Codec 2 with a decoder of 24 kHz; the encoder hears 16 kHz (soxr, VHQ)."""

    class_name = "NeuCodecModel"
    extractor = "NeuCodecFeatureExtractor"
    licenses = (f"Apache-2.0 (NeuCodec), {TRANSFORMERS}", "Apache-2.0")
    settings: ClassVar = {"encoder_input": "16000 Hz, resampled by soxr"}
    published: ClassVar = {"neuphonic/neucodec": Facts(24_000, 480, 4**8, 1, 629_937_706)}

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        inside = super().read(config)
        rate = config.get("output_sampling_rate", 24_000)
        hop = inside.hop * rate // config.get("input_sampling_rate", 16_000)
        return Facts(rate, hop, inside.codebook_size, 1)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode at the encoder's own rate."""
        del depth
        rate = model.config.input_sampling_rate
        heard = [
            resample(one.astype(np.float64), facts.sample_rate, rate).astype(np.float32)
            for one in sounds[:, 0].cpu().numpy()
        ]
        return self.features_to_codes(model, heard, facts.hop * rate // facts.sample_rate)
