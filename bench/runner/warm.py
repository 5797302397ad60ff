"""The process that scoring processes are forked from, where the system can fork."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Self

from almbench.caches import ensure_numba_cache
from almbench.runner.processes import interrupts_blocked, without_main
from almbench.runner.worker import SCORED

PRELOAD = "almbench.runner.preload"


class WarmServer:
    """A process that has imported what scoring needs; others are forked from it.

    Python has one such server for all that is forked this way. One that the caller's program runs
    already is left alone, as is any system but Linux: processes start from nothing then.

    Args:
        scored: The metrics that it imports for, and domains for their default ones; by default, of
            all domains.
    """

    def __init__(self, scored: Iterable[str] = ()) -> None:
        """Start it; it imports while the caller goes on."""
        ensure_numba_cache()  # once for all processes
        server: Any = forkserver._forkserver
        self._server = server if sys.platform == "linux" and not server._forkserver_pid else None
        self._used = False
        if self._server:
            before = self._server._preload_modules
            forkserver.set_forkserver_preload([PRELOAD])
            os.environ[SCORED] = " ".join(filter(str.isidentifier, scored))
            try:
                with interrupts_blocked():
                    forkserver.ensure_running()
            except OSError:  # such as a folder for temporary files whose path a socket cannot hold
                self._server = None
            finally:
                server._preload_modules = before
                del os.environ[SCORED]

    def context(self) -> BaseContext:
        """Say how to start a process, once the server has imported all."""
        if self._server:
            forked = multiprocessing.get_context("forkserver")
            try:
                with without_main(), interrupts_blocked():
                    process = forked.Process(target=int)
                    process.start()
                    process.join()
            except (OSError, EOFError):
                self.stop()  # it has ended: where it cannot run, processes may yet
            else:
                self._used = True
                return forked
        return multiprocessing.get_context("spawn")

    def stop(self) -> None:
        """End it, so that the caller's program does not fork from it later.

        What its processes took of the machine counts as this process's children's from then on. One
        that nobody asked for a process is not left to finish its imports.
        """
        if self._server:
            if not self._used:
                with suppress(OSError):
                    os.kill(self._server._forkserver_pid, signal.SIGKILL)
            self._server._stop()
            self._server = None

    def __enter__(self) -> Self:
        """Enter a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """End it, if that is not done."""
        self.stop()
