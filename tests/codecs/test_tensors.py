"""Memory of neural codecs."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc alone is told so")


def test_memory_is_kept_between_operations_and_goes_back_when_a_codec_goes() -> None:
    pytest.importorskip("torch", reason="pip install 'almbench[neural]'")
    code = (  # in a process of its own, whose memory no other test has touched
        "import resource, torch\n"
        "from almbench.codecs.tensors import keep_memory\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(5):\n"
        "        torch.ones(2**24).sum()\n"  # 64 MB
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "keep_memory(kept=True)\n"
        "faults()\n"
        "print(faults())\n"
        "keep_memory(kept=False)\n"
        "print(faults())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, returned = map(int, done.stdout.split())
    assert 2 * kept < returned
