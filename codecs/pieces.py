"""Long clips in pieces that join as the whole: of convolutions that see little, and LSTMs.

Each piece is coded together with as much before it, and behind it, as a convolution at its edges
sees, and that is cut off again. An LSTM, which sees all of the past, goes on from where it was at
the end of the last piece. Memory is that of a piece.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

from almbench.codecs.rows import replaced

if TYPE_CHECKING:
    from torch import Tensor, nn

SECONDS = 10.0


def reach(part: "nn.Module") -> int:
    """How many frames an encoder's or a decoder's convolutions see beyond a frame, or fewer.

    They are taken one after the other, in the order in which the module holds them.
    """
    from torch import nn

    column, seen = Fraction(1), Fraction(0)  # in columns of the input: samples, or frames
    for conv in part.modules():
        if isinstance(conv, nn.Conv1d | nn.ConvTranspose1d):
            if conv.transposed:
                column /= conv.stride[0]
            seen += (conv.kernel_size[0] - 1) * conv.dilation[0] * column
            if not conv.transposed:
                column *= conv.stride[0]
    return ceil(seen / column if column > 1 else seen)


def in_pieces(
    part: "nn.Module",
    code: "Callable[[Tensor], Tensor]",
    given: "Tensor",
    columns: tuple[int, int],
    frame_rate: float,
    *,
    causal: bool,
) -> "Tensor":
    """Code a long clip piece by piece.

    Args:
        part: The encoder or the decoder that `code` uses.
        code: Codes a clip.
        given: The clip, **Shape** `[..., T]`, of sound or codes.
        columns: Of a frame, in what is given and in what is made.
        frame_rate: Frames per second.
        causal: Whether nothing behind a piece need be seen.
    """
    import torch

    many, made_of = columns
    frames, total, seen = round(SECONDS * frame_rate), -(-given.shape[-1] // many), reach(part)
    parts = []
    with _remembering(part, seen) as again:
        for start in range(0, total, frames):
            before = min(start, seen)
            again(before)
            end = start + frames + (0 if causal else seen)
            made = code(given[..., (start - before) * many : end * many])
            parts.append(made[..., before * made_of : (before + frames) * made_of])
    return torch.cat(parts, dim=-1)


class _Remembered:
    """An LSTM of Encodec that goes on where it was, whatever of the past it is given again.

    Args:
        layer: The layer of transformers, of sounds `[B, D, T]`.
        kept: Frames of the past that may be given again.
    """

    def __init__(self, layer: Any, kept: int) -> None:
        """Begin before the first frame."""
        self._layer, self._kept = layer, kept
        self._state: Any = None
        self._past: Tensor | None = None
        self.again = 0  # of what is given next, frames that were given already

    def __call__(self, values: "Tensor") -> "Tensor":
        """Go on; what was given again gets what it got then."""
        import torch

        new = values[..., self.again :]
        made, self._state = self._layer.lstm(new.permute(2, 0, 1), self._state)
        whole: Tensor = made.permute(1, 2, 0) + new
        if self._past is not None and self.again:
            whole = torch.cat([self._past[..., -self.again :], whole], dim=-1)
        self._past = whole[..., -self._kept :]
        return whole


@contextmanager
def _remembering(part: "nn.Module", kept: int) -> "Iterator[Callable[[int], None]]":
    """Let the LSTMs of an encoder or a decoder go on from piece to piece.

    Yields:
        What is told, before each piece, how many of its frames were given already.
    """
    layers = [layer for layer in part.modules() if hasattr(layer, "lstm")]
    memories = [_Remembered(layer, kept) for layer in layers]
    with ExitStack() as stack:
        for layer, memory in zip(layers, memories, strict=True):
            stack.enter_context(replaced(layer, "forward", memory))

        def tell(again: int) -> None:
            for memory in memories:
                memory.again = again

        yield tell
