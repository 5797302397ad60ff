"""Who does what in a run folder that several processes share: claims of units of work.

A claim is a file that only one process can create; it names its worker. A worker's own file is
touched every few seconds: when that stops, or when its process is gone, its claims are anyone's.
Two workers that did one unit all the same, as after a pause of minutes, would write the same rows.
"""

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from filelock import FileLock
from pydantic import BaseModel, ValidationError

from almbench.atomic import write_atomically

BEAT_S = 10.0  # between the signs of life of a worker
EXPIRY_S = 120.0  # without one; file systems of networks show them up to a minute late
UNSIGNED_S = 5.0  # for a claim to name its worker
WORKER = "worker-"


class _Process(BaseModel):
    """Which process a worker is: the machine, its number there, and when it was started."""

    machine: str
    pid: int
    started: str


class Claims:
    """The claims of one worker.

    Args:
        root: The run folder.
    """

    def __init__(self, root: Path) -> None:
        """Begin with no claim."""
        self.worker = uuid4().hex[:12]
        self._folder = root / ".claims"
        self._lock = FileLock(root / ".lock", thread_local=False)
        self._own = self._folder / f"{WORKER}{self.worker}"
        self._ended = Event()
        self._beats = Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        """Show that this worker is there."""
        me = _Process(machine=_machine(), pid=os.getpid(), started=_started(os.getpid()))
        with self._lock:
            write_atomically(self._own, me.model_dump_json().encode())
        self._beats.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Give up all claims; the last worker to go tidies up."""
        self._ended.set()
        with self._lock:
            self._own.unlink(missing_ok=True)
            if not self.others():
                for path in [*self._folder.iterdir()]:
                    path.unlink(missing_ok=True)
                self._folder.rmdir()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other workers from coming and going."""
        with self._lock:
            yield

    def others(self) -> list[str]:
        """The other workers that are alive."""
        names = [path.name.removeprefix(WORKER) for path in self._folder.glob(f"{WORKER}*")]
        return [name for name in names if name != self.worker and self._lives(name)]

    def take(self, unit: str) -> bool:
        """Claim a unit; False where another worker that is alive has it.

        Args:
            unit: Id of the unit, safe as a file name.
        """
        path = self._folder / unit
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(self.worker)
        except FileExistsError:
            pass
        else:
            return True
        if self._is_held(path):
            return False
        with self._lock:  # only one may take it over
            if self._is_held(path):
                return False
            write_atomically(path, self.worker.encode())
            return True

    def release(self, unit: str) -> None:
        """Give a claim up, as when its unit is done."""
        (self._folder / unit).unlink(missing_ok=True)

    def _is_held(self, path: Path) -> bool:
        try:
            owner = path.read_text(encoding="utf-8")
            return self._lives(owner) if owner else self._age(path) < UNSIGNED_S
        except OSError:
            return False  # given up just now

    def _lives(self, worker: str) -> bool:
        return worker == self.worker or _lives(self._folder / f"{WORKER}{worker}", self._age)

    def _age(self, path: Path) -> float:
        """Seconds since a file was touched, by the clock of the file system alone."""
        self._touch()
        return self._own.stat().st_mtime - path.stat().st_mtime

    def _touch(self) -> None:
        with suppress(OSError):  # a disk that is away for a moment
            os.utime(self._own)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            self._touch()


def claimed(root: Path) -> dict[str, str]:
    """What is claimed in a run folder, seen from outside: nothing is written.

    Returns:
        Id of a unit -> the worker that has it and is alive, by the clock of this machine.
    """
    folder = root / ".claims"
    units: dict[str, str] = {}
    for path in folder.glob("[!.]*"):
        if not path.name.startswith(WORKER):
            with suppress(OSError):  # given up just now
                units[path.name] = path.read_text(encoding="utf-8")
    alive = {
        worker
        for worker in set(units.values())
        if _lives(folder / f"{WORKER}{worker}", lambda path: time.time() - path.stat().st_mtime)
    }
    return {unit: worker for unit, worker in units.items() if worker in alive}


def _lives(path: Path, age: Callable[[Path], float]) -> bool:
    """Whether the worker whose file this is has not ended, nor been silent for long."""
    try:
        process = _Process.model_validate_json(path.read_bytes())
        if process.machine == _machine():
            return _started(process.pid) == process.started
        return age(path) < EXPIRY_S
    except (OSError, ValidationError):
        return False


def _machine() -> str:
    """Name what numbers processes: the booted system, and the container where there is one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _started(pid: int) -> str:
    """When a process was started, in ticks since boot; empty where none runs by this number."""
    try:
        stat: Any = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() or not _exists(pid) else "unknown"
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else str(fields[19])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
