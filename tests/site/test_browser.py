import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from almbench.runner.run import run_suite
from almbench.site.build import build_site
from almbench.suite.load import load_suite

pytestmark = pytest.mark.slow
Serve = Callable[[Path], tuple[subprocess.Popen[str], int]]
DESKTOP, PHONE = (1440, 900), (390, 844)
# Waited for in the page, whose policy forbids what would look again and again from outside.
LOADED = """() => Promise.all([...document.images].map(
  image => image.complete || new Promise(seen => { image.onload = image.onerror = seen; })))"""
PLAY = """async address => {
  const player = new Audio(address);
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
    context.set_default_timeout(120_000)  # a machine may be busy
    seen = Visit(context.new_page())
    seen.page.goto(address)
    yield seen
    context.close()


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "light"), (PHONE, "dark")])
@pytest.mark.parametrize("name", ["site", "nasty_site", "joint_site"])
def test_pages_fit_and_stay_at_home(
    name: str, size: tuple[int, int], theme: str, browser: Any, request: pytest.FixtureRequest
) -> None:
    site: Path = request.getfixturevalue(name)
    for path in sorted(site.glob("*.html")):
        with visit(browser, path.as_uri(), size, theme) as seen:
            seen.page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
            seen.page.evaluate(LOADED)
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
        _plays(seen, site)


def test_sound_plays_and_can_be_sought_from_the_preview(
    site: Path, browser: Any, serve: Serve
) -> None:
    address = f"http://127.0.0.1:{serve(site)[1]}"
    with visit(browser, f"{address}/speech.html", PHONE, "dark") as seen:
        _plays(seen, site)
        assert all(url.startswith(address) for url in seen.requests)


def _plays(seen: Visit, site: Path) -> None:
    for path in sorted((site / "audio").iterdir())[:2]:
        heard = seen.page.evaluate(PLAY, f"audio/{path.name}")
        assert heard["duration"] == pytest.approx(1.5, abs=0.01)
        assert 0.1 < heard["played"] < 1.5
        assert 0.7 <= heard["now"] < 1.5
    assert not seen.complaints


def test_a_script_that_was_put_in_does_not_run(site: Path, browser: Any, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "site")
    page = tmp_path / "site" / "index.html"
    bad = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    page.write_text(page.read_text().replace("<main", f"{bad}<main"))
    with visit(browser, page.as_uri(), DESKTOP, "light") as seen:
        assert seen.page.title() == "Small & <quick>"
        said = [text for text in seen.complaints if "violates" in text]
        assert len(said) == 2
        assert all("Content Security Policy" in text for text in said)


@pytest.fixture(scope="module")
def wide_site(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of 200 systems."""
    folder = tmp_path_factory.mktemp("wide")
    ready = [
        f"""
        [[codec]]
        id = "ready-{i}"
        adapter = "reconstructions"
        label = "System {i} of two hundred"
        options = {{ path = "{data}", bitrate = {500 + 10 * i} }}
        """
        for i in range(200)
    ]
    (folder / "wide.toml").write_text(
        f"""
        name = "wide"
        metrics = {{ speech = ["gain_db"] }}
        [[testset]]
        name = "talk"
        domain = "speech"
        path = "{data / "clips.csv"}"
        limit = 1
        """
        + "".join(ready)
    )
    run_suite(load_suite(str(folder / "wide.toml")), folder / "run", "cpu", 1)
    return build_site([folder / "run"], folder / "site").parent


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (2560, 1440)])
def test_two_hundred_systems_do_not_break_a_page(
    size: tuple[int, int], wide_site: Path, browser: Any
) -> None:
    codec_pages = sorted(wide_site.glob("codec-*.html"))
    others = sorted(set(wide_site.glob("*.html")) - set(codec_pages))
    for path in [*others, codec_pages[0]]:
        with visit(browser, path.as_uri(), size, "light") as seen:
            assert seen.page.evaluate("document.documentElement.scrollWidth") == size[0], path
            assert not seen.complaints


@pytest.mark.parametrize("name", ["site", "nasty_site"])
def test_pages_can_be_printed(name: str, browser: Any, request: pytest.FixtureRequest) -> None:
    site: Path = request.getfixturevalue(name)
    for path in sorted(site.glob("*.html")):
        with visit(browser, path.as_uri(), (718, 1000), "dark") as seen:  # A4 within its margins
            seen.page.emulate_media(media="print", color_scheme="light")
            assert not seen.page.locator("nav").is_visible()
            assert seen.page.evaluate("document.documentElement.scrollWidth") == 718, path
            pdf = seen.page.pdf(format="A4")
            assert pdf.startswith(b"%PDF")
            assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 5, path


def test_links_lead_on(joint_site: Path, browser: Any) -> None:
    with visit(browser, (joint_site / "index.html").as_uri(), DESKTOP, "light") as seen:
        seen.page.locator("nav a").last.click()
        assert seen.page.url.endswith("small-2-speech.html")
        assert seen.page.locator("nav a[aria-current]").inner_text() == "Speech"
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        assert not seen.complaints
