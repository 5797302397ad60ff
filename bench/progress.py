"""Progress of long work: a bar in a terminal, now and then a plain line elsewhere."""

import time
from collections.abc import Callable, Iterator
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


def note(text: str) -> None:
    """Print a line that is to be seen before the stages."""
    console.print(text, markup=False)


@contextmanager
def display() -> Iterator[Callable[[str, int, str], Stage]]:
    """Show stages, several at once if need be, while the `with` block runs.

    Yields:
        A function that begins a stage: its name, such as "Scoring"; the steps to do; what a step
        is, in the plural.
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
            yield lambda name, total, unit: _Bar(progress, name, total, unit)
    else:
        yield _Lines


@contextmanager
def stage(name: str, total: int, unit: str) -> Iterator[Stage]:
    """Show a single stage while the `with` block runs; the arguments are those of `display`."""
    with display() as begin:
        yield begin(name, total, unit)


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
        if not total:
            self._print(0.0)

    def advance(self, steps: int = 1) -> None:
        if not steps:
            return
        self._done += steps
        now = time.monotonic()
        if self._done >= self._total:
            self._print(now - self._start)
        elif now - self._last >= LINE_EVERY_S:
            self._last = now
            rate = self._done / (now - self._start)
            left = (self._total - self._done) / rate
            console.print(
                f"{self._name}: {self._done}/{self._total} {self._unit}, "
                f"{rate:.1f}/s, {left:.0f} s left"
            )

    def _print(self, seconds: float) -> None:
        console.print(f"{self._name}: {self._done}/{self._total} {self._unit} in {seconds:.1f} s")
