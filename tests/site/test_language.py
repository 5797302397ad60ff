import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

from almbench.languages import LANGUAGES
from almbench.site.language import speak, tr, translate_script
from tests.site.catalogue import FOLDER, TEMPLATES, compiled, messages, read, texts, untranslated

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?\w+|%%")


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    catalogue = read(language)
    assert untranslated(catalogue) == []
    assert {message.id for message in catalogue if message.id} == set(messages()), "make languages"
    assert (FOLDER / f"{language}.mo").read_bytes() == compiled(catalogue), "make languages"


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_translations_keep_what_is_filled_in(language: str) -> None:
    for message in read(language):
        if message.id:
            one, said = texts(message.id)[-1], texts(message.string)[-1]
            assert sorted(PLACEHOLDER.findall(one)) == sorted(PLACEHOLDER.findall(said)), one


def test_python_and_scripts_speak_the_language() -> None:
    assert tr("Overview") == "Overview"
    with speak("zh") as catalogue:
        assert tr("Overview") == "概览"
        assert translate_script('say(tr("Overview")); x = "Overview";', catalogue) == (
            'say(tr("概览")); x = "Overview";'
        )
        assert tr("No such {thing}", thing="{x}") == "No such {x}"
    assert tr("Overview") == "Overview"


SPOKEN = ("alt", "aria-label", "aria-valuetext", "content", "placeholder", "title")
# What is the same in every language: units, names of formats, keys, addresses.
SAME = re.compile(
    r"MUSHRA|ABX|FLAC|PDF|SVG|CSV|JSON|Holm|almbench|kbps|kHz|MB|Pearson|Spearman|runs\.json|"
    r"[A-Z]|width=device-width|initial-scale|light dark|website|summary_large_image|default-src.*|"
    r"disabled|data-[a-z]+="
)


class Texts(HTMLParser):
    """What a page shows or says aloud, by line; a template's expressions stand for themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self.silent = 0  # within elements whose text is no prose

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"code", "kbd", "script", "style", "pre"}
        self.found += [
            (self.getpos()[0], value) for name, value in attrs if name in SPOKEN and value
        ]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"code", "kbd", "script", "style", "pre"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append((self.getpos()[0], data))


def untranslatable(source: str) -> list[tuple[int, str]]:
    """The texts of a template that are outside of `trans`, each with its line."""
    kept, inside = [], False
    jinja = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    for _, kind, text in jinja.lex(source):
        if kind == "name" and text in {"trans", "endtrans"}:
            inside = text == "trans"
        kept.append(text if kind == "data" and not inside else "\n" * text.count("\n"))
    page = Texts()
    page.feed("".join(kept))
    return [
        (line, text.strip())
        for line, text in page.found
        if re.search("[A-Za-z]{2}", SAME.sub("", text))
    ]


@pytest.mark.parametrize(
    "template", sorted(TEMPLATES.glob("*.html.j2")), ids=lambda path: path.name
)
def test_no_text_of_a_template_is_beyond_translation(template: Path) -> None:
    assert untranslatable(template.read_text()) == []


def test_a_text_beyond_translation_is_found() -> None:
    source = """{# A comment #}
<p title="Said aloud">{{ tr("fine") }} {% if x %}Shown{% endif %} {% trans %}fine{% endtrans %}</p>
<p>{% trans count=n %}a{% pluralize %}b{% endtrans %} <kbd>space</kbd> 3 kbps</p>
"""
    assert untranslatable(source) == [(2, "Said aloud"), (2, "Shown")]
