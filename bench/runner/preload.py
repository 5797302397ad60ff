"""What most scoring needs, imported once by the process that scoring processes are forked from.

Nothing named here may start a thread when it is imported: threads do not outlive a fork. Therefore
`ai_edge_litert` and `onnxruntime` are not among them, and PyTorch is not as few metrics need it.
"""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from types import TracebackType

from almbench.runner.worker import ONE_THREAD

MODULES = (
    "almbench.audio",
    "almbench.metrics.registry",
    "scipy.signal",
    "pesq",
    "pystoi",
    "webrtcvad",
    "visqol.api",
)


def _say_unless_left(
    kind: type[BaseException], error: BaseException, tb: TracebackType | None
) -> None:
    """Report why a process could not start, but not that its parent has ended meanwhile.

    What it was to begin with is gone then: half a message, a closed pipe, a semaphore's name.
    """
    if not issubclass(kind, EOFError | FileNotFoundError | ConnectionError):
        sys.__excepthook__(kind, error, tb)


sys.excepthook = _say_unless_left
os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # libraries ask when they are imported
for _module in MODULES:
    with suppress(Exception):  # the metric that needs it says what is wrong with it
        import_module(_module)
gc.collect()
gc.freeze()  # so that collecting garbage does not copy what the processes share
