"""The players of the listening pages, in a browser."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Serve = Callable[[Path], tuple[subprocess.Popen[str], int]]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
NAMES = ["Opus", "opus-6", "opus-24", "Low-pass", "lowpass"]
VERSIONS = 4  # of each clip of the site: the original and three codecs
# Keeps the places from which sources were started.
OFFSETS = """() => {
  window.offsets = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (at, offset) {
    window.offsets.push(offset);
    return start.call(this, at, offset);
  };
}"""
TARGETS = """[...document.querySelectorAll("main button, main label, main summary, main a")]
  .filter(e => e.checkVisibility() && !e.closest("p:not(.choices)") && !e.closest(".contents"))
  .map(e => e.getBoundingClientRect()).map(box => Math.min(box.width, box.height))"""


class Visit:
    """A page in the browser, with what it asked for and complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("requestfailed", lambda r: self.complaints.append(f"{r.url} {r.failure}"))
        page.on("console", lambda m: self.complaints.append(m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))

    @property
    def sounds(self) -> list[str]:
        return [url for url in self.requests if "/audio/" in url]

    def card(self, number: int = 0) -> Any:
        return self.page.locator(".card").nth(number)

    def start(self, number: int = 0) -> None:
        """Play a clip until it has moved on."""
        self.card(number).get_by_role("button", name="Play").click()
        self.moves_on(number)

    def loop(self, number: int = 0) -> Any:
        return self.card(number).get_by_role("button", name="Loop", exact=True)

    def moves_on(self, number: int = 0) -> None:
        before = self.position(number)
        self.page.wait_for_function(
            "([i, place]) => document.querySelectorAll('.card [type=range]')[i].value != place",
            arg=[number, before],
        )

    def position(self, number: int = 0) -> float:
        return float(self.card(number).get_by_role("slider").input_value())

    def pause(self) -> None:
        self.page.get_by_role("button", name="Pause").click()

    def chosen(self, number: int = 0) -> int:
        radios = self.card(number).get_by_role("radio").all()
        return [radio.is_checked() for radio in radios].index(True)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def said(self) -> str:
        return str(self.page.get_by_role("status").text_content())


@contextmanager
def visit(browser: Any, address: str, **options: Any) -> Iterator[Visit]:
    context = browser.new_context(viewport=DESKTOP, **options)
    seen = Visit(context.new_page())
    seen.page.set_default_timeout(60_000)
    seen.page.goto(address)
    yield seen
    context.close()


@pytest.fixture(scope="module")
def address(site: Path, serve: Serve) -> str:
    return f"http://127.0.0.1:{serve(site)[1]}/speech.html"


@SIZES
def test_a_clip_plays_and_versions_switch_in_place(
    size: dict[str, int], browser: Any, address: str
) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        assert not seen.sounds  # nothing is fetched before it is to be played
        seen.loop().click()  # so that a slow machine does not meet the end
        seen.start()
        assert len(seen.sounds) == len(set(seen.sounds)) == VERSIONS
        seen.pause()
        before = seen.position()
        seen.card().get_by_role("radio").nth(2).check()
        assert seen.position() == before
        seen.page.get_by_role("button", name="Play").first.click()
        seen.moves_on()
        assert seen.chosen() == 2
        assert seen.said() == "Opus, 24 kbps"
        assert len(seen.sounds) == VERSIONS
        assert not seen.complaints


def test_a_click_anywhere_in_a_row_chooses_it(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        rows = seen.card().locator(".versions tbody tr")
        pictures = set()
        for number in (3, 1, 0, 2):
            rows.nth(number).locator("td").last.click()
            assert seen.chosen() == number
            pictures.add(seen.card().locator(".stage img").get_attribute("src"))
        assert len(pictures) == VERSIONS
        assert not seen.sounds


def test_the_end_and_again(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.start()
        play = seen.card().locator(".play")
        seen.page.wait_for_function(
            "() => document.querySelector('.card .play').innerText == 'Play'"
        )
        assert seen.position() == pytest.approx(1.5, abs=0.01)
        play.click()
        seen.page.wait_for_function(
            "() => document.querySelector('.card input[type=range]').value < 1"
        )
        seen.moves_on()
        assert not seen.complaints


@SIZES
def test_keys(size: dict[str, int], browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        seen.press("2")  # the first clip has the keys of a fresh page
        assert (seen.chosen(0), seen.chosen(1)) == (2, 0)
        seen.page.locator("h1").click()  # and none has them now
        seen.press("1", "Space", "m")
        assert seen.chosen() == 2
        assert not seen.sounds
        seen.page.evaluate("scrollTo(0, 0)")
        seen.card().locator("header").click()
        seen.press("l", "Space")
        seen.moves_on()
        seen.press("Space", "l")
        assert seen.card().get_by_role("button", name="Play").is_visible()
        for key in "3120":
            seen.press(key)
            assert seen.chosen() == int(key)
        seen.press("9")  # there is none
        assert seen.chosen() == 0
        seen.press("Shift+ArrowLeft")
        assert seen.position() == 0
        seen.press("ArrowRight")
        assert seen.position() == pytest.approx(1.0, abs=1e-3)
        seen.press("ArrowLeft", "a", "ArrowRight", "b")
        loop = seen.loop()
        assert loop.get_attribute("aria-pressed") == "true"
        assert seen.said() == "Loop ends at 1.0 seconds"
        seen.press("l")
        assert loop.get_attribute("aria-pressed") == "false"
        seen.press("Control+a", "Alt+m")  # the browser's
        assert seen.card().locator("table").count() == 1
        assert not seen.complaints


def test_keys_belong_to_what_has_the_focus(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.card(1).get_by_role("radio").first.focus()
        seen.press("ArrowDown")  # radios keep up and down
        assert (seen.chosen(0), seen.chosen(1)) == (0, 1)
        seen.press("3")
        assert (seen.chosen(0), seen.chosen(1)) == (0, 3)
        seen.card(1).get_by_role("button", name="Play").focus()
        seen.press("Space")  # pressed once, not twice
        seen.moves_on(1)
        seen.page.locator("nav a").first.focus()
        seen.press("1", "m")
        assert seen.chosen(1) == 3
        seen.page.locator("h1").click()  # outside of every clip
        seen.press("1")
        assert seen.chosen(1) == 3


def test_help_says_the_keys_and_can_turn_them_off(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.card().locator(".play").focus()
        seen.press("?")
        help_ = seen.page.get_by_role("dialog")
        assert help_.is_visible()
        for key in ("Space", "0", "9", "←", "Shift", "A", "B", "L", "M", "?"):
            assert help_.get_by_text(key, exact=True).is_visible()
        seen.press("2")
        seen.press("Escape")
        assert not help_.is_visible()
        assert seen.chosen() == 0
        seen.card().get_by_role("button", name="Keys").click()
        help_.get_by_label("Keys on").uncheck()
        help_.get_by_role("button", name="Close").click()
        seen.press("2")
        assert seen.chosen() == 0


def test_a_loop_keeps_to_its_ends(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        slider = seen.card().get_by_role("slider")
        slider.evaluate("r => { r.value = 0.4; r.dispatchEvent(new Event('input')); }")
        seen.card().get_by_role("button", name="A", exact=True).click()
        slider.evaluate("r => { r.value = 1.0; r.dispatchEvent(new Event('input')); }")
        seen.card().get_by_role("button", name="B", exact=True).click()
        assert not seen.sounds
        seen.start()
        places = []
        for _ in range(40):
            places.append(seen.position())
            seen.page.wait_for_timeout(40)
        assert min(places) == pytest.approx(0.4, abs=0.1)
        assert max(places) < 1.0
        assert any(b < a for a, b in pairwise(places))
        seen.press("2")
        assert 0.4 <= seen.position() < 1.0


def test_only_one_clip_plays_and_each_keeps_its_place(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.evaluate(OFFSETS)
        for number in (0, 1):
            seen.loop(number).click()
        seen.start(0)
        seen.press("2")
        seen.start(1)
        assert seen.card(0).get_by_role("button", name="Play").is_visible()
        held = seen.position(0)
        assert held > 0
        assert (seen.chosen(0), seen.chosen(1)) == (2, 0)
        seen.start(0)
        offsets = seen.page.evaluate("offsets")
        assert min(abs(offset - held) for offset in offsets) < 1e-4
        assert seen.card(1).get_by_role("button", name="Play").is_visible()
        assert len(set(seen.sounds)) == 2 * VERSIONS


def test_gains_are_shown_and_can_be_turned_off(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        cells = seen.card().locator(".versions tbody td:nth-child(2)")
        gains = [float(text.replace("−", "-")) for text in cells.all_inner_texts()]
        assert max(gains) == 0
        assert min(gains) < 0
        seen.card(1).get_by_label("Match loudness").uncheck()
        assert set(cells.all_inner_texts()) == {"0.0"}
        assert not seen.card(0).get_by_label("Match loudness").is_checked()


@SIZES
def test_blind_mode_tells_nothing(size: dict[str, int], browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        html = (
            "document.documentElement.outerHTML + [...document.querySelectorAll('*')].map("
            "e => e.title + e.ariaLabel + (e.value ?? '')).join()"
        )
        shown = seen.page.evaluate(html)
        assert all(text in shown for text in ["Opus", "Low-pass", "STOI", "kbps"])
        for number in (0, 1):
            seen.loop(number).click()
        seen.start()
        seen.press("1", "m")
        hidden = seen.page.evaluate(html)
        for name in NAMES:
            assert name.lower() not in hidden.lower()
        assert not re.search(
            r"STOI|Mel distance|\d\.\d\d\d|kbit", seen.page.inner_text("main .card")
        )
        assert seen.chosen() == 0  # not the letter of what was playing
        asked = len(seen.requests)
        seen.press("2")
        assert seen.said() == "Q"
        seen.moves_on()
        seen.start(1)
        for url in [seen.page.url, *seen.requests[asked:]]:
            assert not any(name.lower() in url.lower() for name in NAMES)
        seen.press("m")
        was = [text.strip() for text in seen.card().locator(".was").all_inner_texts()]
        assert sorted(was) == ["was P", "was Q", "was R"]
        assert was[seen.chosen() - 1] == "was Q"
        assert seen.page.locator(".versions").count() == 2
        assert not seen.complaints


def test_blind_order_is_shuffled(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.card().locator("header").click()
        orders = set()
        for _ in range(20):
            seen.press("m", "m")
            orders.add(tuple(seen.card().locator(".was").all_inner_texts()))
        assert len(orders) > 1


def test_a_sound_that_cannot_be_had_is_said_and_may_come_later(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.route("**/audio/*", lambda route: route.fulfill(status=404))
        seen.card().get_by_role("button", name="Play").click()
        alert = seen.card().locator("[role=alert]")
        alert.get_by_text("could not be fetched (status 404)").wait_for()
        seen.page.unroute("**/audio/*")
        seen.start()
        assert alert.inner_text() == ""


def test_from_the_disk_each_version_has_a_plain_player(site: Path, browser: Any) -> None:
    with visit(browser, (site / "speech.html").as_uri()) as seen:
        assert seen.page.locator("audio:visible").count() == 2 * VERSIONS
        assert seen.page.locator(".transport").count() == 0
        assert not seen.complaints


def test_without_scripts_each_version_has_a_plain_player(browser: Any, address: str) -> None:
    with visit(browser, address, java_script_enabled=False) as seen:
        assert seen.page.locator("audio:visible").count() == 2 * VERSIONS
        assert seen.page.get_by_role("button").count() == 0
        assert seen.page.get_by_role("radio").count() == 0
        for audio in seen.page.locator("audio").all():
            source = seen.page.request.get(
                address.replace("speech.html", audio.get_attribute("src"))
            )
            assert source.ok
        assert not seen.complaints


def test_hostile_names_stay_text(nasty_site: Path, browser: Any, serve: Serve) -> None:
    with visit(browser, f"http://127.0.0.1:{serve(nasty_site)[1]}/speech.html") as seen:
        seen.start()
        seen.press("1")
        assert "<script>alert(1)</script>" in seen.said()
        seen.press("m", "m")
        assert seen.page.locator("main script").count() == 0
        assert seen.page.get_by_text("No sound:").count() > 0
        assert not seen.complaints


@SIZES
def test_targets_and_accessibility(size: dict[str, int], browser: Any, address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        seen.start()
        states = {
            "named": [],
            "views": ["document.querySelector('summary').click()"],
            "blind": ["document.querySelector('.blind').click()"],
            "help": ["document.querySelector('.help').click()"],
        }
        for state, steps in states.items():
            for step in steps:
                seen.page.evaluate(step)
            found = axe.run(seen.page)
            assert found.violations_count == 0, f"{state}: {found.generate_report()}"
            assert min(seen.page.evaluate(TARGETS)) >= 24
            assert seen.page.evaluate("document.documentElement.scrollWidth") == size["width"]
