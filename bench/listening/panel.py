"""Panels: the listeners of one test, each once, and who is left out and why."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Generic, TypeVar

from almbench.errors import UserError
from almbench.listening.result_file import ListenerResult

R = TypeVar("R", bound=ListenerResult)


@dataclass(frozen=True)
class Listener(Generic[R]):
    """A listener's part in a test.

    Attributes:
        result: What the listener submitted.
        path: The file.
        kept: Whether the part counts.
        note: Why not; or what to know of it.
        counts: What the screening counted, by column of `listeners.csv`.
    """

    result: R
    path: Path
    kept: bool = True
    note: str = ""
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel(Generic[R]):
    """All who took one test, in the order of their numbers.

    Attributes:
        kind: Name of the kind of test.
        domain: speech, sound or music.
        test: Hash of the test's definition.
        title: Title of the test.
        subject: Ids of the systems that the panel is about, where listeners chose them.
        listeners: The listeners.
    """

    kind: str
    domain: str
    test: str
    title: str
    subject: tuple[str, ...]
    listeners: list[Listener[R]]

    @property
    def kept(self) -> list[R]:
        """The results that count."""
        return [listener.result for listener in self.listeners if listener.kept]


def form_panel(
    group: list[Listener[R]],
    screen: Callable[[list[Listener[R]]], list[Listener[R]]],
    subject: Callable[[R], tuple[str, ...]],
) -> Panel[R]:
    """Form the panel of one test; of a listener who took it twice, the first time counts.

    Args:
        group: All results of the test.
        screen: Marks who is left out.
        subject: The systems that a result is about.

    Raises:
        UserError: The results are of different tests.
    """
    first = group[0].result
    for other in group:
        if other.result.test != first.test:
            raise UserError(
                f"{group[0].path} and {other.path} are of different tests ('{first.title}', "
                f"{first.test}, and '{other.result.title}', {other.result.test}): their listeners "
                "did not hear the same. To fix: analyse each test by itself, its files in a folder "
                "of their own."
            )
    chosen: dict[str, Listener[R]] = {}
    again: list[Listener[R]] = []
    # The first time counts: the second time one knows the sounds.
    for part in sorted(group, key=attrgetter("result.finished", "path")):
        earlier = chosen.setdefault(part.result.listener, part)
        if earlier is not part:
            note = f"same listener as {earlier.path.name}, which was finished first and counts"
            again.append(replace(part, kept=False, note=note))
    listeners = [*screen(list(chosen.values())), *again]
    listeners.sort(key=lambda x: (x.result.listener, x.result.finished, x.path))
    of_whom = subject(listeners[0].result)
    return Panel(first.kind, first.domain, first.test, first.title, of_whom, listeners)
