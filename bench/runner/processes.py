"""Processes that score, which may die without harm to the one that asks."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.context import BaseContext
from threading import current_thread, main_thread
from typing import Any, TypeVar

from pebble import ProcessPool

from almbench.caches import ensure_numba_cache
from almbench.errors import UserError
from almbench.interrupts import interrupts_deferred
from almbench.runner import worker

T = TypeVar("T")
POLL_S = 0.5  # seconds between looks whether there is something to do


@contextmanager
def scoring_processes(count: int, context: BaseContext | None = None) -> Iterator[ProcessPool]:
    """Start processes for `worker.score_pair`; they end with the block.

    Args:
        count: How many, each with one thread.
        context: How they start; each from nothing by default.

    Raises:
        UserError: None can be started.
    """
    ensure_numba_cache()  # once for all
    pool = ProcessPool(
        count,
        initializer=worker.start,
        initargs=[dict(os.environ)],
        context=context or get_context("spawn"),
    )
    try:
        with without_main():
            _start(pool)
            yield pool
    except RuntimeError as error:  # which a broken pool raises as such when given work
        if not isinstance(error, BrokenProcessPool) and pool.active:
            raise
        why = f" ({error.__cause__})" if error.__cause__ else ""
        raise UserError(
            f"No scoring process can be started here{why}: it ends before it begins, as where "
            "memory or the number of processes is limited. What is done is kept. To fix: raise the "
            f"limit, or take fewer processes ({count} now, --workers 1 at least), and run again."
        ) from error
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _start(pool: ProcessPool) -> None:
    """Start a pool's threads and processes, by asking for its state.

    Raises:
        BrokenProcessPool: That failed; the cause says why, where that is known.
    """
    try:
        with interrupts_blocked():
            if not pool.active:
                raise BrokenProcessPool
    except OSError as error:  # semaphores need /dev/shm
        raise BrokenProcessPool from error


def finished(pool: ProcessPool, futures: Iterable[Future[T]]) -> set[Future[T]]:
    """Wait a moment for one of the futures; those that are done by then, which may be none.

    Raises:
        BrokenProcessPool: They will never be done.
    """
    done = wait(futures, POLL_S, return_when=FIRST_COMPLETED).done
    if not done and not pool.active:  # it forgets work that no process has begun
        raise BrokenProcessPool
    return done


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Start threads and processes that are deaf to Ctrl-C from their first instruction.

    They inherit the mask of signals; `worker.start` comes too late for those that still import.
    Ctrl-C meanwhile waits until they are started, as half a start leaves tracebacks behind.
    """
    if not hasattr(signal, "pthread_sigmask") or current_thread() is not main_thread():
        yield
        return
    resource_tracker.ensure_running()  # else it starts later, and lifts the mask
    with interrupts_deferred():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def without_main() -> Iterator[None]:
    """Let new processes not import the main module again.

    Scoring needs nothing of it, and a caller's script that does not ask for its `__name__` would
    run once more in each process.
    """
    main: Any = sys.modules["__main__"]
    hidden = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    vars(main).update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        vars(main).update(hidden)
