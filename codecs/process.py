"""A worker program: another process that is asked, and answers, by lines of JSON."""

import json
import os
import selectors
import signal
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from almbench.errors import CodecError

LONGEST_LINE = 2**20  # bytes; an answer is a few hundred
PATIENCE_S = 5.0  # that a worker has to end after its input did
POLL_S = 1.0  # between looks at the log of a worker that takes its time
MOST_LOG = 2**24  # bytes of the log; what is beyond begins it anew
TAIL_LINES = 3
TAIL_BYTES = 4096


class CrashError(CodecError):
    """The worker ended before it answered."""


class WorkerProcess:
    """A running worker. Whatever goes wrong with an answer ends it.

    Its standard error goes to a log. It ends with this object, and with this process.

    Attributes:
        log: The log's file.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        """Start the program.

        Args:
            command: Program and arguments.
            log: Where its standard error is appended; the folder is made.

        Raises:
            CodecError: It cannot be started.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        self._errors = log.open("a+b")
        self._begin = self._errors.seek(0, os.SEEK_END)
        self._unread = b""
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # so that its own children can be ended with it
            )
        except OSError as error:
            self._errors.close()
            raise CodecError(f"{command[0]} cannot be started: {error.strerror}") from error
        self._finish = weakref.finalize(self, _end, self._process, self._errors)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._finish.alive

    def ask(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send a line and wait for the line that answers it.

        Raises:
            CrashError: The worker ended.
            CodecError: It did not answer in time, or not with a JSON object.
        """
        try:
            self._send(message)
            line = self._line(seconds)
            try:
                answer = json.loads(line)
            except (ValueError, RecursionError):
                answer = None
            if not isinstance(answer, dict):
                shown = line[:80].decode(errors="replace")
                raise CodecError(
                    f"its worker's answer is no JSON object: {shown!r} (only answers may go to its "
                    f"standard output){self._tail()}"
                )
        except BaseException:  # Ctrl-C too: one that still owes an answer is of no more use
            self._finish()
            raise
        return answer

    def close(self) -> None:
        """End it: by the end of its input, or by force where it does not heed that."""
        family: list[int] = []
        if self.alive:
            family = _descendants(self._process.pid)  # nobody knows them when it has ended
            stdin, _ = _pipes(self._process)
            with suppress(OSError):
                stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE_S)
        self._finish()
        _kill(family)

    def _send(self, message: Mapping[str, Any]) -> None:
        stdin, _ = _pipes(self._process)
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
        except BrokenPipeError:
            raise self._crash() from None

    def _line(self, seconds: float) -> bytes:
        """Read a line; what follows it is kept for the next one."""
        _, stdout = _pipes(self._process)
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread and len(self._unread) < LONGEST_LINE:
                left = deadline - time.monotonic()
                self._trim()
                if not selector.select(max(0.0, min(left, POLL_S))):
                    if left > POLL_S:
                        continue
                    raise CodecError(f"its worker gave no answer in {seconds:g} s{self._tail()}")
                part = stdout.read(2**16)
                if not part:
                    raise self._crash()
                self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _trim(self) -> None:
        """Keep the end of a log that has become too long; who writes to it goes on after that."""
        size = os.fstat(self._errors.fileno()).st_size
        if size > MOST_LOG:
            self._errors.seek(size - TAIL_BYTES)
            last = self._errors.read()
            self._errors.truncate(0)
            self._errors.write(last)  # to the end, as it is open for appending
            self._errors.flush()
            self._begin = 0

    def _crash(self) -> CrashError:
        """Say how it ended."""
        try:
            status = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            return CrashError(f"its worker closed its output{self._tail()}")
        how = f"with exit status {status}"
        if status < 0:
            how = f"by signal {signal.Signals(-status).name}"
        return CrashError(f"its worker ended {how}{self._tail()}")

    def _tail(self) -> str:
        """The last lines that it wrote to the log, as an end of a sentence."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(self._begin, size - TAIL_BYTES))
        lines = self._errors.read().decode(errors="replace").splitlines()
        # The places of a traceback are left out: reasons are published, the log stays here.
        told = [line.strip() for line in lines if not line.lstrip().startswith("File ")]
        last = [line for line in told if line][-TAIL_LINES:]
        return ": " + " | ".join(last) if last else ""


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None  # noqa: S101 - for the type checker
    assert process.stdout is not None  # noqa: S101 - for the type checker
    return process.stdin, process.stdout


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    """End a process and its children at once, also those that left its session."""
    family = _descendants(process.pid)
    if os.name == "nt":  # where there are no groups of processes
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        _kill(family)
    for pipe in _pipes(process):
        with suppress(OSError):
            pipe.close()
    process.wait()
    errors.close()


def _kill(processes: Sequence[int]) -> None:
    for pid in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """The children of a process and theirs, where Linux says who they are."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listed.read_text(encoding="ascii").split()):
                found += [child, *_descendants(child)]
    return found
