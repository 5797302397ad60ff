"""Arrays to a device and back, and the precision of what it computes."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor

Dtype = Literal["float32", "tf32", "bfloat16"]


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
