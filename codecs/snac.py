"""SNAC (Siuzdak et al., "SNAC: Multi-Scale Neural Audio Codec", 2024): several rates of codes."""

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from almbench.codecs.base import CodecSpec
from almbench.codecs.checkpoints import Files, read_config
from almbench.codecs.facts import Facts
from almbench.codecs.neural import NeuralCodec, NeuralOptions
from almbench.codecs.pickled import fill, read_state
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor, nn

SEED = 0  # of the noise that the decoder adds to its features
TO_FIX = "To fix: take config.json and pytorch_model.bin from one checkpoint of SNAC."


class SnacOptions(NeuralOptions):
    """Options of SNAC.

    Attributes:
        checkpoint: Hub id (hubertsiuzdak/snac_24khz, snac_32khz, snac_44khz), or a local folder.
        num_codebooks: All of them, as 0 says: SNAC does not do with fewer.
    """

    checkpoint: str = "hubertsiuzdak/snac_24khz"
    num_codebooks: Literal[0] = 0


class Snac(NeuralCodec[SnacOptions]):
    """SNAC: each codebook is twice as fast as the one before it.

    The model itself pads a clip with zeros to whole codes of its slowest codebook and, where it has
    attention, to whole windows of it (279 ms at 44.1 kHz); all codes that come are counted. Its
    decoder adds noise to its features, drawn anew for each clip from one seed.
    """

    options_type = SnacOptions
    family = "snac"
    causal = False
    pads = False  # the model pads by itself
    packages = ("snac",)
    extra = "snac"
    file_names = ("config.json", "pytorch_model.bin")
    licenses = ("MIT", "MIT")
    published: ClassVar = {
        "hubertsiuzdak/snac_24khz": Facts(24_000, 512, 4096, 3, 19_842_914, strides=(4, 2, 1)),
        "hubertsiuzdak/snac_32khz": Facts(32_000, 384, 4096, 4, 54_546_338, strides=(8, 4, 2, 1)),
        "hubertsiuzdak/snac_44khz": Facts(44_100, 384, 4096, 4, 54_546_338, strides=(8, 4, 2, 1)),
    }

    @property
    def spec(self) -> CodecSpec:
        """Facts of the checkpoint; while it is not here, as published, or none."""
        spec = super().spec
        return spec.model_copy(update={"settings": {**spec.settings, "seed": SEED}})

    def _facts(self, files: Files) -> Facts:
        path = files.paths["config.json"]
        config = read_config(path)
        try:
            strides = tuple(config["vq_strides"])
            rate, hop = config["sampling_rate"], prod(config["encoder_rates"])
            facts = Facts(rate, hop, config["codebook_size"], len(strides), strides=strides)
        except (KeyError, TypeError) as error:
            raise Unavailable(f"{path} is no configuration of SNAC: {error}. {TO_FIX}") from error
        return next((known for known in self.published.values() if known == facts), facts)

    def _load(self, files: Files) -> "nn.Module":
        from snac import SNAC

        try:
            model: nn.Module = SNAC(**read_config(files.paths["config.json"]))
        except TypeError as error:
            path = files.paths["config.json"]
            raise Unavailable(f"{path} is no configuration of SNAC: {error}. {TO_FIX}") from error
        fill(model, read_state(files), files)
        return model

    def _encode(self, sounds: "Tensor") -> "Tensor":
        import torch

        codes: list[Tensor] = self._model.encode(sounds)
        strides = self._loaded.strides
        return torch.stack(
            [c.repeat_interleave(s, -1) for c, s in zip(codes, strides, strict=True)], dim=1
        )

    def _decode(self, codes: "Tensor") -> "Tensor":
        import torch

        slow = [codes[:, k, ::stride] for k, stride in enumerate(self._loaded.strides)]
        devices: Any = [codes.device] if codes.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(SEED)
            decoded: Tensor = self._model.decode(slow)[:, 0]
        return decoded
