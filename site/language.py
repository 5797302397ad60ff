"""The language of the pages: catalogues of gettext for templates, Python and scripts."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

from markupsafe import Markup

from almbench.languages import Language

CATALOGUES = files("almbench.templates") / "languages"
# A string of a script that is shown: scripts are translated when they are written to the site.
SCRIPT_STRING = re.compile(r'\btr\(\s*("(?:[^"\\\n]|\\.)*")')

_current: ContextVar[NullTranslations | None] = ContextVar("language", default=None)


@contextmanager
def speak(language: Language) -> Iterator[NullTranslations]:
    """Let `tr` speak a language; gives its catalogue, that of English being empty."""
    catalogue = NullTranslations()
    if language != "en":
        with (CATALOGUES / f"{language}.mo").open("rb") as file:
            catalogue = GNUTranslations(file)
    token = _current.set(catalogue)
    try:
        yield catalogue
    finally:
        _current.reset(token)


def spoken() -> bool:
    """Whether the pages speak another language than English."""
    return isinstance(_current.get(), GNUTranslations)


def tr(text: str, **values: object) -> str:
    """A text of the pages in their language.

    Args:
        text: The English text, a literal, so that it is found for the catalogues; `{NAME}` in it
            stands for one of the values.
        values: What is filled in.
    """
    catalogue = _current.get()
    said = catalogue.gettext(text) if catalogue else text
    return said.format(**values) if values else said


def mtr(text: str, **values: object) -> Markup:
    """A text as markup in the language of the pages; values are escaped.

    Args:
        text: The English text, a literal; `{NAME}` in it stands for one of the values.
        values: What is filled in.
    """
    return Markup(tr(text)).format(**values)  # noqa: S704 - a literal of ours, or its translation


def ntr(one: str, many: str, count: int, **values: object) -> str:
    """A text with a number in the language of the pages.

    Args:
        one: The English text where the number is 1, a literal.
        many: That of other numbers; `{count}` stands for the number.
        count: The number.
        values: What else is filled in.
    """
    catalogue = _current.get()
    english = one if count == 1 else many
    said = catalogue.ngettext(one, many, count) if catalogue else english
    return said.format(count=count, **values)


def translate_script(script: str, catalogue: NullTranslations) -> str:
    """Put the texts that a script shows into a language: the literals in its calls of `tr`."""

    def said(found: re.Match[str]) -> str:
        text = catalogue.gettext(json.loads(found[1]))
        literal = json.dumps(text, ensure_ascii=False)
        return found[0].removesuffix(found[1]) + literal

    return SCRIPT_STRING.sub(said, script)
