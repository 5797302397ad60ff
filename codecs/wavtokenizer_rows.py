"""What spans a whole clip in WavTokenizer's decoder, for clips of different lengths in a batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from almbench.codecs.rows import Rows, alone, replaced

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 1e-11  # of the windows' squares, as upstream


@contextmanager
def wavtokenizer_alone(model: Any, lengths: Sequence[int], width: int) -> Iterator[Rows | None]:
    """Let each row end where its clip ends, in the attention and the inverse STFT, too.

    Args:
        model: transformers' `WavTokenizerModel`.
        lengths: Of each row of what it is given: samples, or codes.
        width: How many columns it is given.
    """
    with alone(model, lengths, width) as rows:
        if rows is None:
            yield None
            return
        [attention] = (part for part in model.backbone.pos_net if hasattr(part, "proj_out"))
        head = model.head
        hooks = [
            head.linear.register_forward_hook(lambda _, __, made: _silenced(rows, made)),
            head.register_forward_hook(lambda head, _, made: _ended(rows, head, made)),
        ]
        try:
            with replaced(attention, "forward", lambda values: _attended(rows, attention, values)):
                yield rows
        finally:
            for hook in hooks:
                hook.remove()


def _attended(rows: Rows, attention: Any, values: "Tensor") -> "Tensor":
    """Single-head attention within each row; values `[B, C, T]`."""
    normed = attention.norm(values)
    query, key, value = (part(normed) for part in (attention.q, attention.k, attention.v))
    weights = query.transpose(1, 2) @ key * query.shape[1] ** -0.5
    weights = weights.masked_fill(~rows.mask(values.shape[-1]), float("-inf")).softmax(-1)
    attended: Tensor = values + attention.proj_out(value @ weights.transpose(1, 2))
    return attended


def _silenced(rows: Rows, spectra: "Tensor") -> "Tensor":
    """Log magnitudes, the first half of `[B, T, 2 F]`, that make no sound behind the rows."""
    import torch

    magnitudes, phases = spectra.chunk(2, dim=-1)
    mask = rows.mask(spectra.shape[1]).transpose(1, 2)
    return torch.cat([magnitudes.masked_fill(~mask, float("-inf")), phases], dim=-1)


def _ended(rows: Rows, head: Any, sounds: "Tensor") -> "Tensor":
    """Sounds `[B, 1, T]`, divided by the windows of their own frames alone at their ends."""
    from torch.nn.functional import fold

    hop, size = head.hop_length, head.n_fft
    frames = sounds.shape[-1] // hop
    windows = head.window.square()[None, :, None].expand(1, -1, frames)
    width = (frames - 1) * hop + size
    of_all, own = (
        fold(some, (1, width), (1, size), stride=(1, hop))[:, 0, :, head.padding : -head.padding]
        for some in (windows, windows * rows.mask(frames))
    )
    rows.become(frames, frames * hop, lambda length: length * hop)
    return rows.cut(sounds * of_all.clamp(LEAST) / own.clamp(LEAST))
