"""What scoring needs, imported once by the process that scoring processes are forked from.

Nothing that it imports may start a thread: threads do not outlive a fork. Therefore the families of
other packages are not among it, and those of ours name what may be in `imports`.
"""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from types import TracebackType

from almbench.domains import DOMAINS
from almbench.runner.worker import ONE_THREAD, SCORED


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
from almbench.metrics.registry import FAMILIES, family  # noqa: E402 - which imports NumPy

_wanted = set(os.environ.get(SCORED, "").split() or DOMAINS)
for _name in FAMILIES:
    if any(m.name in _wanted or _wanted.intersection(m.default) for m in family(_name).metrics):
        for _module in family(_name).imports:
            with suppress(Exception):  # the metric that needs it says what is wrong with it
                import_module(_module)
gc.collect()
gc.freeze()  # so that collecting garbage does not copy what the processes share
