"""What training begins with: its own saved state, what stage 1 made, or a published checkpoint."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from almbench.codecs.almtokenizer.adapter import BUNDLED, ALMTokenizerCodec
from almbench.codecs.almtokenizer.checkpoint import load_checkpoint
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.registry import create
from almbench.errors import UserError
from almbench.names import some

OF_STAGE_1 = ("patchify.", "unpatchify.")  # what it hands on to stage 2
UNSEEN = ("contrast", "match_level")  # what training does not see of a model


def read_state(path: Path) -> dict[str, Any]:
    """Read a saved state."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Save a state, so that a kill at any moment leaves the last one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)


def check_recipe(path: Path, state: dict[str, Any], recipe: str) -> None:
    """See that a state is of a recipe; what training does not see may have changed, and steps.

    Raises:
        UserError: It is of another.
    """
    theirs, ours = (_trained_by(one) for one in (state["recipe"], recipe))
    if other := [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)]:
        found = [f"{key} was {theirs.get(key)} and is {ours.get(key)}" for key in other]
        raise UserError(
            f"{path} belongs to another recipe: {some(found)}. To fix: choose another folder with "
            "-o, or give the recipe and the folders of --data that it was begun with (only steps, "
            f"save_every, validate_every, {' and '.join(f'model.{name}' for name in UNSEEN)} may "
            "change)."
        )


def _trained_by(recipe: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(recipe)
    for name in UNSEEN:
        facts["model"].pop(name, None)
    for name in ("save_every", "validate_every"):
        del facts[name]
    for stage in ("stage1", "stage2"):
        del facts[stage]["steps"]
    facts["data"] = {folder.pop("name"): folder for folder in facts["data"]}
    return _flat(facts)


def _flat(facts: dict[str, Any], within: str = "") -> dict[str, Any]:
    """Facts within facts by their dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        flat |= (
            _flat(value, f"{within}{key}.") if isinstance(value, dict) else {within + key: value}
        )
    return flat


def take_stage_1(model: ALMTokenizer, path: Path, steps: int) -> None:
    """Give a model what stage 1 trained.

    Raises:
        UserError: Stage 1 is not done, or was of a model of another shape.
    """
    state: dict[str, Any] = read_state(path) if path.is_file() else {"step": 0}
    if state["step"] < steps:
        raise UserError(
            f"Stage 2 goes on from stage 1, which has done {state['step']} of {steps} steps in "
            f"{path}. To fix: run it with --stage 1 first, or repeat what --set it was given."
        )
    weights: dict[str, Tensor] = state["average"]
    _take(model, weights, OF_STAGE_1, str(path))


def take_checkpoint(model: ALMTokenizer, source: str) -> None:
    """Give a model the weights of a published checkpoint, its codebooks included.

    Raises:
        UserError: The checkpoint is of a model of another shape.
        Unavailable: It is not to be had.
    """
    options = {} if source == BUNDLED else {"checkpoint": source}
    codec = create("almtokenizer", "ALMTokenizer", "almtokenizer", options)
    assert isinstance(codec, ALMTokenizerCodec)  # noqa: S101
    _take(model, load_checkpoint(codec.files(network=True)).state_dict(), ("",), source)
    for codebook in model.quantizer.codebooks:  # what a published checkpoint leaves out
        codebook.counts.fill_(1)
        codebook.sums.copy_(codebook.entries)


def _take(
    model: ALMTokenizer, weights: dict[str, Tensor], parts: tuple[str, ...], source: str
) -> None:
    taken = {name: weight for name, weight in weights.items() if name.startswith(parts)}
    own = {n: w for n, w in model.state_dict().items() if n.startswith(parts)}
    if {n: w.shape for n, w in taken.items()} != {n: w.shape for n, w in own.items()}:
        raise UserError(
            f"{source} is of a model of another shape than this recipe's. To fix: choose another, "
            "or the same [model] as there."
        )
    model.load_state_dict(taken, strict=False)
