"""Panels: who took which test, each listener once, and who is left out and why."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Generic, TypeVar

from almbench.errors import UserError
from almbench.listening.submissions import AbxResult, Handed, MushraResult, Result

REFERENCE_AT_LEAST = 90
BELOW_AT_MOST = 15  # per cent of a listener's trials
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Listener(Generic[R]):
    """A listener's part in a test.

    Attributes:
        result: What was handed in.
        path: The file.
        below: In how many MUSHRA trials the hidden reference got less than 90.
        judged: In how many trials there was a hidden reference.
        kept: Whether the part counts.
        note: Why not; or what to know of it.
    """

    result: R
    path: Path
    below: int = 0
    judged: int = 0
    kept: bool = True
    note: str = ""


@dataclass(frozen=True)
class Panel(Generic[R]):
    """All who took one test, in the order of their numbers."""

    kind: str
    domain: str
    test: str
    title: str
    listeners: list[Listener[R]]

    @property
    def kept(self) -> list[R]:
        """The results that count."""
        return [listener.result for listener in self.listeners if listener.kept]


def panels(
    handed: list[Handed], *, screening: bool
) -> tuple[list[Panel[MushraResult]], list[Panel[AbxResult]]]:
    """Sort results into panels: one a MUSHRA test and domain, one an ABX pair and domain.

    Half-finished tests are left out. MUSHRA listeners are post-screened after ITU-R BS.1534-3: who
    gives the hidden reference less than 90 in more than 15 % of the trials is left out.

    Args:
        handed: The results.
        screening: Whether to post-screen.

    Raises:
        UserError: Results of one domain, kind and pair are of different tests.
    """
    mushra = [Listener(r, h.path) for h in handed if isinstance(r := h.result, MushraResult)]
    abx = [Listener(r, h.path) for h in handed if isinstance(r := h.result, AbxResult)]

    def judge(listeners: list[Listener[MushraResult]]) -> list[Listener[MushraResult]]:
        return _judge_mushra(listeners, screening=screening)

    return (
        [_panel(g, judge) for g in _grouped(mushra, attrgetter("result.domain"))],
        [_panel(g, _judge_abx) for g in _grouped(abx, lambda x: (x.result.domain, _pair(x)))],
    )


def _pair(listener: Listener[AbxResult]) -> frozenset[str]:
    return frozenset((listener.result.pair.a, listener.result.pair.b))


def _grouped(
    listeners: Iterable[Listener[R]], key: Callable[[Listener[R]], Hashable]
) -> list[list[Listener[R]]]:
    groups: dict[Hashable, list[Listener[R]]] = {}
    for listener in listeners:
        groups.setdefault(key(listener), []).append(listener)
    return list(groups.values())


def _panel(
    group: list[Listener[R]], judge: Callable[[list[Listener[R]]], list[Listener[R]]]
) -> Panel[R]:
    first = group[0].result
    for other in group:
        if other.result.test != first.test:
            raise UserError(
                f"{group[0].path} and {other.path} are of different tests ('{first.title}', "
                f"{first.test}, and '{other.result.title}', {other.result.test}): what was heard "
                "differs. Analyse each test by itself, its files in a folder of their own."
            )
    chosen: dict[str, Listener[R]] = {}
    again: list[Listener[R]] = []
    # The first time counts: the second time one knows the sounds.
    for part in sorted(group, key=attrgetter("result.finished", "path")):
        earlier = chosen.setdefault(part.result.listener, part)
        if earlier is not part:
            note = f"same listener as {earlier.path.name}, which was finished first and counts"
            again.append(replace(part, kept=False, note=note))
    listeners = [*judge(list(chosen.values())), *again]
    listeners.sort(key=lambda x: (x.result.listener, x.result.finished, x.path))
    return Panel(first.kind, first.domain, first.test, first.title, listeners)


def _judge_mushra(
    listeners: list[Listener[MushraResult]], *, screening: bool
) -> list[Listener[MushraResult]]:
    whole = set().union(*(_sounds(listener.result) for listener in listeners))
    judged = []
    for listener in listeners:
        result = listener.result
        marks = [r.score for t in result.trials for r in t.ratings if r.role == "reference"]
        below = sum(mark < REFERENCE_AT_LEAST for mark in marks)
        kept, note = True, ""
        if not whole:
            kept, note = False, "nothing was rated"
        elif lacking := len(whole) - len(_sounds(result)):
            kept, note = False, f"half-finished: {lacking} of {len(whole)} ratings are lacking"
        elif not marks:
            note = "cannot be screened: there was no hidden reference"
        elif screening and 100 * below > BELOW_AT_MOST * len(marks):
            kept = False
            note = f"hidden reference below {REFERENCE_AT_LEAST} in {below} of {len(marks)} trials"
        judged.append(replace(listener, below=below, judged=len(marks), kept=kept, note=note))
    return judged


def _sounds(result: MushraResult) -> set[tuple[str, str]]:
    return {(trial.clip, rating.system) for trial in result.trials for rating in trial.ratings}


def _judge_abx(listeners: list[Listener[AbxResult]]) -> list[Listener[AbxResult]]:
    judged = []
    for listener in listeners:
        done, planned = len(listener.result.trials), listener.result.planned
        # Where one stops must not depend on how it goes, or the p-value means nothing.
        note = "" if done == planned else f"half-finished: {done} of {planned} trials"
        judged.append(replace(listener, kept=not note, note=note))
    return judged
