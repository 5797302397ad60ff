"""Clips of different lengths in one batch of a convolutional model, each coded as if it were alone.

A convolution fills up both ends of a clip, with zeros or by reflection. In a batch, a shorter
clip's end lies amid its row, and the model would see what lies behind it. So each layer is told how
long every row is by then, and fills up each row's own end. What the rows give is then the same as
alone, but for rounding, which differs between sizes of a batch.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


class Rows:
    """How long the rows of a batch are at each layer, told by the width of the tensor there.

    Args:
        lengths: Of each row, in the tensor that the model is given.
        width: That tensor's.
        device: Where it lies.
    """

    def __init__(self, lengths: Sequence[int], width: int, device: Any) -> None:
        """Know the first layer."""
        self._lengths = {width: list(lengths)}
        self._masks: dict[int, Tensor] = {}
        self._there: dict[tuple[int, ...], Tensor] = {}  # lengths that lie on the device
        self._device = device

    def at(self, width: int) -> list[int]:
        """The lengths of the rows of a tensor that is `width` columns wide."""
        return self._lengths[width]

    def become(self, before: int, after: int, length: Callable[[int], int]) -> None:
        """Say that a layer makes `after` columns of `before`, and how long it makes a row."""
        self._lengths[after] = [length(n) for n in self._lengths[before]]
        self._masks.pop(after, None)

    def tensor(self, width: int) -> "Tensor":
        """The lengths `[B, 1]` on the device."""
        return self._sent(self.at(width))

    def mask(self, width: int) -> "Tensor":
        """Which columns of a tensor that is `width` wide belong to the rows: `[B, 1, width]`."""
        import torch

        if width not in self._masks:
            columns = torch.arange(width, device=self._device)
            self._masks[width] = (columns < self.tensor(width))[:, None]
        return self._masks[width]

    def cut(self, values: "Tensor") -> "Tensor":
        """Put zeros behind the rows of `[B, C, T]`, in place: nobody reads what lies there."""
        return values.masked_fill_(~self.mask(values.shape[-1]), 0)

    def reflect(self, values: "Tensor", left: int, right: Callable[[int], int]) -> "Tensor":
        """Fill up both ends of each row by reflection, as transformers fills up a clip.

        A row too short to be reflected gets zeros at its end first.

        Args:
            values: The rows: `[B, C, T]`.
            left: Columns before each row.
            right: Columns behind a row of a length.
        """
        import torch

        width = values.shape[-1]
        lengths = self.at(width)
        ends = [max(n, left + 1, right(n) + 1) for n in lengths]
        length, end = self.tensor(width), self._sent(ends)
        columns = (torch.arange(-left, width + right(width), device=self._device)).abs()
        source = torch.where(columns < end, columns, 2 * (end - 1) - columns)[:, None]
        index = torch.minimum(source.clamp(min=0), length[:, None] - 1)
        filled = values.gather(-1, index.expand(-1, values.shape[1], -1))
        if ends != lengths:
            filled = filled.masked_fill(source >= length[:, None], 0)
        return filled

    def _sent(self, lengths: Sequence[int]) -> "Tensor":
        import torch

        key = tuple(lengths)
        if key not in self._there:
            self._there[key] = torch.tensor(key).to(self._device, non_blocking=True)[:, None]
        return self._there[key]


@contextmanager
def alone(model: "nn.Module", lengths: Sequence[int], width: int) -> Iterator[Rows | None]:
    """Let each row of the batches that a model is given end where its clip ends.

    Known are convolutions that fill up with zeros, those of transformers' ports of SEANet, which
    do it by reflection, and group norms. A layer that looks along the time otherwise, as attention
    does, is the caller's to change.

    Args:
        model: The model.
        lengths: Of each row of what it is given: samples, or frames of codes.
        width: How many columns it is given.

    Yields:
        The lengths at each layer, as far as the model has come; None where each row is full.
    """
    if all(length == width for length in lengths):
        yield None
        return
    from torch import nn

    rows = Rows(lengths, width, next(model.parameters()).device)
    with ExitStack() as stack:
        filled = [module for module in model.modules() if hasattr(module, "_pad1d")]
        for module in filled:
            stack.enter_context(replaced(module, "_pad1d", _filler(rows, module)))
        inside = {id(module.conv) for module in filled}
        for module in model.modules():
            hooks = []
            if isinstance(module, nn.GroupNorm):
                hooks = [module.register_forward_hook(_normed(rows))]
            elif hasattr(module, "trim_right_ratio"):  # a transposed convolution's ends cut off
                hooks = [module.register_forward_hook(_multiplied(rows))]
            elif isinstance(module, nn.Conv1d | nn.ConvTranspose1d) and id(module) not in inside:
                hooks = [module.register_forward_hook(_counted(rows))]
                if module.kernel_size != (1,):
                    hooks += [module.register_forward_pre_hook(_cut(rows))]
            for hook in hooks:
                stack.callback(hook.remove)
        yield rows


@contextmanager
def replaced(module: Any, name: str, method: Callable[..., Any]) -> Iterator[None]:
    """Let one object have another method than its class."""
    setattr(module, name, method)
    try:
        yield
    finally:
        delattr(module, name)


def _filler(rows: Rows, module: Any) -> Callable[..., "Tensor"]:
    """What a module of transformers fills up a batch with, before its convolution."""
    [stride], [kernel], [dilation] = (
        module.conv.stride,
        module.conv.kernel_size,
        module.conv.dilation,
    )
    both = (kernel - 1) * dilation + 1 - stride
    right = 0 if module.causal else both // 2

    def fill(values: "Tensor", paddings: Any, mode: str = "zero", value: float = 0.0) -> "Tensor":
        from torch.nn.functional import pad

        width = values.shape[-1]
        rows.become(width, -(-width // stride), lambda length: -(-length // stride))
        if mode == "reflect":
            return rows.reflect(values, both - right, lambda length: right + -length % stride)
        return pad(rows.cut(values), [int(n) for n in paddings], mode, value)

    return fill


def _cut(rows: Rows) -> Callable[..., None]:
    """A hook for what fills up with zeros: behind the rows there are some, too."""

    def hook(_: Any, given: Any) -> None:
        rows.cut(given[0])

    return hook


def _multiplied(rows: Rows) -> Callable[..., None]:
    """A hook for what makes several columns of each, whatever it does inside."""

    def hook(_: Any, given: Any, made: Any) -> None:
        before, after = given[0].shape[-1], made.shape[-1]
        rows.become(before, after, lambda length: length * after // before)

    return hook


def _counted(rows: Rows) -> Callable[..., None]:
    """A hook for a convolution, which makes as many columns as PyTorch's documentation says."""

    def hook(conv: Any, given: Any, made: Any) -> None:
        stride: int = conv.stride[0]
        span: int = (conv.kernel_size[0] - 1) * conv.dilation[0] - 2 * conv.padding[0]
        more: int = span + conv.output_padding[0]

        def length(before: int) -> int:
            if conv.transposed:
                return (before - 1) * stride + more + 1
            return (before - 1 - span) // stride + 1

        rows.become(given[0].shape[-1], made.shape[-1], length)

    return hook


def _normed(rows: Rows) -> Callable[..., "Tensor"]:
    """A hook for a group norm, whose mean and variance are of each row alone."""
    import torch

    def hook(norm: Any, given: Any, _: Any) -> "Tensor":
        values = given[0].to(torch.promote_types(given[0].dtype, torch.float32))
        clips, channels, width = values.shape
        mask = rows.mask(width)
        count = (rows.tensor(width) * (channels // norm.num_groups))[..., None]
        grouped = (values * mask).view(clips, norm.num_groups, -1)
        mean = grouped.sum(-1, keepdim=True) / count
        apart = (grouped - mean).view_as(values) * mask
        squares = apart.square().view_as(grouped).sum(-1, keepdim=True)
        scaled = (apart.view_as(grouped) / (squares / count + norm.eps).sqrt()).view_as(values)
        made: Tensor = scaled * norm.weight[:, None] + norm.bias[:, None]
        return made

    return hook
