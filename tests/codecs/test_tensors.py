"""Memory of neural codecs."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc alone is told so")


def test_memory_is_kept_between_operations_and_goes_back_when_a_codec_goes() -> None:
    pytest.importorskip("torch", reason="pip install 'almbench[neural]'")
    code = (  # in a process of its own, whose memory no other test has touched
        "import psutil, resource, torch\n"
        "from almbench.codecs.tensors import keep_memory\n"
        "def resident():\n"
        "    return psutil.Process().memory_info().rss\n"
        "def faults(times):\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(times):\n"
        "        torch.ones(2**24).sum()\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "keep_memory(kept=True)\n"
        "faults(20)\n"  # the first few find no piece that is long enough once it is aligned
        "print(faults(5), resident())\n"
        "keep_memory(kept=False)\n"
        "print(resident(), faults(5))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, full, left, returned = map(int, done.stdout.split())
    pages = 2**26 // os.sysconf("SC_PAGESIZE")  # of one tensor, 64 MB
    assert kept < pages // 2
    assert full - left > 2**25
    assert returned > pages // 2
