"""Weights in files that `torch.save` wrote, as some codecs' authors publish them."""

from collections.abc import Mapping
from pickle import UnpicklingError
from textwrap import shorten
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from almbench.codecs.checkpoints import Files
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor, nn


def read_state(files: Files) -> dict[str, Any]:
    """Read the tensors of a checkpoint by name; most stay on disk until they are used.

    Unpickles tensors and plain containers only, so that a file cannot run code.

    Raises:
        Unavailable: The file cannot be read so.
    """
    import torch

    path = files.weights
    try:
        # Files from before PyTorch 1.6 are no zip archives and cannot stay on disk.
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except UnpicklingError as error:
        raise unfit(files, "it is damaged, or holds objects that could run code") from error
    except Exception as error:  # of a damaged file, PyTorch raises nearly anything
        # PyTorch guesses at length where a file is cut off; its first sentence says enough.
        reason = str(error).partition(". ")[0] or type(error).__name__
        raise unfit(files, f"it is damaged or incomplete: {reason}") from error
    if not isinstance(loaded, Mapping):
        raise unfit(files, "it holds no tensors by name")
    return dict(loaded)


def fill(model: "nn.Module", weights: Mapping[str, "Tensor"], files: Files) -> None:
    """Put weights into a model.

    Raises:
        Unavailable: They are not exactly the model's.
    """
    try:
        model.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise unfit(files, str(error)) from error


def unfit(files: Files, reason: str) -> Unavailable:
    """Say that a file does not hold the weights that it should.

    Args:
        files: The checkpoint.
        reason: Why.
    """
    shown = shorten(reason, 300, placeholder=" ...")
    return Unavailable(
        f"{files.weights} does not hold the weights that the codec needs: {shown}. "
        "To fix: fetch it again as its authors publish it."
    )
