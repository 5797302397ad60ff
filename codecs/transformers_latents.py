"""Kinds of models of the library transformers that are continuous tokenizers: without codes."""

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from almbench.codecs.facts import Facts
from almbench.codecs.transformers_model import TRANSFORMERS, Latents, Model

if TYPE_CHECKING:
    from torch import Tensor


class PocketTTS(Model):
    """The audio tokenizer of Pocket TTS: 12.5 frames of 32 real numbers a second, no codes."""

    class_name = "PocketTTSAudioTokenizerModel"
    causal = True
    licenses = (f"MIT (Pocket TTS), {TRANSFORMERS}", "CC-BY-4.0")
    settings: ClassVar = {"latents": "continuous: no codes, no bitrate"}
    published: ClassVar = {
        "eustlb/pocket-tts-audio-tokenizer": Facts(24_000, 1920, 0, 0, 20_054_337)
    }

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        hop = prod(config["upsampling_ratios"]) * config["latent_stride"]
        return Facts(config["sampling_rate"], hop, 0, 0)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> Latents:
        """Encode to latents."""
        del depth, facts
        return Latents(model.encode(sounds).latents)


class VibeVoice(Model):
    """VibeVoice's acoustic tokenizer: 7.5 frames of 64 real numbers a second, no codes.

    As the library's feature extractor does, a clip is brought to -25 dB of full scale first, or to
    a peak of one where that would clip, and then padded with zeros to whole frames; that gain is
    undone after decoding. The latents are the
    mean that the encoder gives, without the noise that training adds.
    """

    class_name = "VibeVoiceAcousticTokenizerModel"
    causal = True
    pads = False
    licenses = (f"MIT (VibeVoice), {TRANSFORMERS}", "MIT")
    settings: ClassVar = {
        "latents": "continuous: no codes, no bitrate",
        "level": "-25 dBFS inside, undone after",
    }
    published: ClassVar = {
        "bezzam/VibeVoice-AcousticTokenizer": Facts(24_000, 3200, 0, 0, 687_392_001)
    }

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts; the rate is nowhere in the configuration."""
        return Facts(24_000, prod(config["downsampling_ratios"]), 0, 0)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> Latents:
        """Encode one clip to latents."""
        import torch

        del depth
        epsilon = 1e-6
        gain = 10 ** (-25 / 20) / (float(torch.sqrt(torch.mean(sounds**2))) + epsilon)
        peak = gain * float(sounds.abs().max())
        gain /= peak + epsilon if peak > 1 else 1.0
        rest = -sounds.shape[-1] % facts.hop
        padded = torch.nn.functional.pad(gain * sounds, (0, rest))
        return Latents(model.encode(padded, sample=False).latents, gain)

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode."""
        decoded: Tensor = model.decode(coded).audio[:, 0]
        return decoded
