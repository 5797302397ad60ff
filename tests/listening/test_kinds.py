"""The kinds of tests: what is declared of them, against the Recommendation and the pages."""

import re
from importlib.resources import files

import pytest

from almbench.listening.design import MAX_CLIP_S, MAX_CLIPS, MIN_CLIP_S
from almbench.listening.kinds import KINDS, load_kind, load_kinds
from almbench.listening.mushra import ANCHORS, MAX_BELOW, MAX_STIMULI, MAX_SYSTEMS, REFERENCE_SCORE
from almbench.listening.ratings import SCALE
from almbench.listening.result_file import FORMAT, ListenerResult

TEMPLATES = files("almbench.templates")


def test_what_bs_1534_3_fixes() -> None:
    assert SCALE == (0, 100)
    assert ANCHORS == {"anchor-3.5": 3500, "anchor-7": 7000}  # low and mid anchor, Hz
    assert MAX_STIMULI == 12  # with the hidden reference and the anchors
    assert MAX_SYSTEMS == 9
    assert (REFERENCE_SCORE, MAX_BELOW) == (90, 15)  # post-screening, of 100 and in per cent


def test_bounds_of_clips() -> None:
    assert (MIN_CLIP_S, MAX_CLIP_S, MAX_CLIPS) == (1.0, 12.0, 8)


def test_labels_and_order() -> None:
    labels = [kind.label for kind in load_kinds()]
    assert labels[:2] == ["MUSHRA", "ABX"]


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_whole(name: str) -> None:
    kind = load_kind(name)
    assert kind.name == name
    assert issubclass(kind.result, ListenerResult)
    assert (TEMPLATES / kind.template).is_file()
    assert (TEMPLATES / "static" / kind.script).is_file()
    for text in (kind.task, kind.question, kind.method, kind.exclusions):
        assert text.strip()


def test_pages_write_the_format_that_is_read() -> None:
    assert FORMAT == "almbench-listening-1"
    script = (TEMPLATES / "static/blind.js").read_text(encoding="utf-8")
    assert re.findall(r'format: "([^"]+)"', script) == [FORMAT]
    sliders = (TEMPLATES / "static/blind-mushra.js").read_text(encoding="utf-8")
    assert f"min: {SCALE[0]}, max: {SCALE[1]}" in sliders
