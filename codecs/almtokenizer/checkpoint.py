"""The published form of the model: half-precision safetensors, its configuration and a card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.checkpoints import Files, read_config
from almbench.codecs.pickled import unfit
from almbench.errors import Unavailable, in_a_line

if TYPE_CHECKING:
    from torch import Tensor

    from almbench.codecs.almtokenizer.model import ALMTokenizer

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
QUANTIZED = "quantized"  # in the configuration, false until the codebooks are trained
FORMAT = 1
FIX = "To fix: name a folder that `bench train almtokenizer` wrote, or fetch it again."


def save_checkpoint(model: "ALMTokenizer", folder: Path, card: str, quantized: bool = True) -> None:
    """Write a model for use: what only training needs is left out, the rest in half precision.

    Args:
        model: The model.
        folder: Where to.
        card: The text of its README.md.
        quantized: Whether its codebooks are trained; without, it is refused as a codec.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: weight.detach().half().contiguous()
        for name, weight in model.state_dict().items()
        if not _training_only(name)
    }
    save_file(weights, folder / WEIGHTS)
    (folder / CONFIG).write_text(_config_text(model.config, quantized), encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")


def is_saved(config: ModelConfig, folder: Path, quantized: bool) -> bool:
    """Whether a folder holds a checkpoint of this shape that is no less far."""
    path = folder / CONFIG
    texts = {_config_text(config, far) for far in (quantized, True)}
    return path.is_file() and path.read_text(encoding="utf-8", errors="replace") in texts


def _config_text(config: ModelConfig, quantized: bool) -> str:
    facts = {"model": "almtokenizer", "format": FORMAT, **config.model_dump()}
    if not quantized:
        facts[QUANTIZED] = False
    return json.dumps(facts, indent=2) + "\n"


def read_model_config(files: Files) -> ModelConfig:
    """Read the configuration of a checkpoint. Raises `Unavailable` if it is none of this model."""
    path = files.paths[CONFIG]
    facts: dict[str, Any] = read_config(path)
    if (facts.pop("model", None), facts.pop("format", None)) != ("almtokenizer", FORMAT):
        raise Unavailable(
            f"{path} is no configuration of an ALMTokenizer that this version reads "
            f'("model": "almtokenizer", "format": {FORMAT}). {FIX}'
        )
    if not facts.pop(QUANTIZED, True):
        raise Unavailable(
            f"{path.parent} holds an autoencoder without trained codebooks, which is no tokenizer "
            "yet. To fix: go on with `bench train almtokenizer --stage 2`."
        )
    try:
        return ModelConfig.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        where = in_a_line(f"{where}: {first['msg']}", 300)
        raise Unavailable(f"{path} is damaged: {where}. {FIX}") from error


def load_checkpoint(files: Files) -> "ALMTokenizer":
    """Load a checkpoint in single precision.

    Raises:
        Unavailable: The weights are damaged, or not those of the configuration.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from almbench.codecs.almtokenizer.model import ALMTokenizer

    config = read_model_config(files)
    if (bytes_ := _least_bytes(config)) > (size := files.weights.stat().st_size):
        reason = f"its {CONFIG} tells of {bytes_:,} bytes or more, and it has {size:,}"
        raise unfit(files, reason)
    model = ALMTokenizer(config)
    try:
        weights: Mapping[str, Tensor] = load_file(files.weights)
        found = model.load_state_dict(weights, strict=False)
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise unfit(files, str(error)) from error
    missing = [name for name in found.missing_keys if not _training_only(name)]
    if missing or found.unexpected_keys:
        odd = (missing or found.unexpected_keys)[0]
        raise unfit(files, f"{odd} is {'missing' if missing else 'not known'}")
    return model.float()


def parameters(files: Files) -> int:
    """Count the learned parameters of a checkpoint without loading it."""
    import torch

    from almbench.codecs.almtokenizer.model import ALMTokenizer

    config = read_model_config(files)
    with torch.device("meta"):
        return sum(p.numel() for p in ALMTokenizer(config).parameters())


def _least_bytes(config: ModelConfig) -> int:
    """What the weights of a model take in half precision; nothing is allocated for it."""
    import torch

    from almbench.codecs.almtokenizer.model import ALMTokenizer

    with torch.device("meta"):
        weights = ALMTokenizer(config).state_dict()
    return sum(2 * w.numel() for name, w in weights.items() if not _training_only(name))


def _training_only(name: str) -> bool:
    return name.endswith((".counts", ".sums"))
