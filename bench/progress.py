"""Progress of long work: a bar in a terminal, now and then a plain line elsewhere."""

import time
from abc import ABC, abstractmethod
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
)

console = Console(stderr=True, highlight=False, soft_wrap=True)
LINE_EVERY_S = 10.0
HALF_LIFE_S = 60.0  # after which what was measured counts half
LEAST_REPORTS = 4  # before a time is told
LEAST_S = 2.0


class Stage(Protocol):
    """A stage under way."""

    def begin(self) -> None:
        """Start its clock, for a stage that is shown before its work begins."""

    def advance(self, steps: int = 1) -> None:
        """Report that steps are done."""

    def keep(self, steps: int = 1) -> None:
        """Report steps that an earlier run has done."""


class Pace:
    """How fast steps are done, by what was measured lately."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._last: float | None = None
        self._steps = self._seconds = 0.0
        self._reports = 0

    def report(self, now: float, steps: int) -> None:
        """Take note of steps that are done at a time in seconds.

        The first report only starts the clock: before it, things were loaded and compiled.
        """
        if self._last is not None:
            passed = now - self._last
            fade = 0.5 ** (passed / HALF_LIFE_S)
            self._steps = self._steps * fade + steps
            self._seconds = self._seconds * fade + passed
            self._reports += 1
        self._last = now

    @property
    def rate(self) -> float | None:
        """Steps per second; None while too little was seen."""
        if self._reports < LEAST_REPORTS or self._seconds < LEAST_S:
            return None
        return self._steps / self._seconds


def clock(seconds: float) -> str:
    """A time as minutes and seconds, or as hours and minutes.

    >>> clock(65), clock(3725)
    ('1:05', '1:02 h')
    """
    if seconds < 3600:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d} h"


def _left(rate: float | None, steps: int) -> str:
    return f"{clock(steps / rate)} left" if rate and steps else ""


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
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[told]}"),
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


class _Counted(ABC):
    """Counts the steps of a stage."""

    def __init__(self, name: str, total: int, unit: str) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._done = self._kept = 0
        self._pace = Pace()

    def advance(self, steps: int = 1) -> None:
        if steps:
            self._done += steps
            self._pace.report(time.monotonic(), steps)
            self._show(steps)

    def keep(self, steps: int = 1) -> None:
        if steps:
            self._done += steps
            self._kept += steps
            self._show(steps)

    @abstractmethod
    def _show(self, steps: int) -> None:
        """Show that so many steps were added."""

    @property
    def _told(self) -> list[str]:
        """Speed, time left and what was kept, as far as there is something to tell."""
        rate = self._pace.rate
        speed = f"{rate:.1f}/s" if rate else ""
        kept = f"{self._kept} kept" if self._kept else ""
        return [text for text in (speed, _left(rate, self._total - self._done), kept) if text]


class _Bar(_Counted):
    def __init__(self, progress: Progress, name: str, total: int, unit: str) -> None:
        super().__init__(name, total, unit)
        self._progress = progress
        self._task = progress.add_task(name, start=False, total=total, unit=unit, told="")

    def begin(self) -> None:
        self._progress.start_task(self._task)

    def _show(self, steps: int) -> None:
        if not self._progress.tasks[self._task].started:
            self.begin()
        self._progress.update(self._task, advance=steps, told=", ".join(self._told))


class _Lines(_Counted):
    def __init__(self, name: str, total: int, unit: str) -> None:
        super().__init__(name, total, unit)
        self.begin()
        if not total:
            self._print(0.0)

    def begin(self) -> None:
        self._start = self._last = time.monotonic()

    def _show(self, steps: int) -> None:
        del steps
        now = time.monotonic()
        if self._done >= self._total:
            self._print(now - self._start)
        elif now - self._last >= LINE_EVERY_S:
            self._last = now
            console.print(", ".join([f"{self._count}", *self._told]))

    @property
    def _count(self) -> str:
        return f"{self._name}: {self._done}/{self._total} {self._unit}"

    def _print(self, seconds: float) -> None:
        kept = f" ({self._kept} done before or elsewhere)" if self._kept else ""
        spent = f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
        console.print(f"{self._count} in {spent}{kept}")
