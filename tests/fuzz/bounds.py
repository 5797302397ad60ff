"""A case under watch: does the program accept or refuse it, in bounded time and memory, and write
nothing outside of its folder?
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from almbench.cli.main import DISK_FAULTS
from almbench.errors import AlmbenchError

CPU_S = 10.0
WALL_S = 60.0  # a machine may be busy
MOST_MB = 2048
LONGEST_LINE = 1500  # characters of a message
MOST_LINES = 30  # of a message, a mistake each
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# What the interpreter tells of: which of its arguments are paths that are written to.
WRITES = {
    "os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2,
    "os.truncate": 1, "os.chmod": 1, "os.chown": 1, "os.utime": 1,
}  # fmt: skip
RUNS = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class"}

FAULTS = {
    "traceback": "tracebacks", "hang": "hangs", "excess": "excesses",
    "write outside": "writes outside",
}  # fmt: skip


@dataclass
class Outcome:
    """What became of a case.

    Attributes:
        accepted: Whether the program took the input; else it refused it.
        fault: What it must not do and did, of `FAULTS`; empty for nothing.
        place: Where, as short as can be: faults of one place count as one.
        told: All there is to say of it.
    """

    accepted: bool = True
    fault: str = ""
    place: str = ""
    told: str = ""


class _TooLongError(BaseException):
    """Not an `Exception`, so that nothing catches it on the way."""


@dataclass
class _Watch:
    """What is noted while a case runs."""

    allowed: tuple[str, ...]
    programs: bool
    outside: list[str] = field(default_factory=list)

    def note(self, path: Any) -> None:
        if isinstance(path, int) or path is None:
            return
        real = os.path.realpath(os.fsdecode(path))
        if real == os.devnull or "__pycache__" in real.split("/"):  # of Python and numba
            return
        if not real.startswith(self.allowed):
            self.outside.append(real)


_watches: list[_Watch] = []
_hooked: list[bool] = []


def _listen(event: str, args: tuple[Any, ...]) -> None:
    if not _watches:
        return
    watch = _watches[-1]
    if event == "open":
        path, _, flags = args
        if isinstance(flags, int) and flags & WRITING:
            watch.note(path)
    elif event in WRITES:
        if not any(isinstance(one, int) and one >= 0 for one in args[-1:]):  # relative to a folder
            for path in args[: WRITES[event]]:
                watch.note(path)
    elif event in RUNS and not watch.programs:
        watch.outside.append(f"code was run: {event} {args!r:.200}")


@contextmanager
def _watched(allowed: tuple[Path, ...], programs: bool) -> Iterator[_Watch]:
    if not _hooked:
        sys.addaudithook(_listen)  # which stays as long as the interpreter
        _hooked.append(True)
    watch = _Watch(tuple(f"{path.resolve()}/" for path in allowed), programs)
    _watches.append(watch)
    try:
        yield watch
    finally:
        _watches.remove(watch)


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop), signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_REAL, WALL_S, 1)  # again, where a callback swallowed it
    signal.setitimer(signal.ITIMER_PROF, CPU_S, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGALRM, before[0])
        signal.signal(signal.SIGPROF, before[1])


def _memory(name: str) -> float:
    """VmRSS, or its peak VmHWM, of this process in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) / 1024


def try_case(
    use: Callable[[], object], allowed: tuple[Path, ...], *, programs: bool = False
) -> Outcome:
    """Run a case.

    Args:
        use: What the program does with the input.
        allowed: Folders that may be written to.
        programs: Whether other programs may be started.
    """
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    start = time.process_time()
    outcome = Outcome()
    with _watched(allowed, programs) as watch:
        try:
            with _in_time():
                use()
        except AlmbenchError as error:
            outcome = _refused(error)
        except _TooLongError as error:
            outcome = Outcome(False, "hang", _place(error), traceback.format_exc())
        except OSError as error:
            if error.errno not in DISK_FAULTS:
                outcome = _failed(error)
            outcome.accepted = False
        except (Exception, SystemExit) as error:
            outcome = _failed(error)
    taken, seconds = _memory("VmHWM") - before, time.process_time() - start
    if watch.outside:
        outcome = Outcome(False, "write outside", watch.outside[0], "\n".join(watch.outside))
    elif taken > MOST_MB:
        outcome = Outcome(False, "excess", "memory", f"{taken:.0f} MB\n{outcome.told}")
    elif seconds > CPU_S and not outcome.fault:
        outcome = Outcome(False, "hang", "time", f"{seconds:.0f} s of the processor")
    return outcome


def _refused(error: AlmbenchError) -> Outcome:
    """A refusal is a line for each mistake, and none of endless length."""
    lines = str(error).split("\n")
    if len(lines) <= MOST_LINES and all(0 < len(line) <= LONGEST_LINE for line in lines):
        return Outcome(False)
    place = f"a message of odd form, {_place(error)}"
    return Outcome(False, "traceback", place, repr(error)[:4000])


def _failed(error: BaseException) -> Outcome:
    return Outcome(False, "traceback", f"{type(error).__name__}, {_place(error)}", _full(error))


def _full(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-6000:]


def _place(error: BaseException) -> str:
    """The last line of almbench that an error went through."""
    root = Path(__file__).resolve().parents[2]
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames
        if Path(frame.filename).resolve().is_relative_to(root)
        and "tests" not in Path(frame.filename).parts and ".venv" not in Path(frame.filename).parts
    ]  # fmt: skip
    last = own[-1] if own else frames[-1]
    return f"{Path(last.filename).name}:{last.name}"
