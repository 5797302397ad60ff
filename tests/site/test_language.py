import re

import pytest

from almbench.languages import LANGUAGES
from almbench.site.language import speak, tr, translate_script
from tests.site.catalogue import FOLDER, compiled, messages, read, texts, untranslated

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
