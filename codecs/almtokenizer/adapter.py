"""ALMTokenizer as a codec: any checkpoint, any of the windows that it was trained for."""

from functools import cache
from importlib.resources import files as resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from almbench.codecs.base import CodecSpec
from almbench.codecs.builtin import PRESETS
from almbench.codecs.checkpoints import Files
from almbench.codecs.facts import Facts
from almbench.codecs.neural import NeuralCodec, NeuralOptions
from almbench.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

BUNDLED = "almtokenizer-large"  # the checkpoint that comes with the program
LABEL = PRESETS["almtokenizer"].label  # which names that checkpoint


class ALMTokenizerOptions(NeuralOptions):
    """Options of ALMTokenizer.

    Attributes:
        checkpoint: Hub id, or a local folder that `bench train almtokenizer` wrote; by default
            the checkpoint that comes with almbench.
        window: Frames of 1/75 s per query: more make fewer codes.
        num_codebooks: How many of the codebooks are used.
        beams: Beams of the search for codes; more cost time, not bits. The vectors are then met
            more closely, which is not to say that the sound is: see docs/almtokenizer.md.
        match_level: Encode a second time, louder or softer by what the level of the decoded sound
            missed, with all codebooks: no bits, three times the time of encoding. By default, what
            the checkpoint's configuration says.
    """

    checkpoint: str = BUNDLED
    window: int = Field(default=6, ge=1)
    num_codebooks: int = Field(default=3, ge=1)
    beams: int = Field(default=1, ge=1, le=64)
    match_level: bool | None = None


class ALMTokenizerCodec(NeuralCodec[ALMTokenizerOptions]):
    """ALMTokenizer at 75 frames a second and one query every `window` of them.

    A clip is padded with zeros to whole windows.
    """

    options_type = ALMTokenizerOptions
    family = "almtokenizer"
    file_names = ("config.json", "model.safetensors")
    packages = ("safetensors",)
    pads = False  # the model pads to its window
    supports_batching = True
    published: ClassVar[dict[str, Facts]] = {}
    licenses = ("Apache-2.0", "see the checkpoint's card")

    def files(self, *, network: bool) -> Files:
        """Find the checkpoint's files.

        Raises:
            Unavailable: They are not here, and may not or cannot be fetched.
        """
        if self.options.checkpoint != BUNDLED:
            return super().files(network=network)
        folder = Path(str(resources("almbench.codecs.almtokenizer"))) / "large"
        return Files(BUNDLED, "", {name: folder / name for name in self.file_names})

    @property
    def encoding_key(self) -> str:
        """Codes nest only where the window and the search are the same."""
        level = " level" if self.spec.settings.get("match_level") else ""
        return f"{super().encoding_key} w{self.options.window} b{self.options.beams}{level}"

    @property
    def spec(self) -> CodecSpec:
        """Facts of the checkpoint at this window, and its name, where no other label was given."""
        spec = super().spec
        weights = "CC BY 4.0" if self.options.checkpoint == BUNDLED else spec.weights_license
        chosen = self.options.model_dump(include={"beams"}, exclude_defaults=True)
        settings = {**spec.settings, "window": self.options.window, **chosen}
        more = {"settings": settings, "weights_license": weights}
        if self.options.checkpoint != BUNDLED and self.label == LABEL:
            name = _name_of(self.options.checkpoint)
            more["label"] = spec.label.replace(LABEL, f"ALMTokenizer ({name})")
        return spec.model_copy(update=more)

    def _facts(self, files: Files) -> Facts:
        from almbench.codecs.almtokenizer.checkpoint import read_model_config

        config, window = read_model_config(files), self.options.window
        if not config.min_window <= window <= config.max_window:
            raise UserError(
                f"Codec '{self.id}': options.window = {window}, but the checkpoint "
                f"'{self.options.checkpoint}' was trained for windows of {config.min_window} to "
                f"{config.max_window} frames."
            )
        hop, level = config.hop * window, self.options.match_level
        # Counted by building the model.
        counted = _count(files.paths["config.json"], files.weights) if find_spec("torch") else None
        return Facts(
            config.sample_rate,
            hop,
            config.codebook_size,
            config.codebooks,
            counted,
            causal=config.causal,
            settings={
                "contrast": config.contrast,
                "match_level": config.match_level if level is None else level,
            },
        )

    def _load(self, files: Files) -> "nn.Module":
        from almbench.codecs.almtokenizer.checkpoint import load_checkpoint

        return load_checkpoint(files)

    def _encode(self, sounds: "Tensor") -> "Tensor":
        options = self.options
        codes: Tensor = self._model.encode(
            sounds[:, 0], options.window, options.beams, match_level=options.match_level
        )
        return codes

    def _decode(self, codes: "Tensor") -> "Tensor":
        decoded: Tensor = self._model.decode(codes, self.options.window)
        return decoded

    def _dequantize(self, codes: "Tensor") -> "Tensor":
        vectors: Tensor = self._model.quantizer.decode(codes).transpose(1, 2)
        return vectors


def _name_of(checkpoint: str) -> str:
    """What to call a checkpoint: by its folder, or that around a folder `checkpoint`."""
    parts = [part for part in Path(checkpoint).parts if part != "checkpoint"]
    return parts[-1] if parts else checkpoint


@cache
def _count(config: Path, weights: Path) -> int:
    from almbench.codecs.almtokenizer.checkpoint import parameters

    return parameters(Files("", "", {config.name: config, weights.name: weights}))
