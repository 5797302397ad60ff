import hashlib
import json
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from PIL import Image
from typer.testing import CliRunner

from almbench.cli.main import app
from almbench.errors import UserError
from almbench.results.results import load_results
from almbench.site.build import build_site
from almbench.site.output import Output, size_line
from almbench.site.pages import page_data

VOID = {"meta", "link", "img", "source", "br", "hr", "input"}


class Page(HTMLParser):
    """A page, read strictly: every tag is closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []  # what stands within script elements
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open, f"{path}: left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{self.path}: </{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open[-1:] == ["script"] else self.text).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str]:
        return [i for _, attributes in self.tags if (i := attributes.get("id"))]

    def said(self) -> str:
        return " ".join(" ".join(self.text).split())


def pages(site: Path) -> list[Page]:
    found = [Page(path) for path in sorted(site.glob("*.html"))]
    assert found
    return found


def files(site: Path) -> dict[str, str]:
    return {
        str(path.relative_to(site)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["site", "nasty_site", "joint_site"])
def test_every_address_leads_to_a_file_of_the_site(
    name: str, request: pytest.FixtureRequest
) -> None:
    site: Path = request.getfixturevalue(name)
    ids = {page.path.name: page.ids() for page in pages(site)}
    for page in pages(site):
        assert len(set(page.ids())) == len(page.ids())
        addresses = [a.get(k) for _, a in page.tags for k in ("href", "src", "srcset")]
        for address in filter(None, addresses):
            if address == "https://example.org/a&b":  # the home of the suite
                continue
            parts = urlsplit(address)
            assert not parts.scheme
            assert not parts.netloc
            assert not parts.path.startswith("/")
            target = site / (unquote(parts.path) or page.path.name)
            assert target.is_file(), address
            if parts.fragment:  # of a test set: the page's script reads it
                named = unquote(parts.fragment)
                assert named in ids[target.name] or named.startswith("set:"), address


@pytest.mark.parametrize("name", ["site", "nasty_site", "joint_site"])
def test_pages_are_sound(name: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(name)):
        assert page.all("html")[0]["lang"] == "en"
        assert any(m.get("name") == "viewport" for m in page.all("meta"))
        assert any(m.get("name") == "description" and m["content"] for m in page.all("meta"))
        assert all(th.get("scope") for th in page.all("th"))
        assert all("alt" in img for img in page.all("img"))
        assert len(page.all("h1")) == 1
        assert len(page.all("caption")) == len(page.all("table"))
        levels = [int(tag[1]) for tag, _ in page.tags if tag in {"h1", "h2", "h3", "h4", "h5"}]
        assert all(b - a <= 1 for a, b in pairwise(levels))
        regions = [a for _, a in page.tags if a.get("role") == "region"]
        assert all(r["aria-labelledby"] in page.ids() and r["tabindex"] == "0" for r in regions)
        for audio in page.all("audio"):
            assert audio["preload"] == "none"
            assert "controls" in audio


@pytest.mark.parametrize("name", ["site", "nasty_site", "joint_site"])
def test_no_page_runs_what_it_was_given(name: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(name)):
        (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
        assert str(policy).startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in str(policy)
        assert not page.all("style")
        assert not any(a == "style" or a.startswith("on") for _, tag in page.tags for a in tag)
        for script in page.all("script"):
            assert script.get("type") == "application/json" or {"src", "defer"} == script.keys()
        for data in page.scripts:
            json.loads(data)
            assert not set("<>&\u2028\u2029") & set(data)


def test_page_data_survives_and_cannot_end_its_element() -> None:
    value = {"a": "</script><!-- <b> & \u2028\u2029 😀 שלום '\"\\", "b": [1, 2.5, None, True]}
    written = str(page_data(value))
    assert json.loads(written) == value
    assert not set("<>&\u2028\u2029") & set(written)
    with pytest.raises(ValueError, match="not JSON compliant"):
        page_data(float("nan"))


def test_a_page_a_domain(site: Path, joint_site: Path) -> None:
    assert {"index.html", "speech.html", "sound.html"} <= {p.name for p in site.glob("*.html")}
    assert {
        "index.html",
        "small-speech.html",
        "small-sound.html",
        "small-2-speech.html",
    } <= {p.name for p in joint_site.glob("*.html")}


def test_every_sound_is_there_under_a_name_that_tells_nothing(run: Path, site: Path) -> None:
    sources = sorted((run / "reconstructions").rglob("*.flac"))
    assert len(sources) == 2 * 2 * 4
    players = {str(a["src"]) for page in pages(site) for a in page.all("audio")}
    published = [path for folder in ("audio", "views") for path in (site / folder).iterdir()]
    for path in published:
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        assert not path.is_symlink()
    assert players <= {f"audio/{path.name}" for path in published}
    # Both test sets have the same clips, and equal files are written once.
    assert len(players) == len({hashlib.sha256(path.read_bytes()).digest() for path in sources})


def test_the_listening_page_has_the_texts_and_the_scores_of_each_clip(
    run: Path, site: Path
) -> None:
    page = Page(site / "speech.html")
    assert "What is said in a." in page.said()
    (data,) = (json.loads(text) for text in page.scripts)
    (talk,) = data["sets"]
    metrics = pd.read_csv(run / "metrics.csv")
    stoi = metrics[(metrics["testset"] == "talk") & (metrics["metric"] == "stoi")]
    assert len(stoi) == 6
    (source,) = [m["source"] for m in talk["metrics"] if m["name"] == "stoi"]
    scores = received(site / source, source)
    systems = [system["id"] for system in talk["systems"]]
    for i, line in enumerate(talk["clips"]):
        clip = stoi[stoi["clip"] == line[0]].set_index("codec")["value"]
        assert scores[i] == [None, *(round(clip[system], 3) for system in systems[1:])]
        of_clip = received(site / "clips" / f"{line[1]}.js", f"clips/{line[1]}.js")
        alone = Page(site / f"clip-{line[1]}.html").said()
        for version, system in zip(of_clip["versions"], systems, strict=True):
            assert (site / version["url"]).is_file()
            assert (site / version["view"]).is_file()
            if system != "original":
                assert version["scores"][0] == [f"{clip[system]:.3f}", ""]
                assert f"{clip[system]:.3f}" in alone


def received(path: Path, address: str) -> Any:
    """The data in a script, which calls the page with its own address."""
    text = path.read_text(encoding="utf-8").strip()
    head = f'Almbench.receive("{address}", '
    assert text.startswith(head)
    assert text.endswith(");")
    return json.loads(text.removeprefix(head).removesuffix(");"))


def test_a_limit_of_clips_is_drawn_by_the_seed_and_said(run: Path, tmp_path: Path) -> None:
    build_site([run], tmp_path / "one", max_clips=1)
    page = Page(tmp_path / "one" / "speech.html")
    assert len(page.all("audio")) == 4
    assert "1 of them are here to be heard: a sample" in page.said()
    assert Page(tmp_path / "one" / "index.html").said().count("Means over 2 clips") == 2
    build_site([run], tmp_path / "two", max_clips=1)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_cards_of_links_need_an_address(site: Path, nasty_site: Path, joint_site: Path) -> None:
    def cards(page: Path) -> dict[str, str | None]:
        metas = [m for m in Page(page).all("meta") if "property" in m]
        return {str(m["property"]): m["content"] for m in metas}

    assert cards(site / "index.html")["og:title"] == "Small & <quick>"
    assert "og:image" not in cards(site / "index.html")
    assert "og:image" not in cards(joint_site / "index.html")  # whose address is it?
    assert cards(nasty_site / "index.html")["og:url"] == "https://example.org/a&b/"
    told = cards(nasty_site / "speech.html")
    assert told["og:url"] == "https://example.org/a&b/speech.html"
    assert told["og:image"] == "https://example.org/a&b/card.png"
    for page in nasty_site.glob("clip-*.html"):
        address = str(cards(page)["og:image"]).removeprefix("https://example.org/a&b/")
        assert address == f"clips/{page.stem.removeprefix('clip-')}.jpg"
        with Image.open(nasty_site / address) as picture:
            assert picture.size == (1200, 630)
    assert not list((site / "clips").glob("*.jpg"))
    for folder in (site, nasty_site, joint_site):
        with Image.open(folder / "card.png") as picture:
            assert picture.size == (1200, 630)


def test_the_size_is_told_and_judged(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "small").write_bytes(bytes(1_500_000))
    assert size_line(tmp_path) == "1 files, 1.5 MB"
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1_000_000_000)
    assert "2 files, 1001.5 MB. GitHub Pages takes up to 1 GB" in size_line(tmp_path)
    assert "--max-clips" in size_line(tmp_path)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "example.org", "https://a b", "ftp://a"])
def test_results_are_posted_to_the_web_alone(url: str, run: Path, tmp_path: Path) -> None:
    command = ["site", str(run), "-o", str(tmp_path / "site"), "--post-url", url]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, UserError)
    assert url in str(result.exception)
    assert "https://" in str(result.exception)
    assert not (tmp_path / "site").exists()


def test_the_overview_shows_means_with_interval_and_rank(run: Path, site: Path) -> None:
    page = Page(site / "index.html")
    said = page.said()
    summary = pd.read_csv(run / "summary.csv")
    stoi = summary[summary["metric"] == "stoi"].set_index("codec")
    for codec in stoi.index:
        row = stoi.loc[codec]
        mean, low, high = (float(row[name]) for name in ("mean", "ci95_low", "ci95_high"))
        assert f"{mean:.3f} [{low:.3f}, {high:.3f}]" in said
    html = page.path.read_text(encoding="utf-8")
    assert set(stoi["rank_group"].dropna().astype(int)) == {1}  # these few clips tell none apart
    for mean in stoi["mean"]:  # so that neither is marked
        assert f"<strong>{mean:.3f}</strong>" not in html
        assert f"<u>{mean:.3f}</u>" not in html
    version = stoi["version"].iloc[0]
    assert version in Page(site / "measured.html").said()
    assert "Low-pass 3.5 kHz anchor" in said
    assert "First paragraph. Second paragraph." in said


def test_a_page_says_how_it_was_measured(run: Path, site: Path) -> None:
    said = Page(site / "measured.html").said()
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    for name, text in manifest["policies"]["text"].items():
        if name != "version":
            assert f"{name} {text}" in said
    assert f"numpy {np.__version__}" in said
    assert manifest["finished"][:10] in said
    assert manifest["machine"]["python"] in said


def test_tables_to_take_away(run: Path, site: Path) -> None:
    data = site / "data" / "small"
    for name in ("clips", "metrics", "summary"):
        assert (data / f"{name}.csv").read_bytes() == (run / f"{name}.csv").read_bytes()
    latex = load_results(run).export("latex")
    assert (data / "comparison.tex").read_bytes() == latex


def test_hostile_names_are_shown_and_not_obeyed(nasty_site: Path) -> None:
    for page in pages(nasty_site):
        html = page.path.read_text(encoding="utf-8")
        assert "<script>" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert not page.all("b")
        assert all("onerror" not in image for image in page.all("img"))
    alone = min(nasty_site.glob("clip-*.html")).name
    for name in ("index.html", "speech.html", alone):
        said = Page(nasty_site / name).said()
        assert "\"double\" 'single' & <b>bold</b> 😀 שלום" in said
    for drawing in (nasty_site / "plots").rglob("*.svg"):
        assert "<script" not in drawing.read_text(encoding="utf-8")


def test_what_failed_says_why_and_has_no_player(nasty_site: Path) -> None:
    page = Page(nasty_site / "speech.html")
    said = page.said()
    assert "empty.wav is empty (0 bytes)" in said
    assert said.count("No sound:") == 4 + 2  # the broken clip, and two that are not in `ready`
    assert "3 of 4, 1 failed" in Page(nasty_site / "index.html").said()
    assert len(page.all("audio")) == 3 * 3 + 1


def test_the_same_input_gives_the_same_bytes(run: Path, site: Path, tmp_path: Path) -> None:
    build_site([run], tmp_path / "again")
    assert files(tmp_path / "again") == files(site)


def test_building_again_touches_nothing_that_is_the_same(run: Path, tmp_path: Path) -> None:
    build_site([run], tmp_path / "site")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "site").rglob("*.flac")}
    assert before
    build_site([run], tmp_path / "site")
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "site").rglob("*.flac")} == before


def test_what_is_stale_goes_and_what_others_put_there_stays(
    run: Path, nasty: Path, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    build_site([run, nasty], out)
    (out / "CNAME").write_text("example.org")
    next((out / "audio").iterdir()).write_bytes(b"damaged")
    (out / "audio" / "stale.flac").touch()
    with (out / ".almbench-site").open("a") as marker:
        marker.write("audio/stale.flac\n")
    build_site([run], out)
    assert (out / "CNAME").read_text() == "example.org"
    assert not (out / "data" / "small-2").exists()
    assert not (out / "audio" / "stale.flac").exists()
    (out / "CNAME").unlink()
    build_site([run], tmp_path / "fresh")
    assert files(out) == files(tmp_path / "fresh")


def test_an_interrupted_build_is_gone_on_with(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    write = Output.write
    done: list[str] = []

    def breaks_off(self: Output, parts: tuple[str, ...], content: bytes) -> str:
        done.extend(parts[:1] if parts[0] == "audio" else ())
        if len(done) > 3:
            raise KeyboardInterrupt
        return write(self, parts, content)

    with monkeypatch.context() as patch:
        patch.setattr(Output, "write", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            build_site([run], out)
    assert len(list((out / "audio").iterdir())) == 3
    build_site([run], out)
    build_site([run], tmp_path / "fresh")
    assert files(out) == files(tmp_path / "fresh")


def test_a_foreign_folder_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "index.html").write_text("mine")
    with pytest.raises(UserError, match=r"thesis is not empty.*-o"):
        build_site([run], tmp_path / "thesis")
    assert files(tmp_path / "thesis").keys() == {"index.html"}
    assert (tmp_path / "thesis" / "index.html").read_text() == "mine"
    with pytest.raises(UserError, match="takes a folder"):
        build_site([run], tmp_path / "thesis" / "index.html")


def test_a_marker_cannot_lead_outside(run: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    out = build_site([run], tmp_path / "site").parent
    with (out / ".almbench-site").open("a") as marker:
        marker.write(f"../precious\n{tmp_path / 'precious'}\n")
    build_site([run], out)
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_is_no_finished_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a finished run"):
        build_site([tmp_path], tmp_path / "site")
    shutil.copytree(run, tmp_path / "half")
    (tmp_path / "half" / "summary.csv").unlink()
    with pytest.raises(UserError, match=r"summary\.csv is missing.*bench run"):
        build_site([tmp_path / "half"], tmp_path / "site")
    with pytest.raises(UserError, match="twice"):
        build_site([run, run / ".." / run.name], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_plots_show_every_codec_that_has_a_bitrate(site: Path) -> None:
    page = Page(site / "index.html")
    alts = [str(img["alt"]) for img in page.all("img")]
    (alt,) = [text for text in alts if text.startswith("STOI against bitrate")]
    assert "2 codecs from 6.2" in alt
    assert "Highest Opus 24 with 0." in alt
    assert "Without a bitrate, so not drawn: Low-pass 3.5 kHz" in page.said()
    for theme in ("light", "dark"):
        svg = (site / "plots" / "small" / f"talk-stoi-{theme}.svg").read_text(encoding="utf-8")
        assert all(f">Opus {rate}</text>" in svg for rate in (6, 24))
        assert "Low-pass" not in svg
        assert ">STOI ↑</text>" in svg


def test_copied_sound_can_be_read(site: Path) -> None:
    for path in (site / "audio").rglob("*.flac"):
        samples, _ = sf.read(path)
        assert len(samples)
