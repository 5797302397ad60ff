import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Serve = Callable[[Path], tuple[subprocess.Popen[str], int]]
DESKTOP, PHONE = (1440, 900), (390, 844)
PLAY = """async player => {
  const seen = name => new Promise((resolve, reject) => {
    player.addEventListener(name, resolve, {once: true});
    player.addEventListener("error", () => reject(player.error.message), {once: true});
  });
  const ready = seen("canplay");
  player.load();
  player.preload = "auto";
  await ready;
  await player.play();
  await new Promise(resolve => setTimeout(resolve, 500));
  const played = player.currentTime;
  const sought = seen("seeked");
  player.currentTime = 0.7;
  await sought;
  player.pause();
  return {duration: player.duration, played, now: player.currentTime};
}"""


class Visit:
    """A page in the browser, with all that it asked for and complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("requestfailed", lambda r: self.complaints.append(f"{r.url} {r.failure}"))
        page.on("console", lambda m: self.complaints.append(m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))


@contextmanager
def visit(browser: Any, address: str, size: tuple[int, int], theme: str) -> Iterator[Visit]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme
    )
    seen = Visit(context.new_page())
    seen.page.goto(address)
    yield seen
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("name", ["site", "nasty_site", "joint_site"])
def test_pages_fit_and_stay_at_home(
    name: str, size: tuple[int, int], theme: str, browser: Any, request: pytest.FixtureRequest
) -> None:
    site: Path = request.getfixturevalue(name)
    for path in sorted(site.glob("*.html")):
        with visit(browser, path.as_uri(), size, theme) as seen:
            seen.page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
            seen.page.wait_for_function("[...document.images].every(i => i.complete)")
            assert not seen.complaints
            assert all(url.startswith(site.as_uri()) for url in seen.requests)
            assert not any(url.endswith(".flac") for url in seen.requests)  # only when played
            drawn = [url for url in seen.requests if "/plots/" in url]
            assert all(url.endswith(f"-{theme}.svg") for url in drawn)
            width = "document.documentElement.scrollWidth"
            assert seen.page.evaluate(width) == size[0], path
            images = "[...document.images].every(i => i.naturalWidth > 0)"
            assert seen.page.evaluate(images)
            dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (max(map(int, dark[4:-1].split(","))) < 64) == (theme == "dark")


def test_sound_plays_from_the_disk(site: Path, browser: Any) -> None:
    with visit(browser, (site / "speech.html").as_uri(), DESKTOP, "light") as seen:
        _plays(seen, 8)


def test_sound_plays_and_can_be_sought_from_the_preview(
    site: Path, browser: Any, serve: Serve
) -> None:
    address = f"http://127.0.0.1:{serve(site)[1]}"
    with visit(browser, f"{address}/speech.html", PHONE, "dark") as seen:
        _plays(seen, 8)
        assert all(url.startswith(address) for url in seen.requests)


def test_sound_with_a_difficult_name_plays(nasty_site: Path, browser: Any, serve: Serve) -> None:
    for base in (nasty_site.as_uri(), f"http://127.0.0.1:{serve(nasty_site)[1]}"):
        with visit(browser, f"{base}/speech.html", DESKTOP, "light") as seen:
            _plays(seen, 10)


def _plays(seen: Visit, count: int) -> None:
    players = seen.page.query_selector_all("audio")
    assert len(players) == count
    for player in (players[0], players[-1]):
        heard = player.evaluate(PLAY)
        assert heard["duration"] == pytest.approx(1.5, abs=0.01)
        assert 0.1 < heard["played"] < 1.5
        assert 0.7 <= heard["now"] < 1.5
    assert not seen.complaints


def test_on_a_phone_each_clip_is_a_card(site: Path, browser: Any) -> None:
    with visit(browser, (site / "speech.html").as_uri(), PHONE, "light") as seen:
        lefts = seen.page.evaluate(
            "[...document.querySelectorAll('audio')].map(a => a.getBoundingClientRect().left)"
        )
        assert len(set(lefts)) == 1  # one below the other
        assert seen.page.locator(".system").first.is_visible()
        assert seen.page.get_by_role("table").count() == 1
        assert seen.page.get_by_role("rowheader").count() == 2


def test_a_wide_table_scrolls_in_its_frame_under_its_headings(site: Path, browser: Any) -> None:
    with visit(browser, (site / "speech.html").as_uri(), (800, 320), "light") as seen:
        frame = seen.page.locator(".tall")
        frame.evaluate("frame => frame.scrollTo(200, 20)")
        assert frame.evaluate("frame => [frame.scrollLeft, frame.scrollTop]") == [200, 20]
        box = frame.bounding_box()
        head = seen.page.locator(".listening thead th").first.bounding_box()
        clip = seen.page.locator(".listening tbody th").nth(1).bounding_box()
        assert head["y"] == pytest.approx(box["y"], abs=2)
        assert clip["x"] == pytest.approx(box["x"], abs=2)


def test_links_lead_on(joint_site: Path, browser: Any) -> None:
    with visit(browser, (joint_site / "index.html").as_uri(), DESKTOP, "light") as seen:
        seen.page.locator("nav a").last.click()
        assert seen.page.url.endswith("small-2-speech.html")
        assert seen.page.locator("nav a[aria-current]").inner_text() == "Speech"
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        assert not seen.complaints
