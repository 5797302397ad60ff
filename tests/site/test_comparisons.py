"""Pages of paired comparisons, and sites that grow run by run."""

import json
import re
import shutil
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from almbench.errors import UserError
from almbench.results.compare import compare_codecs
from almbench.results.results import load_results
from almbench.runner.run import run_suite
from almbench.site.build import build_site
from almbench.suite.load import load_suite
from tests.site.conftest import SUITE


class Text(HTMLParser):
    """The text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.said = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.said = re.sub(r"\s+", " ", self.said)

    def handle_data(self, data: str) -> None:
        self.said += data + " "


@pytest.fixture(scope="session")
def newer(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the same clips, in which opus-6 has 9 kbps."""
    suite = data / "newer.toml"
    changed = 'id = "opus-6"\nadapter = "opus"\nlabel = "Opus"\noptions = { bitrate = 9000 }'
    suite.write_text(SUITE.replace('id = "opus-6"', changed))
    root = tmp_path_factory.mktemp("runs") / "newer"
    run_suite(load_suite(str(suite)), root, "cpu", 1)
    return root


@pytest.fixture(scope="session")
def versus_site(run: Path, newer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the newer run against the older one."""
    site = tmp_path_factory.mktemp("sites") / "versus"
    return build_site([newer], site, baseline=run).parent


AGAINST = "small-2-against-small.html"


def test_a_new_run_stands_against_an_old_one(run: Path, newer: Path, versus_site: Path) -> None:
    page = Text(versus_site / AGAINST)
    assert "codec opus-6, stated_bps: 6000.0, now 9000.0" in page.said
    old, new = load_results(run), load_results(newer)
    made = compare_codecs(old, [("opus-6", "opus-6")], ["stoi"], new)[0]
    assert made.difference is not None
    shown = f"{made.baseline_mean:.3f} {made.mean:.3f} {made.difference:+.3f} ["
    assert shown in page.said
    assert "speech: Opus (9 kbps) against Opus (6 kbps)".replace("speech", "talk") in (
        page.said.replace(" : ", ": ")
    )
    assert "equal on all 2 clips" in page.said  # opus-24, which has not changed
    links = re.findall(r'href="#(pair%3A\d)"', (versus_site / AGAINST).read_text(encoding="utf-8"))
    assert links == [f"pair%3A{number}" for number in range(1, page.said.count("Verdict") + 1)]
    table = pd.read_csv(versus_site / "data" / AGAINST.replace(".html", ".csv"))
    assert set(table["metric"]) == {"stoi", "mel_distance"}  # main ones of speech or of sound
    index = (versus_site / "index.html").read_text(encoding="utf-8")
    assert f'href="{AGAINST}"' in index


def test_the_clips_that_moved_most_are_links_without_scripts(
    versus_site: Path, browser: Any
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((versus_site / AGAINST).as_uri())
    links = page.locator(".clips li").first.locator("a")
    heard, pages = (
        links.and_(page.locator(which)).evaluate_all(
            "all => all.map(one => one.getAttribute('href'))"
        )
        for which in (".version", ":not(.version)")
    )
    assert len(heard) == len(set(heard)) == 3
    assert all((versus_site / address).is_file() for address in heard)
    assert [link.split("#")[0] for link in pages] == ["small-speech.html", "small-2-speech.html"]
    links.and_(page.locator(":not(.version)")).last.click()
    assert "clip=" in page.url
    page.context.close()


@pytest.mark.parametrize("served", [True, False])
def test_the_clips_that_moved_most_are_heard_in_step(
    served: bool, versus_site: Path, serve: Any, browser: Any
) -> None:
    page = browser.new_page()
    home = f"http://127.0.0.1:{serve(versus_site)[1]}" if served else versus_site.as_uri()
    page.goto(f"{home}/{AGAINST}")
    clips = page.locator(".clips li")
    first, other = (clips.nth(number).locator("button") for number in (0, 1))
    first.nth(1).click()
    on = page.locator(".clips .on")
    expect(on).to_have_count(1)
    assert on.get_attribute("aria-label") == first.nth(1).get_attribute("aria-label")
    first.nth(2).click()  # switches, and goes on playing
    expect(first.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(first.nth(1)).to_have_attribute("aria-pressed", "false")
    other.first.click()  # one sound at a time
    expect(other.first).to_have_attribute("aria-pressed", "true")
    expect(on).to_have_count(1)
    other.first.click()
    expect(on).to_have_count(0)
    page.close()


@pytest.mark.parametrize("name", ["index.html", AGAINST, "small-overview.html"])
def test_pages_of_several_runs_have_no_barrier(name: str, versus_site: Path, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True)
    page = context.new_page()
    page.goto((versus_site / name).as_uri())
    found = Axe().run(page).response["violations"]
    width = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    assert width == 390


def test_the_own_codec_stands_against_the_others(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    manifest = tmp_path / "run" / "manifest.json"
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    facts["suite"]["highlight"] = "opus-6"
    manifest.write_text(json.dumps(facts), encoding="utf-8")
    site = build_site([tmp_path / "run"], tmp_path / "site").parent
    page = Text(site / "comparison.html")
    assert "Opus (6 kbps) against the others" in page.said
    assert "2 clips do not separate these two" in page.said or "worse" in page.said
    assert "Low-pass" not in page.said  # an anchor
    assert 'href="comparison.html"' in (site / "speech.html").read_text(encoding="utf-8")


def test_runs_that_share_nothing_are_refused(run: Path, nasty: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "other")
    manifest = tmp_path / "other" / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    for id_ in ("opus-6", "opus-24", "lowpass-3.5"):
        text = text.replace(f'"{id_}"', f'"other-{id_}"')
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="has no codec of"):
        build_site([tmp_path / "other"], tmp_path / "site", baseline=run)
    assert not (tmp_path / "site").exists()


def test_a_site_grows(run: Path, newer: Path, nasty: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(nasty, tmp_path / "gone")
    build_site([run], site, add=True)
    assert (site / "small-speech.html").is_file()  # as with several, so that addresses last
    build_site([newer], site, add=True)
    build_site([newer], site, add=True)
    index = json.loads((site / "runs.json").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in index["runs"]] == ["small", "small-2"]
    assert [entry["page"] for entry in index["runs"]] == [
        "small-overview.html", "small-2-overview.html"
    ]  # fmt: skip
    talk = index["runs"][0]["testsets"][0]
    summary = pd.read_csv(StringIO((site / index["runs"][0]["tables"]["summary"]).read_text()))
    stoi = summary[(summary["testset"] == "talk") & (summary["metric"] == "stoi")]
    means = {m["codec"]: m["mean"] for m in talk["means"] if m["metric"] == "stoi"}
    assert means == dict(zip(stoi["codec"], stoi["mean"], strict=True))
    assert str(tmp_path) not in (site / "runs.json").read_text(encoding="utf-8")

    build_site([tmp_path / "gone"], site, add=True)
    shutil.rmtree(tmp_path / "gone")
    before = (site / "index.html").read_bytes()
    with pytest.raises(UserError, match="not there any more"):
        build_site([newer], site, add=True)
    assert (site / "index.html").read_bytes() == before
    build_site([newer], site)  # without --add the site is that of this run
    assert [e["name"] for e in json.loads((site / "runs.json").read_text())["runs"]] == ["small"]


def test_a_damaged_list_of_runs_is_said(run: Path, tmp_path: Path) -> None:
    site = build_site([run], tmp_path / "site").parent
    (site / ".almbench-runs.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        build_site([run], site, add=True)
