"""How much arithmetic a neural codec does: multiply-accumulates a second of sound.

They are counted by PyTorch's own counter while a sound is coded: convolutions, matrix products and
attention, which is nearly all; elementwise work and Fourier transforms are not counted.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple, TypeVar

import numpy as np

from almbench.codecs.base import Codec
from almbench.codecs.external import External

SECONDS = 1.0
T = TypeVar("T")


class Complexity(NamedTuple):
    """Multiply-accumulates of encoding and of decoding a second of sound."""

    encode: float
    decode: float


def count_macs(codec: Codec[Any], rate: int) -> Complexity | None:
    """Count the multiply-accumulates of a loaded codec, over a second of noise.

    Args:
        codec: The codec.
        rate: Its sample rate in Hz.

    Returns:
        None for what does not run in this process's PyTorch.
    """
    if not runs_in_pytorch(codec):
        return None
    seconds = min(SECONDS, codec.max_duration_s or SECONDS)
    noise = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * rate))
    encoded, encode = _counted(codec, lambda: codec.encode([noise], rate))
    _, decode = _counted(codec, lambda: codec.decode(encoded, rate))
    return Complexity(encode / seconds, decode / seconds) if encode + decode else None


def runs_in_pytorch(codec: Codec[Any]) -> bool:
    """Whether a loaded codec runs in this process's PyTorch, and not in a worker or without it."""
    return codec.uses_device and not isinstance(codec, External) and "torch" in sys.modules


def _counted(codec: Codec[Any], call: Callable[[], T]) -> tuple[T, float]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    known = {torch.ops.aten.mkldnn_rnn_layer: _of_recurrent_layer}
    with (
        _not_learning(codec),
        _in_parts(),
        FlopCounterMode(display=False, custom_mapping=known) as counter,
    ):
        result = call()
    return result, counter.get_total_flops() / 2  # a multiplication and an addition are two


def _of_recurrent_layer(
    sounds: Sequence[int], inputs: Sequence[int], states: Sequence[int], *_: Any, **__: Any
) -> int:
    """Operations of a recurrent layer by the shapes of its input `[T, B, I]` and its weights."""
    return 2 * sounds[0] * sounds[1] * (prod(inputs) + prod(states))


@contextmanager
def _not_learning(codec: Codec[Any]) -> Iterator[None]:
    """Freeze a codec's models: PyTorch's counter trips over normed weights that learn."""
    from torch.nn import Module

    models = [value for value in vars(codec).values() if isinstance(value, Module)]
    learning = [one for model in models for one in model.parameters() if one.requires_grad]
    for one in learning:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in learning:
            one.requires_grad_(True)


@contextmanager
def _in_parts() -> Iterator[None]:
    """Let attention, and a GPU's recurrent layers, run as products that the counter knows."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    cudnn: Any = torch.backends.cudnn
    held = cudnn.enabled
    cudnn.enabled = False
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        cudnn.enabled = held
