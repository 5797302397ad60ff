"""The kinds of listening tests: what each has to say for itself, and the table of them."""

from abc import ABC, abstractmethod
from functools import cache
from importlib import import_module
from typing import Any, Generic

import pandas as pd

from almbench.listening.design import Design, Material
from almbench.listening.panel import Listener, Panel, R
from almbench.listening.report import ReportTable

KINDS = {"mushra": "almbench.listening.mushra", "abx": "almbench.listening.abx"}
"""The module of each kind, which has it as `KIND`; imported when it is wanted."""

Tables = dict[str, pd.DataFrame]


class TestKind(ABC, Generic[R]):
    """A kind of listening test, from the page that listeners see to the tables of its results.

    Attributes:
        name: Name in result files and addresses.
        label: Name for readers.
        task: What listeners do, as the text of a link to the page.
        question: What the results answer, as the end of a caption.
        method: How to read the results.
        exclusions: Why listeners are left out, where it is not only for an incomplete test.
        result: The model of a result file.
        listener_columns: Columns that its screening adds to `listeners.csv`.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    name: str
    label: str
    task: str
    question: str
    method: str
    exclusions: str = "not finished, or taken twice"
    result: type[R]
    listener_columns: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The template of its page."""
        return f"{self.name}.html.j2"

    @property
    def script(self) -> str:
        """The script of its page, in `templates/static`."""
        return f"blind-{self.name}.js"

    @abstractmethod
    def design(self, material: Material) -> Design | None:
        """Design a test; None where nothing can be tested."""

    def subject(self, result: R) -> tuple[str, ...]:  # noqa: ARG002
        """Ids of the systems that a listener chose to test; panels are formed by them."""
        return ()

    @abstractmethod
    def clips_by_system(self, panel: Panel[R]) -> dict[str, list[str]]:
        """The codecs that a panel heard, by id, each with the clips it was heard on."""

    @abstractmethod
    def screen(self, listeners: list[Listener[R]], *, screening: bool) -> list[Listener[R]]:
        """Mark the listeners whose part does not count, with the reason.

        Args:
            listeners: The listeners of a test, each once.
            screening: Whether to leave out listeners for how they answered.
        """

    @abstractmethod
    def tables(self, panels: list[Panel[R]]) -> Tables:
        """Analyse panels; the tables by the name of their file without its suffix."""

    @abstractmethod
    def report(self, panel: Panel[R], tables: Tables) -> list[ReportTable]:
        """The tables that the command prints of a panel with listeners."""

    def plots(self, panel: Panel[R], tables: Tables) -> dict[str, bytes]:  # noqa: ARG002
        """The plots of a panel with listeners, by the name of their file."""
        return {}

    def system_means(self, panel: Panel[R], tables: Tables) -> pd.DataFrame | None:  # noqa: ARG002
        """Mean ratings, shown beside the scores; None for a test that does not rate systems.

        Returns:
            One row per system, the best first, with the columns of `listening.csv`.
        """
        return None

    def overall(self, panel: Panel[R], tables: Tables) -> dict[str, str]:  # noqa: ARG002
        """The result over all listeners, shown where there are no mean ratings.

        Returns:
            Heading -> text.
        """
        return {}


@cache
def load_kind(name: str) -> TestKind[Any]:
    """The kind of test of a name of `KINDS`."""
    kind: TestKind[Any] = import_module(KINDS[name]).KIND
    return kind


def load_kinds() -> list[TestKind[Any]]:
    """All kinds of tests."""
    return [load_kind(name) for name in KINDS]
