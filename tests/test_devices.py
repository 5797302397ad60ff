"""How many cores and which device there are to compute on."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from almbench import devices
from almbench.devices import (
    Device,
    choose,
    cpu_count,
    out_of_memory,
    process_peak_mb,
    reset_process_peak,
    share_cores,
)
from almbench.errors import UserError


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine of eight cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    return 8


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text + "\n")
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "20000 100000"}, 1),
        ({"cpu.max": "3200000 100000"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "0"}, 8),
    ],
)
def test_a_container_s_share_limits_the_cores(
    cores: int, tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    assert expected <= cores
    assert cpu_count(write(tmp_path, files)) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can bind a process to a core")
def test_a_process_bound_to_a_core_has_one() -> None:
    code = (
        "import os; from almbench.devices import cpu_count\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(cpu_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another OpenMP")
def test_threads_that_share_a_core_take_no_time_to_wait() -> None:
    pytest.importorskip("torch", reason="it is PyTorch's threads that wait")
    code = (
        "import os, time, torch\n"
        "torch.set_num_threads(2)\n"
        "sound = torch.rand(200_000)\n"
        "sound * sound\n"
        "for thread in os.listdir('/proc/self/task'):\n"
        "    os.sched_setaffinity(int(thread), {min(os.sched_getaffinity(0))})\n"
        "begin = time.process_time()\n"
        "for _ in range(100): sound * sound\n"
        "print(time.process_time() - begin)"
    )
    alone = {k: v for k, v in os.environ.items() if k not in {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}}
    shared = alone.copy()
    share_cores(shared)
    awake, asleep = (
        float(subprocess.check_output([sys.executable, "-c", code], env=environment))
        for environment in (alone, shared)
    )
    assert asleep < awake / 5


@pytest.mark.usefixtures("cores")
def test_what_the_user_says_of_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ({"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "5"}):
        environment = said.copy()
        share_cores(environment)
        assert environment == said
    monkeypatch.setattr(devices, "cpu_count", lambda: 3)
    environment = {}
    share_cores(environment)
    assert environment["OMP_NUM_THREADS"] == "3"
    environment = {"OMP_NUM_THREADS": "5"}
    share_cores(environment)
    assert environment["OMP_NUM_THREADS"] == "5"


def test_without_pytorch_there_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "find_spec", lambda _: None)
    assert choose("auto", used=True).kind == "cpu"
    with pytest.raises(UserError, match=r"pip install .*'almbench\[neural\]'"):
        choose("cuda", used=True)


def test_peak_of_the_process_is_watched_anew() -> None:
    if process_peak_mb() is None:
        pytest.skip("the system does not tell a process's peak memory")
    code = (  # in a process of its own: what others gave back would be taken again
        "import numpy as np\n"
        "from almbench.devices import highest_process_peak_mb\n"
        "from almbench.devices import process_peak_mb, reset_process_peak\n"
        "from almbench.runner.work import _peak_memory\n"
        "reset_process_peak()\n"
        "print(process_peak_mb())\n"
        "held = np.ones(40 * 2**20 // 8)\n"  # 40 MB, touched
        "print(process_peak_mb())\n"
        "del held\n"
        "reset_process_peak()\n"
        "print(process_peak_mb())\n"
        "print(highest_process_peak_mb(), _peak_memory().main)\n"
    )
    held = np.ones(2**30 // 8)  # 1 GB: the peak of who starts a process is not that process's
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, during, after, highest, of_the_run = map(int, done.stdout.split())
    assert during >= before + 35
    assert after < during - 30
    # The system counts a processor's last pages late, so that a peak may be read as a little less.
    assert during - 2 <= highest == of_the_run < held.nbytes // 2**20


def test_no_peak_where_the_system_does_not_tell(tmp_path: Path) -> None:
    reset_process_peak(tmp_path)
    assert process_peak_mb(tmp_path / "gone") is None
    (tmp_path / "status").write_text("Name:\tx\n")
    assert process_peak_mb(tmp_path) is None


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_that_is_too_small_is_told_from_other_errors(error: Exception, is_one: bool) -> None:
    assert out_of_memory(error) is is_one


def test_a_device_holds_as_many_clips_as_asked_for() -> None:
    assert (Device("cpu").batch, Device("cpu", 7).batch) == (1, 7)
    assert choose("cpu", used=True, batch=7).batch == 7
