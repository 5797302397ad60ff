"""Progress of long work: a bar in a terminal, now and then a plain line elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True, highlight=False, soft_wrap=True)
LINE_EVERY_S = 10.0


class Stage(Protocol):
    """A stage under way."""

    def advance(self, steps: int = 1) -> None:
        """Report that steps are done."""


@contextmanager
def stage(name: str, total: int, unit: str) -> Iterator[Stage]:
    """Show the progress of a stage while the `with` block runs.

    Args:
        name: What is being done, such as "Scoring".
        total: Steps to do.
        unit: What a step is, in the plural.
    """
    if console.is_terminal:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}  {task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            yield _Bar(progress, name, total, unit)
    else:
        lines = _Lines(name, total, unit)
        yield lines
        lines.finish()


class _Bar:
    def __init__(self, progress: Progress, name: str, total: int, unit: str) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=total, unit=unit, rate="")

    def advance(self, steps: int = 1) -> None:
        speed = self._progress.tasks[self._task].speed
        rate = f"{speed:.1f}/s" if speed else ""
        self._progress.update(self._task, advance=steps, rate=rate)


class _Lines:
    def __init__(self, name: str, total: int, unit: str) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._done = 0
        self._start = self._last = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._last >= LINE_EVERY_S and self._done < self._total:
            self._last = now
            rate = self._done / (now - self._start)
            left = (self._total - self._done) / rate
            console.print(
                f"{self._name}: {self._done}/{self._total} {self._unit}, "
                f"{rate:.1f}/s, {left:.0f} s left"
            )

    def finish(self) -> None:
        seconds = time.monotonic() - self._start
        console.print(f"{self._name}: {self._done}/{self._total} {self._unit} in {seconds:.1f} s")
