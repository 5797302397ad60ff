"""The matrix and the card of the listening pages, in a browser."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from almbench.runner.run import run_suite
from almbench.site.build import build_site
from almbench.suite.load import load_suite

pytestmark = pytest.mark.slow
Serve = Callable[[Path], tuple[subprocess.Popen[str], int]]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
NAMES = ["Opus", "opus-6", "opus-24", "Low-pass", "lowpass"]
VERSIONS = 4  # of each clip of the site: the original and three codecs
# Keeps what was started: the time on the context's clock and the place in the sound.
STARTS = """() => {
  window.starts = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (at, offset) {
    window.starts.push([at, offset]);
    return start.call(this, at, offset);
  };
}"""
TARGETS = """[...document.querySelectorAll("main button, main label, main summary, main a")]
  .filter(e => e.checkVisibility() && !e.closest("p:not(#pager)"))
  .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 24).map(([html]) => html)"""


class Visit:
    """A page in the browser, with what it asked for and complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("requestfailed", self._failed)
        page.on("console", lambda m: self.complaints.append(m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))

    def _failed(self, request: Any) -> None:
        # Another picture is shown, a sound is left, or another page before this one had its icon.
        if (
            not re.search(r"/views/|favicon|\.flac$", request.url)
            or "ABORTED" not in request.failure
        ):
            self.complaints.append(f"{request.url} {request.failure}")

    @property
    def sounds(self) -> list[str]:
        return [url for url in self.requests if "/audio/" in url]

    @property
    def card(self) -> Any:
        return self.page.locator(".card")

    def row(self, number: int) -> Any:
        return self.page.locator("[role=grid] > tbody > tr:not(.opened)").nth(number)

    def cell(self, number: int, version: int) -> Any:
        return self.row(number).locator(".cell").nth(version)

    def open(self, number: int = 0) -> None:
        """Open the card of a clip, without playing."""
        self.row(number).locator(".clip").click()
        self.card.locator(".versions td").first.wait_for()

    def start(self, number: int = 0, version: int = 0) -> None:
        """Play a cell until it has moved on."""
        self.cell(number, version).click()
        self.moves_on()

    @property
    def loop(self) -> Any:
        return self.card.get_by_role("button", name="Loop", exact=True)

    def moves_on(self) -> None:
        before = self.position()
        self.page.wait_for_function(
            "place => document.querySelector('.card [type=range]').value != place", arg=before
        )

    def position(self) -> float:
        return float(self.card.get_by_role("slider").input_value())

    def chosen(self) -> int:
        self.card.get_by_role("radio", checked=True).wait_for()  # none is while a card is made
        radios = self.card.get_by_role("radio").all()
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
def test_one_click_plays_and_others_switch_in_step(
    size: dict[str, int], browser: Any, address: str
) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        seen.page.evaluate(STARTS)
        assert not seen.sounds  # nothing is fetched before it is to be played
        seen.start()
        seen.loop.click()  # so that a slow machine does not meet the end
        seen.page.wait_for_function(f"() => window.starts.length >= {2 * VERSIONS}")
        assert len(seen.sounds) == len(set(seen.sounds)) == VERSIONS
        begun = len(seen.page.evaluate("starts"))
        for version in (2, 1, 3):
            seen.cell(0, version).click()
            assert seen.cell(0, version).get_attribute("aria-pressed") == "true"
            assert seen.page.locator("[role=grid] [aria-pressed=true].cell").count() == 1
            assert seen.chosen() == version
        assert seen.said() == "Low-pass 3.5 kHz"
        seen.moves_on()
        # A switch moves gains alone: no source starts anew, and all that sound are of one start.
        starts = seen.page.evaluate("starts")
        assert len(starts) == begun
        places = [at - offset for at, offset in starts[-VERSIONS:]]
        assert max(places) - min(places) < 1e-4
        seen.cell(0, 3).click()  # again: a pause
        assert seen.card.get_by_role("button", name="Play").is_visible()
        held = seen.position()
        seen.cell(0, 2).click()
        seen.moves_on()
        assert seen.position() >= held or seen.position() < 1
        assert len(seen.sounds) == VERSIONS
        assert not seen.complaints


def test_only_one_clip_plays_and_each_keeps_its_place(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.evaluate(STARTS)
        seen.start(0, 2)
        seen.press("l")
        seen.start(1, 1)
        assert seen.card.count() == 1
        assert seen.page.locator(".on.cell").count() == 1
        assert seen.row(1).locator(".on.cell").count() == 1
        seen.open(0)  # stops the other
        assert seen.page.locator(".on.cell").count() == 0
        held = seen.position()
        assert held > 0
        assert seen.chosen() == 2
        seen.card.get_by_role("button", name="Play").click()
        seen.moves_on()
        assert min(abs(offset - held) for _, offset in seen.page.evaluate("starts")) < 1e-4
        assert len(set(seen.sounds)) == 2 * VERSIONS


def test_a_click_anywhere_in_a_row_of_the_card_chooses_it(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.open()
        rows = seen.card.locator(".versions tbody tr")
        pictures = set()
        for number in (3, 1, 0, 2):
            rows.nth(number).locator("td").last.click()
            assert seen.chosen() == number
            pictures.add(seen.card.locator(".stage .picture").get_attribute("src"))
        assert len(pictures) == VERSIONS
        assert not seen.sounds


def test_a_closed_card_stays_closed_and_what_was_pressed_stays_in_place(
    browser: Any, address: str
) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size({"width": 1024, "height": 400})
        seen.open(0)
        seen.row(1).scroll_into_view_if_needed()
        top = "n => document.querySelectorAll('.clip')[n].getBoundingClientRect().top"
        before = seen.page.evaluate(top, 1)
        seen.cell(1, 0).click()
        seen.moves_on()
        assert seen.page.evaluate(top, 1) == pytest.approx(before, abs=2)
        seen.row(1).locator(".clip").click()
        assert seen.card.count() == 0
        seen.cell(0, 1).click()
        seen.page.locator(".on.cell").wait_for()
        assert seen.card.count() == 0


def test_arrows_walk_and_enter_plays(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        focused = (
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText"
        )
        seen.page.locator("#tools .help").focus()
        seen.press("Tab")
        assert seen.page.evaluate(focused) == "Original, a, 1.5 s"
        seen.press("ArrowRight", "ArrowDown")
        assert str(seen.page.evaluate(focused)).startswith("Opus, 6 kbps, b, STOI 0.")
        seen.press("Enter")
        seen.moves_on()
        assert seen.cell(1, 1).get_attribute("aria-pressed") == "true"
        seen.press("ArrowRight", "Space")
        seen.page.wait_for_function("() => document.activeElement.ariaPressed == 'true'")
        assert seen.cell(1, 2).get_attribute("aria-pressed") == "true"
        seen.press("Control+Home")
        assert seen.page.evaluate(focused) == "a"
        seen.press("ArrowUp", "End")
        assert "Low-pass" in seen.page.evaluate(focused)
        seen.press("Tab")  # out of the grid's heads, into the card, or what follows
        assert not seen.page.evaluate("document.activeElement.matches('.head, .cell, .clip')")
        assert not seen.complaints


def test_the_space_bar_pauses_what_a_key_has_chosen(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.start(0, 1)
        seen.loop.click()
        seen.cell(0, 1).click()  # pauses, and has the focus
        seen.cell(0, 1).click()
        seen.press("2")
        seen.page.wait_for_function("() => document.activeElement.ariaPressed == 'true'")
        assert seen.cell(0, 2).get_attribute("aria-pressed") == "true"
        seen.press("Space")
        seen.page.wait_for_function("() => !document.querySelector('.cell.on')")
        assert seen.chosen() == 2
        assert not seen.complaints


def test_the_tree_of_names_that_a_screen_reader_gets(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        tree = seen.page.locator("[role=grid]").aria_snapshot()
        assert 'grid "Clips and systems: each cell plays; its number is STOI"' in tree
        assert '- columnheader "Opus 6 kbps"' in tree
        assert '- rowheader "a What is said in a."' in tree
        assert re.search(r'- gridcell "Opus, 24 kbps, b, STOI 0\.\d{3}"', tree)


def test_one_metric_for_the_page(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        before = seen.cell(0, 1).inner_text()
        seen.page.get_by_label("Score").select_option("mel_distance")
        seen.page.wait_for_function(
            "before => document.querySelectorAll('.cell')[1].innerText != before", arg=before
        )
        assert "Mel distance" in str(seen.cell(0, 1).get_attribute("aria-label"))
        seen.page.wait_for_function("() => location.hash == '#metric=mel_distance'")


def test_links_lead_to_a_clip_a_system_and_a_place(browser: Any, address: str) -> None:
    with visit(browser, address, permissions=["clipboard-read", "clipboard-write"]) as seen:
        seen.start(1, 2)
        seen.page.wait_for_timeout(400)  # the first tenths of a second are no place of their own
        seen.press("Space")
        seen.page.wait_for_function("() => !document.querySelector('.cell.on')")
        held = seen.position()
        seen.card.get_by_role("button", name="Copy link").click()
        seen.card.get_by_role("button", name="Copied").wait_for()
        link = seen.page.evaluate("navigator.clipboard.readText()")
        assert f"clip=b&system=opus-24&t={held:.2f}" in link
    with visit(browser, link) as seen:
        seen.card.locator(".versions td").first.wait_for()
        assert seen.row(1).locator(".clip").get_attribute("aria-expanded") == "true"
        assert seen.chosen() == 2
        assert seen.position() == pytest.approx(held, abs=0.01)
        assert not seen.sounds
        seen.press("Space")
        seen.moves_on()
        assert seen.cell(1, 2).get_attribute("aria-pressed") == "true"
        seen.page.goto(address + "#clip=a&system=lowpass-3.5")  # pasted into the open page
        seen.row(0).locator(".clip[aria-expanded=true]").wait_for()
        assert seen.chosen() == 3
        with seen.page.expect_download() as download:
            seen.card.get_by_role("link", name="Download FLAC").click()
        assert download.value.suggested_filename == "a-lowpass-3.5.flac"
        assert not seen.complaints


def test_a_clip_can_be_shown_in_a_frame(browser: Any, address: str, tmp_path: Path) -> None:
    with visit(browser, address) as seen:
        seen.open(0)
        seen.card.get_by_role("button", name="Embed").click()
        snippet = seen.page.get_by_role("dialog").get_by_role("textbox").input_value()
    (tmp_path / "other.html").write_text(f"<!doctype html><title>Other</title>{snippet}")
    with visit(browser, (tmp_path / "other.html").as_uri()) as seen:
        frame = seen.page.frame_locator("iframe")
        frame.get_by_role("button", name="Play").click()
        frame.get_by_role("button", name="Pause").wait_for()
        frame.get_by_role("radio").nth(2).check()
        assert not frame.locator("nav").is_visible()
        assert frame.get_by_role("heading", name="a", exact=True).is_visible()
        assert not seen.complaints


def test_the_end_and_again(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.start()
        seen.card.get_by_role("button", name="Play").wait_for()
        assert seen.position() == pytest.approx(1.5, abs=0.01)
        seen.card.locator(".play").click()
        seen.page.wait_for_function(
            "() => document.querySelector('.card input[type=range]').value < 1"
        )
        seen.moves_on()
        assert not seen.complaints


@SIZES
def test_keys(size: dict[str, int], browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        seen.open(0)
        seen.press("l", " ")
        seen.row(0).locator(".clip").press("Escape")
        assert seen.card.count() == 0
        seen.open(0)
        seen.page.locator("h1").click()
        seen.press("Space")
        seen.moves_on()
        seen.press("Space", "l")
        assert seen.card.get_by_role("button", name="Play").is_visible()
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
        assert seen.loop.get_attribute("aria-pressed") == "true"
        assert seen.said() == "Loop ends at 1.0 seconds"
        seen.press("l")
        assert seen.loop.get_attribute("aria-pressed") == "false"
        seen.press("Control+a", "Alt+m")  # the browser's
        assert seen.card.locator("table").count() == 1
        seen.press("/")
        assert seen.page.evaluate("document.activeElement.name") == "q"
        assert not seen.complaints


def test_keys_belong_to_what_has_the_focus(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.open(1)
        seen.card.get_by_role("radio").first.focus()
        seen.press("ArrowDown")  # radios keep up and down
        assert seen.chosen() == 1
        seen.press("3")
        assert seen.chosen() == 3
        seen.card.get_by_role("button", name="Play").focus()
        seen.press("Space")  # pressed once, not twice
        seen.moves_on()
        seen.page.locator("nav a").first.focus()
        seen.press("1", "m")
        assert seen.chosen() == 3


def test_help_says_the_keys_and_can_turn_them_off(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.open()
        seen.card.locator(".play").focus()
        seen.press("?")
        help_ = seen.page.get_by_role("dialog")
        assert help_.is_visible()
        for key in ("Space", "0", "9", "←", "A", "B", "J", "K", "L", "M", "?"):
            assert help_.get_by_text(key, exact=True).first.is_visible()
        seen.press("2")
        seen.press("Escape")
        assert not help_.is_visible()
        assert seen.chosen() == 0
        seen.page.get_by_role("button", name="Keys").click()
        help_.get_by_label("Keys on").uncheck()
        help_.get_by_role("button", name="Close").click()
        seen.press("2")
        assert seen.chosen() == 0


def test_a_loop_keeps_to_its_ends(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.open()
        slider = seen.card.get_by_role("slider")
        slider.evaluate("r => { r.value = 0.4; r.dispatchEvent(new Event('input')); }")
        seen.card.get_by_role("button", name="A", exact=True).click()
        slider.evaluate("r => { r.value = 1.0; r.dispatchEvent(new Event('input')); }")
        seen.card.get_by_role("button", name="B", exact=True).click()
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


def test_gains_are_shown_and_can_be_turned_off(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.open()
        cells = seen.card.locator(".versions tbody td:nth-child(2)")
        gains = [float(text.replace("−", "-")) for text in cells.all_inner_texts()]
        assert max(gains) == 0
        assert min(gains) < 0
        seen.page.get_by_label("Match loudness").uncheck()
        assert set(cells.all_inner_texts()) == {"0.0"}


@SIZES
def test_blind_mode_tells_nothing(size: dict[str, int], browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        html = (
            "document.documentElement.outerHTML + [...document.querySelectorAll('*')].map("
            "e => e.title + e.ariaLabel + (e.value ?? '')).join() + location.href"
        )
        seen.open()
        shown = seen.page.evaluate(html)
        assert all(text in shown for text in ["Opus", "Low-pass", "STOI", "kbps"])
        seen.loop.click()
        seen.start()
        seen.press("1", "m")
        seen.page.wait_for_timeout(300)  # the address follows a little later
        hidden = seen.page.evaluate(html)
        for name in NAMES:
            assert name.lower() not in hidden.lower()
        assert not re.search(r"STOI|Mel distance|\d\.\d\d\d|kbps", seen.page.inner_text("#matrix"))
        assert seen.chosen() == 0  # not the letter of what was playing
        asked = len(seen.requests)
        seen.press("2")
        assert seen.said() == "Q"
        seen.moves_on()
        seen.start(1, 3)
        assert seen.said() != "R" or seen.page.locator(".on.cell").count() == 1
        for url in [seen.page.url, *seen.requests[asked:]]:
            assert not any(name.lower() in url.lower() for name in NAMES)
        seen.press("m")
        was = [text.strip() for text in seen.card.locator(".was").all_inner_texts()]
        assert sorted(was) == ["was P", "was Q", "was R"]
        assert was[seen.chosen() - 1] == "was R"
        assert not seen.complaints


def test_blind_order_is_shuffled(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.open()
        orders = set()
        for _ in range(20):
            seen.press("m", "m")
            orders.add(tuple(seen.card.locator(".was").all_inner_texts()))
        assert len(orders) > 1


def test_a_sound_that_cannot_be_had_is_said_and_may_come_later(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.route("**/audio/*", lambda route: route.fulfill(status=404))
        seen.cell(0, 1).click()
        alert = seen.card.locator("[role=alert]")
        alert.get_by_text("could not be fetched (status 404)").wait_for()
        seen.page.unroute("**/audio/*")
        seen.start(0, 2)
        assert alert.inner_text() == ""


def test_without_scripts_each_version_has_a_plain_player(browser: Any, address: str) -> None:
    with visit(browser, address, java_script_enabled=False) as seen:
        assert seen.page.locator("audio:visible").count() == 2 * VERSIONS
        assert not seen.page.locator("#tools").is_visible()
        assert seen.page.get_by_role("button").count() == 0
        assert seen.page.get_by_role("radio").count() == 0
        for audio in seen.page.locator("audio").all():
            source = seen.page.request.get(
                address.replace("speech.html", audio.get_attribute("src"))
            )
            assert source.ok
        seen.page.get_by_role("link", name="b", exact=True).click()
        assert seen.page.locator("audio:visible").count() == VERSIONS
        assert not seen.complaints


def test_hostile_names_stay_text(nasty_site: Path, browser: Any, serve: Serve) -> None:
    with visit(browser, f"http://127.0.0.1:{serve(nasty_site)[1]}/speech.html") as seen:
        playable = seen.page.locator("tr:has(.cell:not([aria-disabled]))").first
        playable.locator(".cell").nth(0).click()
        seen.moves_on()
        seen.press("1")
        assert "<script>alert(1)</script>" in seen.said()
        seen.press("m", "m")
        assert seen.page.locator("main script").count() == 0
        assert seen.page.locator("[aria-disabled][title^='No sound:']").count() > 0
        assert not seen.complaints


@SIZES
def test_targets_and_accessibility(size: dict[str, int], browser: Any, address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with visit(browser, address) as seen:
        seen.page.set_viewport_size(size)
        seen.start()
        states = {
            "named": [],
            "views": ["document.querySelector('.card summary').click()"],
            "blind": ["document.querySelector('.blind').click()"],
            "help": ["document.querySelector('.help').click()"],
        }
        for state, steps in states.items():
            for step in steps:
                seen.page.evaluate(step)
            found = axe.run(seen.page)
            assert found.violations_count == 0, f"{state}: {found.generate_report()}"
            assert seen.page.evaluate(TARGETS) == []
            assert seen.page.evaluate("document.documentElement.scrollWidth") == size["width"]


def test_an_open_card_stays_within_the_matrix(browser: Any, address: str) -> None:
    with visit(browser, address) as seen:
        seen.page.set_viewport_size({"width": 375, "height": 800})
        seen.start()
        grid, card = seen.page.evaluate("""() => {
          const grid = document.querySelector(".grid");
          grid.scrollLeft = grid.scrollWidth;
          const left = (element) => element.getBoundingClientRect().left;
          return [left(grid), left(document.querySelector(".opened .card"))];
        }""")
        assert card == pytest.approx(grid, abs=1)


def test_from_the_disk_versions_switch_in_step_and_one_sounds(site: Path, browser: Any) -> None:
    with visit(browser, (site / "speech.html").as_uri()) as seen:
        seen.page.evaluate("""() => {
          window.players = [];
          const Plain = window.Audio;
          window.Audio = function (url) {
            const player = new Plain(url);
            window.players.push(player);
            return player;
          };
        }""")
        assert seen.page.get_by_text("opened from the disk").is_visible()
        assert seen.page.get_by_text("bench serve").is_visible()
        sounding = "players.filter(p => !p.paused && !p.muted && p.volume > 0).length"
        apart = "Math.max(...players.map(p => p.currentTime)) - players[0].currentTime"
        apart = f"{apart} + players[0].currentTime - Math.min(...players.map(p => p.currentTime))"
        seen.open(0)
        seen.loop.click()
        seen.start(0, 1)
        for version in (2, 0, 3, 1):
            seen.page.wait_for_timeout(300)
            seen.cell(0, version).click()
            assert seen.page.evaluate(sounding) == 1
            assert seen.page.evaluate("players.findIndex(p => !p.muted)") == version
        seen.press("Space")
        assert seen.page.evaluate(sounding) == 0
        assert seen.page.evaluate(apart) < 0.2  # some hundredths, where the machine is idle
        held = seen.position()
        seen.page.evaluate("players.length = 0")
        seen.start(1, 2)
        assert seen.page.evaluate(sounding) == 1
        assert "#clip=b" in seen.page.evaluate(
            "new Promise(r => setTimeout(() => r(location.hash), 400))"
        )
        assert held >= 0
        assert not seen.complaints
    link = f"{(site / 'speech.html').as_uri()}#clip=b&system=opus-24&t=0.5&metric=mel_distance"
    with visit(browser, link) as seen:
        seen.card.locator(".versions td").first.wait_for()
        assert seen.chosen() == 2
        assert seen.position() == pytest.approx(0.5, abs=0.01)


def test_alone_from_the_disk_a_clip_plays(site: Path, browser: Any) -> None:
    page = min(site.glob("clip-*.html"))
    with visit(browser, page.as_uri()) as seen:
        seen.card.get_by_role("button", name="Play").click()
        seen.moves_on()
        seen.card.get_by_role("radio").nth(1).check()
        assert seen.chosen() == 1
        assert not seen.complaints


@pytest.fixture(scope="module")
def crowd(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of nine systems with long names, which is about one of them."""
    folder = tmp_path_factory.mktemp("crowd")
    names = ["DAC", "Encodec", "WavTokenizer", "StableCodec", "SpeechTokenizer"]
    names += ["Mimi, 8 codebooks", "Mimi, 3 codebooks", "ALMTokenizer", "ALMTokenizer2"]
    codecs = [
        f"""
        [[codec]]
        id = "system-{i}"
        adapter = "reconstructions"
        label = "{name}"
        options = {{ path = "{data}", bitrate = {500 + 100 * i} }}
        """
        for i, name in enumerate(names)
    ]
    (folder / "suite.toml").write_text(
        f"""
        name = "crowd"
        highlight = "system-7"
        metrics = {{ speech = ["mel_distance", "gain_db"] }}
        [[testset]]
        name = "speech"
        domain = "speech"
        path = "{data / "clips.csv"}"
        """
        + "".join(codecs)
    )
    run_suite(load_suite(str(folder / "suite.toml")), folder / "run", "cpu", 1)
    return build_site([folder / "run"], folder / "site").parent


def test_ten_columns_fit_a_small_laptop(crowd: Path, browser: Any) -> None:
    with visit(browser, (crowd / "speech.html").as_uri()) as seen:
        heads = seen.page.locator("[role=grid] thead th")
        for width, tight in [(1440, False), (1024, True)]:
            seen.page.set_viewport_size({"width": width, "height": 768})
            kind = ".matrix.tight" if tight else ".matrix:not(.tight)"
            seen.page.locator(f"{kind} .grid.fits").wait_for()
            boxes = [head.bounding_box() for head in heads.all()]
            assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
            lines = "e => e.scrollWidth > e.clientWidth"  # a name that is wider than its column
            assert not any(head.evaluate(lines) for head in heads.all())


def test_the_column_of_what_the_suite_is_about_is_marked_unless_blind(
    crowd: Path, browser: Any
) -> None:
    with visit(browser, (crowd / "speech.html").as_uri()) as seen:
        heads = seen.page.locator("[role=grid] thead th")
        heads.first.wait_for()
        assert [i for i, text in enumerate(heads.all_inner_texts()) if "◆" in text] == [9]
        assert seen.row(0).locator("td.own").count() == 1
        assert seen.row(0).locator("td").nth(8).get_attribute("class") == "own"
        about = seen.page.locator(".about").inner_text()
        assert "◆ What this comparison is about. Scored at 16 kHz" in about
        seen.page.get_by_role("button", name="Blind").click()
        heads.filter(has_text=re.compile("^P")).first.wait_for()
        assert not any("◆" in text for text in heads.all_inner_texts())
        assert seen.page.locator(".own").count() == 0
