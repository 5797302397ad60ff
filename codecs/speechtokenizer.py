"""SpeechTokenizer (Zhang et al., "SpeechTokenizer: Unified Speech Tokenizer", 2023): 16 kHz."""

import warnings
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from almbench.codecs.checkpoints import Files, read_config
from almbench.codecs.facts import Facts
from almbench.codecs.neural import NeuralCodec, NeuralOptions
from almbench.codecs.pickled import fill, read_state, unfit
from almbench.packages import import_inside

if TYPE_CHECKING:
    from torch import Tensor, nn

PACKAGE = "speechtokenizer"


class SpeechTokenizerOptions(NeuralOptions):
    """Options of SpeechTokenizer.

    Attributes:
        checkpoint: Hub id, or a local folder or weights file with its config.json beside.
        num_codebooks: Codebooks used, at 500 bit/s each.
    """

    checkpoint: str = "fnlp/SpeechTokenizer"
    num_codebooks: int = Field(default=3, ge=1)


class SpeechTokenizer(NeuralCodec[SpeechTokenizerOptions]):
    """SpeechTokenizer: 50 frames per second, up to 8 codebooks of 1024 entries, for speech.

    Clips go in unpadded, as the encoder extends them by reflection, and one at a time: its LSTM
    runs over a clip in both directions.
    """

    options_type = SpeechTokenizerOptions
    family = "speechtokenizer"
    causal = False
    pads = False
    file_names = (
        "speechtokenizer_hubert_avg/config.json",
        "speechtokenizer_hubert_avg/SpeechTokenizer.pt",
    )
    packages = ("einops", PACKAGE)
    extra = "speechtokenizer"
    licenses = ("Apache-2.0", "Apache-2.0")
    published: ClassVar[dict[str, Facts]] = {
        "fnlp/SpeechTokenizer": Facts(16_000, 320, 1024, 8, 103_675_586)
    }

    def _facts(self, files: Files) -> Facts:
        config = read_config(next(iter(files.paths.values())))
        try:
            hop = prod(config["strides"])
            facts = Facts(config["sample_rate"], hop, config["codebook_size"], config["n_q"])
        except (KeyError, TypeError) as error:
            raise unfit(
                files, f"the config.json beside it is none of a SpeechTokenizer ({error!r})"
            ) from error
        # What is laid out like a published model has as many parameters.
        return next((known for known in self.published.values() if known == facts), facts)

    def _load(self, files: Files) -> "nn.Module":
        weights = read_state(files)
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            model: nn.Module = import_model().SpeechTokenizer(
                read_config(next(iter(files.paths.values())))
            )
        fill(model, weights, files)
        return model

    def _encode(self, sounds: "Tensor") -> "Tensor":
        codes: Tensor = self._model.encode(sounds, n_q=self.options.num_codebooks)
        return codes.transpose(0, 1)  # the model's own order is [K, B, T]

    def _decode(self, codes: "Tensor") -> "Tensor":
        decoded: Tensor = self._model.decode(codes.transpose(0, 1))
        return decoded[:, 0]


def import_model() -> Any:
    """Import the package's module with the model.

    The package itself imports its training code too, which needs packages that it does not declare.
    """
    return import_inside(PACKAGE, "model")
