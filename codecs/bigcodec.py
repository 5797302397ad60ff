"""BigCodec: Xin et al., "Pushing the Limits of Low-Bitrate Neural Speech Codec", 2024."""

from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

from almbench.codecs.checkpoints import Files, read_config
from almbench.codecs.facts import Facts
from almbench.codecs.neural import NeuralCodec, NeuralOptions
from almbench.codecs.pickled import fill
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor, nn

RATE = 16_000
TO_FIX = "To fix: take config.json and model.safetensors from intexcp/bigcodec."


class BigCodecOptions(NeuralOptions):
    """Options of BigCodec.

    Attributes:
        checkpoint: Hub id, or a local folder or weights file.
        num_codebooks: All of them; as published there is one.
    """

    checkpoint: str = "intexcp/bigcodec"
    num_codebooks: Literal[0] = 0


class BigCodec(NeuralCodec[BigCodecOptions]):
    """BigCodec by the package `bigcodec`, which is not by its authors, as are these weights.

    One code of 8192 entries 80 times a second, at 16 kHz. A clip is padded with zeros to whole
    frames; the authors' own script gives a clip of whole frames one more.
    """

    options_type = BigCodecOptions
    family = "bigcodec"
    causal = False
    packages = ("bigcodec", "torchaudio")
    extra = "bigcodec"
    file_names = ("config.json", "model.safetensors")
    licenses = ("MIT", "MIT")
    published: ClassVar = {"intexcp/bigcodec": Facts(RATE, 200, 8192, 1, 159_436_290)}

    def _facts(self, files: Files) -> Facts:
        path = files.paths["config.json"]
        config = read_config(path)
        try:
            hop, books = prod(config["up_ratios"]), config["vq_num_quantizers"]
            facts = Facts(RATE, hop, config["codebook_size"], books)
        except (KeyError, TypeError) as error:
            raise _unfit(files, error) from error
        return next((known for known in self.published.values() if known == facts), facts)

    def _load(self, files: Files) -> "nn.Module":
        from almbench.torchaudio_import import import_torchaudio

        import_torchaudio()
        from bigcodec import BigCodec as Network
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            model: nn.Module = Network(**read_config(files.paths["config.json"]))
        except TypeError as error:
            raise _unfit(files, error) from error
        try:
            state = load_file(files.weights)
        except (SafetensorError, OSError) as error:
            raise Unavailable(f"{files.weights} cannot be read: {error}. {TO_FIX}") from error
        fill(model, state, files)
        return model

    def _encode(self, sounds: "Tensor") -> "Tensor":
        codes: Tensor = self._model.encode(sounds)  # codebooks first
        return codes.transpose(0, 1)

    def _decode(self, codes: "Tensor") -> "Tensor":
        decoded: Tensor = self._model.decode(codes)[:, 0]
        return decoded


def _unfit(files: Files, error: Exception) -> Unavailable:
    path = files.paths["config.json"]
    return Unavailable(f"{path} is no configuration of BigCodec: {error}. {TO_FIX}")
