"""What there is to compute on: cores, and the device that neural codecs run on.

PyTorch is imported only where a device other than the CPU may be used.
"""

import os
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from almbench.errors import UserError
from almbench.packages import pip_install

CPU_BATCH = 1  # on a CPU, batches gain nothing
CUDA_BATCH = 16
CPU_THREADS, MOST_THREADS = 2, 16
NO_MEMORY = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


class Device:
    """A device, "cpu" or "cuda", with what the runner must know of it.

    Attributes:
        kind: cpu or cuda.
        name: Name for the results.
        batch: How many clips go through a codec at once, at most.
        threads: How many threads read clips for it and store what comes of them.
    """

    def __init__(self, kind: str, batch: int | None = None) -> None:
        """Look the device up.

        Args:
            kind: cpu or cuda.
            batch: How many clips go through a codec at once; by default 1 on a CPU, 16 on a GPU.
        """
        self.kind = kind
        self.name = kind
        self.batch = batch or CPU_BATCH
        self.threads = CPU_THREADS
        if kind == "cuda":
            import torch

            self.name = f"cuda ({torch.cuda.get_device_name()})"
            self.batch = batch or CUDA_BATCH
            self.threads = min(max(cpu_count(), CPU_THREADS), MOST_THREADS)

    def synchronise(self) -> None:
        """Wait until the device has done all it was given, so that a clock tells the truth."""
        if self.kind == "cuda":
            import torch

            torch.cuda.synchronize()

    def reset_peak(self) -> None:
        """Begin to watch the memory anew."""
        if self.kind == "cuda":
            import torch

            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def peak_mb(self) -> int | None:
        """Most memory that tensors took on the device since `reset_peak`, in MB."""
        if self.kind != "cuda":
            return None
        import torch

        return int(torch.cuda.max_memory_allocated() // 2**20)

    def free(self) -> None:
        """Give memory back after a batch that did not fit."""
        if self.kind == "cuda":
            import torch

            torch.cuda.empty_cache()


_EARLIER_PEAKS: list[int] = []  # in MB, before each reset


def reset_process_peak(process: Path = Path("/proc/self")) -> None:
    """Begin to watch this process's resident memory anew, where the system can (Linux)."""
    if (peak := process_peak_mb(process)) is not None:
        _EARLIER_PEAKS.append(peak)
    with suppress(OSError):
        (process / "clear_refs").write_text("5", encoding="ascii")


def process_peak_mb(process: Path = Path("/proc/self")) -> int | None:
    """Most resident memory of this process since `reset_process_peak`, in MB; None if not told."""
    try:
        status = (process / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) // 2**10 if found else None


def highest_process_peak_mb(process: Path = Path("/proc/self")) -> int | None:
    """Most resident memory of this process since it began, in MB; None if not told.

    That of `getrusage` begins at the peak of whatever started the process.
    """
    peak = process_peak_mb(process)
    return None if peak is None else max(peak, *_EARLIER_PEAKS, 0)


def choose(wanted: str, *, used: bool, batch: int | None = None) -> Device:
    """Choose the device.

    Args:
        wanted: auto, cpu or cuda.
        used: Whether any codec of the run would use a device other than the CPU.
        batch: How many clips go through a codec at once; by default 1 on a CPU, 16 on a GPU.

    Raises:
        UserError: CUDA was asked for and is not there.
    """
    if wanted == "cpu" or (wanted == "auto" and not used):
        return Device("cpu", batch)
    if find_spec("torch") is None:
        if wanted == "cuda":
            install = pip_install("'almbench[neural]'")
            raise UserError(
                "--device cuda needs PyTorch, which is not installed. "
                f"To fix: {install}, or use --device cpu."
            )
        return Device("cpu", batch)
    import torch

    if torch.cuda.is_available():
        return Device("cuda", batch)
    if wanted == "cuda":
        raise UserError(
            "--device cuda: PyTorch sees no CUDA device here. Use --device cpu, or auto."
        )
    return Device("cpu", batch)


def cpu_count(cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the cores that this process may use: fewer than there are in a container, for example.

    Args:
        cgroups: Where Linux tells the share of the cores that a container may use.
    """
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    try:  # version 2 of control groups has a file "QUOTA PERIOD", version 1 a file for each
        if (limit := cgroups / "cpu.max").is_file():
            quota, period = limit.read_text(encoding="ascii").split()
        else:
            quota, period = (
                (cgroups / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii")
                for name in ("quota", "period")
            )
        share = -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no limit, said as "max" or not at all
        return cores
    return min(cores, share) if share > 0 else cores


def share_cores(environment: MutableMapping[str, str]) -> None:
    """Let PyTorch's threads, before it is imported, wait for each other without holding a core.

    OpenMP's threads (GCC's, as on Linux) wait awake for milliseconds, hundreds of times a clip.
    Where other programs want the cores, a core is spent on waiting for a thread that it keeps from
    running. A thousand looks, which is what OpenMP itself takes when it knows of too few cores,
    bridge the gaps between operations. In a container, there are no more threads than cores that
    it may use.

    Args:
        environment: Environment variables; what they say already is kept.
    """
    if not environment.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}:
        environment["GOMP_SPINCOUNT"] = "1000"
    if sys.platform == "linux" and (cores := cpu_count()) < len(os.sched_getaffinity(0)):
        environment.setdefault("OMP_NUM_THREADS", str(cores))


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory was too small: PyTorch has several."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in NO_MEMORY)
