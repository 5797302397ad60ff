"""WavTokenizer (Ji et al., 2024): one codebook of 4096 entries, 40 or 75 codes per second."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from almbench.codecs.checkpoints import Files, find
from almbench.codecs.facts import Facts
from almbench.codecs.neural import NeuralCodec, NeuralOptions
from almbench.codecs.pickled import fill, read_state, unfit
from almbench.codecs.rows import Rows
from almbench.codecs.transformers_codec import import_transformers
from almbench.codecs.transformers_models import WavTokenizer as Kind
from almbench.codecs.wavtokenizer_weights import BUFFERS, Layout, adapt
from almbench.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

RATE = 24_000
KIND = Kind()  # how transformers codes with it
LARGE = {
    "40": "novateur/WavTokenizer-large-unify-40token",
    "75": "novateur/WavTokenizer-large-speech-75token",
}
FILES = {
    LARGE["40"]: "wavtokenizer_large_unify_600_24k.ckpt",
    LARGE["75"]: "wavtokenizer_large_speech_320_v2.ckpt",
    "novateur/WavTokenizer-medium-speech-75token": "wavtokenizer_medium_speech_320_24k_v2.ckpt",
    "novateur/WavTokenizer-medium-music-audio-75token": (
        "wavtokenizer_medium_music_audio_320_24k_v2.ckpt"
    ),
}


class WavTokenizerOptions(NeuralOptions):
    """Options of WavTokenizer.

    Attributes:
        model: Codes per second.
        checkpoint: Hub id of one of the authors' repositories (large-unify-40token,
            large-speech-75token, medium-speech-75token, medium-music-audio-75token, all
            novateur/WavTokenizer-...), or a local weights file, or a folder that holds the weights
            of the large model under their published name; empty for the large model.
        num_codebooks: There is one.
    """

    checkpoint: str = ""
    num_codebooks: Literal[1] = 1
    model: Literal["40", "75"] = "40"

    @model_validator(mode="before")
    @classmethod
    def _large(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and not given.get("checkpoint"):
            return {**given, "checkpoint": LARGE.get(str(given.get("model", "40")), "")}
        return given


class WavTokenizer(NeuralCodec[WavTokenizerOptions]):
    """WavTokenizer in the authors' checkpoints, run by transformers' model of it.

    The authors' code cannot be installed as a package. All sizes are told from the weights, so the
    authors' configuration file is not needed. Clips go in unpadded, as the encoder extends them by
    reflection.
    """

    options_type = WavTokenizerOptions
    family = "wavtokenizer"
    causal = KIND.causal
    pads = KIND.pads
    supports_batching = KIND.supports_batching
    supports_padding = KIND.supports_padding
    packages = ("transformers",)
    licenses = ("MIT (WavTokenizer), Apache-2.0 (transformers)", "MIT")
    published: ClassVar[dict[str, Facts]] = {
        LARGE["40"]: Facts(RATE, 600, 4096, 1, 72_111_714),
        LARGE["75"]: Facts(RATE, 320, 4096, 1, 71_750_146),
    }

    def files(self, *, network: bool) -> Files:
        """Find the checkpoint's only file.

        Raises:
            Unavailable: It is not here, and may not or cannot be fetched.
        """
        source = self.options.checkpoint
        name = FILES.get(source, FILES[LARGE[self.options.model]])
        return find(source, self._revision, [name], network=network)

    def _facts(self, files: Files) -> Facts:
        weights, layout = _read(files)
        if int(self.options.model) * layout.hop != RATE:
            raise UserError(
                f"Codec '{self.id}': options.model = \"{self.options.model}\", but {files.weights} "
                f"gives {RATE / layout.hop:g} codes per second. Set options.model to what the "
                "checkpoint is."
            )
        learned = sum(
            weight.numel() for name, weight in weights.items() if not name.startswith(BUFFERS)
        )
        return Facts(RATE, layout.hop, layout.codebook_size, 1, learned)

    def _load(self, files: Files) -> "nn.Module":
        transformers = import_transformers()
        weights, layout = _read(files)
        config = transformers.WavTokenizerConfig(**layout.config)
        model: nn.Module = transformers.WavTokenizerModel(config)
        fill(model, weights, files)
        return model

    def _encode(self, sounds: "Tensor") -> "Tensor":
        return KIND.encode(self._model, sounds, 1, self._loaded)

    def _decode(self, codes: "Tensor") -> "Tensor":
        return KIND.decode(self._model, codes)

    def _apart(self, lengths: Sequence[int], width: int) -> "AbstractContextManager[Rows | None]":
        return KIND.apart(self._model, lengths, width)


def _read(files: Files) -> "tuple[dict[str, Tensor], Layout]":
    """Read the weights and the sizes that they tell. Raises `Unavailable`."""
    state = read_state(files)
    try:
        weights = adapt(state.get("state_dict", state))
        return weights, Layout.of(weights)
    except KeyError as error:
        raise unfit(files, f"{error} is missing") from error
