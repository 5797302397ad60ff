"""What writers of pages are given, and what they give."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from almbench.listening.analysis import Analysis
from almbench.site.media import Sounds
from almbench.site.output import Output
from almbench.site.source import Run

# What could end the script element that holds the data, or a line of JavaScript.
ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Site:
    """What a site is made from.

    Attributes:
        runs: The runs, in order.
        sounds: What was published of each run, by its slug.
        out: The site's folder.
        post_url: Where blind tests send their results; empty for nowhere.
        analysis: The analysis of the results of blind tests; None where none were given.
    """

    runs: list[Run]
    sounds: dict[str, Sounds]
    out: Output
    post_url: str = ""
    analysis: Analysis | None = None

    @property
    def home(self) -> str:
        """The address where the site will be, with a slash at its end; empty if not told."""
        urls = {run.manifest.suite.url for run in self.runs}
        url = urls.pop() if len(urls) == 1 else None
        return url.rstrip("/") + "/" if url else ""

    def overview_of(self, run: Run) -> str:
        """The address of a run's overview."""
        return "index.html" if len(self.runs) == 1 else self.page_of(run, "overview")

    def page_of(self, run: Run, name: str) -> str:
        """The address of a run's page, such as `speech.html` of "speech"."""
        return f"{name}.html" if len(self.runs) == 1 else f"{run.slug}-{name}.html"


@dataclass(frozen=True)
class Page:
    """A page to be written.

    Attributes:
        address: Its file's name.
        template: What renders it.
        values: What the template is given, beside what all are given: `page`, its address; `pages`,
            the addresses of all pages; `runs`; `page_of`; `duration`; `page_data`; `test_kinds`.
    """

    address: str
    template: str
    values: dict[str, Any] = field(default_factory=dict)


Writer = Callable[[Site], Iterable[Page]]


def page_data(value: Any) -> Markup:
    """Write data for a page's scripts, safe within a script element.

    Raises:
        ValueError: A number in it is not finite.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(ESCAPES))  # noqa: S704 - nothing is left that HTML would read
