"""What writers of pages are given, and what they give."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from almbench.listening.analysis import Analysis
from almbench.results.compare import PairedComparison
from almbench.site.language import tr
from almbench.site.media import Sounds
from almbench.site.output import Output
from almbench.site.source import Run

# What could end the script element that holds the data, or a line of JavaScript.
ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Versus:
    """Codecs compared in pairs: of a new run with those of an old one, or within one run.

    Attributes:
        old: The run of the baselines.
        new: The run of the codecs; the same one for comparisons within a run.
        made: The comparisons.
    """

    old: Run
    new: Run
    made: list[PairedComparison]


@dataclass(frozen=True)
class Site:
    """What a site is made from.

    Attributes:
        runs: The runs, in order.
        sounds: What was published of each run, by its slug.
        out: The site's folder.
        post_url: Where blind tests send their results; empty for nowhere.
        analysis: The analysis of the results of blind tests; None where none were given.
        grows: Whether runs are added to it by and by, so that its addresses are those of several.
        comparisons: What is compared in pairs.
    """

    runs: list[Run]
    sounds: dict[str, Sounds]
    out: Output
    post_url: str = ""
    analysis: Analysis | None = None
    grows: bool = False
    comparisons: list[Versus] = field(default_factory=list)

    @property
    def several(self) -> bool:
        """Whether it is laid out for several runs."""
        return self.grows or len(self.runs) > 1

    @property
    def home(self) -> str:
        """The address where the site will be, with a slash at its end; empty if not told."""
        urls = {run.manifest.suite.url for run in self.runs}
        url = urls.pop() if len(urls) == 1 else None
        return url.rstrip("/") + "/" if url else ""

    def overview_of(self, run: Run) -> str:
        """The address of a run's overview."""
        return self.page_of(run, "overview") if self.several else "index.html"

    def page_of(self, run: Run, name: str) -> str:
        """The address of a run's page, such as `speech.html` of "speech"."""
        return f"{run.slug}-{name}.html" if self.several else f"{name}.html"

    def comparison_of(self, versus: Versus) -> str:
        """The address of the page of a comparison."""
        name = "comparison" if versus.old is versus.new else f"against-{versus.old.slug}"
        return self.page_of(versus.new, name)

    def title_of(self, versus: Versus) -> str:
        """The title of a comparison."""
        if versus.old is versus.new:
            own = versus.new.names[versus.new.own].short
            return tr("{codec} against the others", codec=own)
        titles = [versus.new.title, versus.old.title]
        if titles[0] == titles[1]:
            titles = [versus.new.slug, versus.old.slug]
        return tr("{new} against {old}", new=titles[0], old=titles[1])


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
