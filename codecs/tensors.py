"""Arrays to a device and back, and the precision of what it computes."""

import ctypes
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor, nn

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
Dtype = Literal["float32", "tf32", "bfloat16"]


def pack(batch: Sequence[Samples], width: int, device: str) -> "Tensor":
    """Bring clips to a device, padded with zeros: `[B, 1, width]`."""
    import torch

    rows = torch.empty((len(batch), 1, width), pin_memory=device != "cpu")
    for row, samples in zip(rows.numpy(), batch, strict=True):
        row[0, : len(samples)] = samples
        row[0, len(samples) :] = 0.0
    return rows.to(device, non_blocking=True)


def round_up(count: int) -> int:
    """Round up to four significant bits, so by an eighth at most, and 6 % on average.

    A GPU needs a new plan for each convolution of each width that it is given, which takes longer
    than to code a short clip (1 to 2.6 ms a convolution, on an H200): of widths from n to 2 n there
    are eight.
    """
    step = 1 << max(count.bit_length() - 4, 0)
    return -(-count // step) * step


def send(values: NDArray[Any], device: str) -> "Tensor":
    """Bring values to a device: to a GPU from pinned memory, which it reads by itself."""
    import torch

    held = torch.from_numpy(values)
    if device == "cpu":
        return held
    return held.pin_memory().to(device, non_blocking=True)


def fetch(values: "Tensor") -> NDArray[Any]:
    """Bring values from their device, from a GPU into pinned memory; bfloat16 as float32."""
    import torch

    values = values.float() if values.is_floating_point() else values
    if values.device.type == "cpu":
        return values.numpy()
    held = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return held.copy_(values).numpy()


def keep_sizes_on_host(model: "nn.Module") -> None:
    """Bring the sizes back that convolutions of transformers fill up by, kept as buffers there.

    On a GPU, each look at them would wait until it has done all it was given.
    """
    for module in model.modules():
        if hasattr(module, "_pad1d"):
            for name in ("stride", "kernel_size", "padding_total"):
                setattr(module, name, getattr(module, name).cpu())


def keep_memory(*, kept: bool) -> None:
    """Let glibc keep large pieces of memory that are given back, for the next operation, or not.

    By default it returns each to the system, which fills the next with zeros, page by page: a
    quarter of a convolutional codec's time on a CPU.

    Args:
        kept: Whether; if not, what is free goes back at once, and the limits are those that glibc
            comes to by itself.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):
        return
    libc.mallopt(M_MMAP_THRESHOLD, 2**30 if kept else 2**25)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1 if kept else 2**26)
    if not kept:
        libc.malloc_trim(0)


def allow_tf32(dtype: Dtype, device: str) -> None:
    """Let a GPU's products be rounded to TF32 where that is wanted, and only there.

    PyTorch allows it for convolutions by default, which changes codes.

    Raises:
        Unavailable: It is wanted of a CPU.
    """
    import torch

    rounded = dtype == "tf32"
    if rounded and device == "cpu":
        raise Unavailable(
            "dtype = 'tf32' is for GPUs. To fix: use --device cuda, or dtype = 'float32'."
        )
    torch.backends.cuda.matmul.allow_tf32 = rounded
    torch.backends.cudnn.allow_tf32 = rounded


def precision(dtype: Dtype, device: str) -> AbstractContextManager[Any]:
    """Let products run in bfloat16 where that is wanted."""
    import torch

    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=dtype == "bfloat16")
