"""The overview, the pages of codecs, and the page that says how it was measured."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from almbench.metrics.bitstream import BITSTREAM_METRICS
from almbench.metrics.registry import metric as metric_facts
from almbench.metrics.registry import metric_names
from almbench.results.tables import records
from almbench.site import overview
from almbench.site.build import build_site
from almbench.site.means import groups
from almbench.statistics.rank_groups import rank_groups

MEANS = "section[data-domain=speech] .means table"
HASH = "5e" * 32
# The words of tables that stand on more than one line.
BROKEN_WORDS = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll("table :is(th, td)")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      for (const found of node.data.matchAll(/[^\\s,;–]+/g)) {
        const range = document.createRange();
        range.setStart(node, found.index);
        range.setEnd(node, found.index + found[0].length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (lines.size > 1) broken.push(found[0]);
      }
    }
  }
  return broken;
}"""
Serve = Callable[[Path], tuple[Any, int]]


@pytest.fixture(scope="session")
def dressed(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose first codec has codebooks and a checkpoint, and that has published figures."""
    root = tmp_path_factory.mktemp("runs") / "dressed"
    shutil.copytree(run, root)
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    manifest["suite"]["highlight"] = "opus-6"
    manifest["codecs"][0] |= {
        "frame_rate": 12.5,
        "codebook_sizes": [16, 32],
        "parameters": 1_234_567,
        "checkpoint": {"source": "/home/me/secret/weights", "revision": "", "sha256": HASH},
        "weights_license": "CC-BY-4.0",
    }
    source = "A & B, <i>2025</i>"
    figures = [("stoi", 0.5, "talk", None), ("utmos", 3.0, None, "speech")]
    manifest["suite"]["published"] = [
        {
            "codec": "opus-6",
            "metric": m,
            "value": v,
            "testset": t,
            "domain": d,
            "source": source,
        }
        for m, v, t, d in figures
    ]
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    summary = pd.read_csv(root / "summary.csv", dtype={"rank_group": str})
    values = {
        "codebook_use_k1": 0.75, "codebook_perplexity_k1": 9.5, "ngram_bits_k1": 3.13,
        "tokens_k1": 120, "size_bits_k1": 4.0, "entropy_bits_k1": 3.25,
        "codebook_use_k2": 0.5, "codebook_perplexity_k2": 12.3, "ngram_bits_k2": None,
    }  # fmt: skip
    base = {"testset": "talk", "domain": "speech", "codec": "opus-6", "failed": 0, "label": "Opus"}
    rows = [{**base, "metric": name, "mean": value, "n": 2} for name, value in values.items()]
    pd.concat([summary, pd.DataFrame(rows)]).to_csv(root / "summary.csv", index=False)
    return root


@pytest.fixture(scope="session")
def dressed_site(dressed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its site."""
    return build_site([dressed], tmp_path_factory.mktemp("sites") / "dressed").parent


@contextmanager
def visit(browser: Any, address: str, **context: Any) -> Iterator[Any]:
    opened = browser.new_context(viewport={"width": 1440, "height": 900}, **context)
    page = opened.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(address)
    yield page
    assert not complaints
    opened.close()


def open_tables(page: Any) -> None:
    """Open the whole tables of means, and what is chosen by."""
    page.locator("details.rest, details.filters").evaluate_all(
        "all => all.forEach(one => (one.open = true))"
    )


def rows(page: Any, table: str) -> list[list[str]]:
    """The text of each visible cell of a table, as a reader gets it."""
    found: list[list[str]] = page.locator(f"{table} tbody tr:visible").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.replace(/\\s+/g, ' ')))"
    )
    return found


def read(run: Path) -> pd.DataFrame:
    summary = pd.read_csv(run / "summary.csv", dtype={"rank_group": str})
    return summary.fillna({"rank_group": ""})


def test_the_summary_has_the_rank_groups_of_its_clips(run: Path) -> None:
    metrics, summary = pd.read_csv(run / "metrics.csv"), read(run)
    checked = 0
    for (testset, metric), rows_ in metrics.groupby(["testset", "metric"]):
        of_set = summary[(summary["testset"] == testset) & (summary["metric"] == metric)]
        found = dict(zip(of_set["codec"], of_set["rank_group"], strict=True))
        ranked = metric in {"stoi", "mel_distance"}
        values = rows_.pivot_table(index="clip", columns="codec", values="value")
        values = values.drop(columns="lowpass-3.5", errors="ignore") if ranked else values.iloc[:0]
        expected = rank_groups(values, higher_is_better=metric == "stoi")
        assert {codec: group for codec, group in found.items() if group} == {
            codec: group for codec, group in expected.items() if group
        }
        checked += ranked
    assert checked == 3


def test_rank_groups_for_readers() -> None:
    assert groups("") == ""
    assert groups("2") == "group 2"
    assert groups("1 2 3 5 7 8") == "groups 1–3, 5, 7–8"


def test_every_metric_has_its_note() -> None:
    facts = [*(metric_facts(name) for name in metric_names()), *BITSTREAM_METRICS]
    assert all(m.note.endswith(".") and m.caveat.endswith(".") for m in facts)


@pytest.mark.slow
def test_every_figure_of_a_table_of_means_is_that_of_the_summary(
    run: Path, site: Path, browser: Any
) -> None:
    summary = read(run)
    with visit(browser, (site / "index.html").as_uri()) as page:
        open_tables(page)
        for testset, domain in (("talk", "speech"), ("noise", "sound")):
            table = f"section[data-domain={domain}] .means table"
            heads = page.locator(f"{table} thead th").all_inner_texts()
            shown = [h.split("\n")[0].removesuffix("↑").removesuffix("↓").strip() for h in heads]
            assert shown[-2:] == ["Mel distance", "Level difference"]
            of_set = summary[
                (summary["testset"] == testset) & (summary["metric"] == "mel_distance")
            ]
            cells = [row[shown.index("Mel distance")] for row in rows(page, table)]
            assert cells == [
                f"{row['mean']:.3f} [{row['ci95_low']:.3f}, {row['ci95_high']:.3f}] "
                f"{groups(row['rank_group'])}".strip()
                for row in records(of_set)
            ]
        exact = page.locator(f"{MEANS} tbody td:nth-child(3)").evaluate_all(
            "cells => cells.map(cell => cell.dataset.value)"
        )
    stoi = summary[(summary["testset"] == "talk") & (summary["metric"] == "stoi")]
    assert [float(value) for value in exact] == list(stoi["mean"])


SCREENS = {"desktop": (1440, 900), "phone": (390, 844)}
FIRST_SCREEN = [".compared", ".finding", ".listen a", ".answer img", ".compact thead"]


@pytest.mark.parametrize("screen", list(SCREENS))
@pytest.mark.parametrize("script", [True, False])
def test_the_first_screen_answers(
    screen: str, script: bool, dressed_site: Path, browser: Any
) -> None:
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=script
    )
    page = context.new_page()
    page.goto((dressed_site / "index.html").as_uri())
    for part in FIRST_SCREEN:
        box = page.locator(part).first.bounding_box()
        assert box["y"] + min(box["height"], 150) <= height, part
        assert box["x"] >= 0
    assert "2 systems at 0.11–24 kbps and 1 anchor" in page.locator(".compared").inner_text()
    assert page.locator(".finding p").count() == 2
    page.locator(".listen a").first.click()
    assert page.url.endswith("speech.html#set%3Atalk")
    context.close()


def test_the_compact_table_has_one_line_a_cell_until_asked(
    dressed_site: Path, browser: Any
) -> None:
    with visit(browser, (dressed_site / "index.html").as_uri()) as page:
        table = page.locator("section[data-domain=speech] .compact table")
        heights = table.locator("tbody tr").evaluate_all("all => all.map(one => one.offsetHeight)")
        assert max(heights) < 34
        assert table.locator("thead th").all_inner_texts() == [
            "System",
            "kbps",
            "STOI\xa0↑",
        ]
        assert rows(page, "section[data-domain=speech] .compact table")[0][1].startswith(
            "0.11 / 6."
        )
        assert not table.locator(".more").first.is_visible()
        page.get_by_label("Intervals and rank groups").first.check()
        assert table.locator(".more").first.is_visible()
        own = table.locator("tr.own")
        assert own.count() == 1
        assert own.locator("th").inner_text() == "◆ Opus"


def test_no_word_of_a_table_is_broken(site: Path, browser: Any) -> None:
    with visit(browser, (site / "index.html").as_uri()) as page:
        open_tables(page)
        page.set_viewport_size({"width": 1024, "height": 800})
        broken = page.evaluate(BROKEN_WORDS)
        assert broken == []


@pytest.mark.slow
def test_headings_sort_best_first_then_the_other_way_then_not(site: Path, browser: Any) -> None:
    with visit(browser, (site / "index.html").as_uri()) as page:
        open_tables(page)

        def order() -> list[str]:
            return [row[0].split(" ")[0] + row[0][-9:] for row in rows(page, MEANS)]

        def sorted_by() -> list[str | None]:
            found: list[str | None] = page.locator(f"{MEANS} thead th").evaluate_all(
                "heads => heads.map(head => head.getAttribute('aria-sort'))"
            )
            return found

        suite = order()
        six, full, anchor = suite
        head = page.locator(f"{MEANS} thead th", has_text="Mel distance")
        column = head.evaluate("head => head.cellIndex")
        values = [float(row[column].split(" ")[0]) for row in rows(page, MEANS)]
        by_value = [suite[i] for i in np.argsort(values)]
        assert by_value != suite
        button = page.locator(MEANS).get_by_role("button", name="Mel distance")
        button.focus()
        page.keyboard.press("Enter")
        assert order() == by_value
        assert sorted_by()[column] == "ascending"  # the least distance is the best
        page.keyboard.press("Space")
        assert order() == by_value[::-1]
        assert sorted_by()[column] == "descending"
        page.keyboard.press("Enter")
        assert order() == suite
        assert set(sorted_by()) == {None}

        page.locator(MEANS).get_by_role("button", name="STOI").click()
        assert sorted_by().count("descending") == 1
        page.locator(MEANS).get_by_role("button", name="Measured").click()
        assert order() == [full, six, anchor]  # the anchor has no bitrate
        assert [s for s in sorted_by() if s] == ["descending"]
        page.locator(MEANS).get_by_role("button", name="Measured").click()
        assert order() == [six, full, anchor]  # and what lacks stays last
        page.locator(f"{MEANS} thead th button").first.click()
        assert [name.split(" ")[0][:3] for name in order()] == ["Low", "Opu", "Opu"]


@pytest.mark.slow
def test_what_is_shown_can_be_chosen(site: Path, browser: Any) -> None:
    with visit(browser, (site / "index.html").as_uri()) as page:
        open_tables(page)

        def codecs() -> list[str]:
            return [row[0] for row in rows(page, "table[data-list]")]

        assert len(codecs()) == 3
        said = page.locator("#shown")
        page.get_by_label("Domain").select_option("sound")
        assert page.get_by_role("heading", name="noise").is_visible()
        assert not page.get_by_role("heading", name="talk").is_visible()
        assert not page.locator(MEANS).is_visible()
        page.get_by_label("Domain").select_option("all")
        assert page.locator(MEANS).is_visible()

        page.get_by_label("Family").select_option("opus")
        assert codecs() == ["Opus", "Opus"]
        assert [row[0] for row in rows(page, MEANS)] == ["Opus 6 kbps", "Opus 24 kbps"]
        assert said.inner_text().startswith("2 of 3 codecs.")
        page.get_by_label("kbps from").fill("7")
        assert [row[0] for row in rows(page, MEANS)] == ["Opus 24 kbps"]
        page.get_by_label("Family").select_option("all")
        assert codecs() == ["Opus"]
        assert "codecs without a bitrate are hidden" in said.inner_text()
        page.get_by_label("to", exact=True).fill("8")
        assert codecs() == []
        page.get_by_role("button", name="Show all").click()
        assert len(codecs()) == 3
        assert said.inner_text() == ""


@pytest.mark.slow
def test_no_choice_is_offered_where_there_is_none(nasty_site: Path, browser: Any) -> None:
    with visit(browser, (nasty_site / "index.html").as_uri()) as page:
        assert page.get_by_label("Domain").count() == 0
        assert page.get_by_label("Family").count() == 1


@pytest.mark.slow
def test_without_script_all_is_there_and_nothing_that_needs_it(site: Path, browser: Any) -> None:
    with visit(browser, (site / "index.html").as_uri(), java_script_enabled=False) as page:
        assert page.get_by_role("button").count() == 0
        assert not page.locator("#filters").is_visible()
        assert page.locator("section[data-domain=speech] .compact tr:visible").count() == 4
        page.locator("section[data-domain=speech] summary").click()
        assert page.locator(f"{MEANS} tbody tr:visible").count() == 3
        page.locator("table[data-list] a").first.click()
        assert page.url.endswith("codec-opus-6.html")


@pytest.mark.slow
def test_hostile_names_are_sorted_chosen_and_cited(
    nasty: Path, nasty_site: Path, browser: Any, serve: Serve
) -> None:
    home = f"http://127.0.0.1:{serve(nasty_site)[1]}"
    allowed = ["clipboard-read", "clipboard-write"]
    with visit(browser, f"{home}/index.html", permissions=allowed) as page:
        open_tables(page)
        page.locator("table[data-list] th button").first.click()
        assert len(rows(page, "table[data-list]")) == 3
        page.get_by_label("Family").select_option("opus")
        assert len(rows(page, "table[data-list]")) == 2
        page.get_by_role("button", name="Copy").click()
        page.get_by_text("Copied.").wait_for()
        suite = json.loads((nasty / "manifest.json").read_text(encoding="utf-8"))["suite"]
        assert page.evaluate("navigator.clipboard.readText()") == suite["citation"].strip()
    with visit(browser, (nasty_site / "codec-opus-24.html").as_uri()) as page:
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width == 1440
        assert page.locator("h1").inner_text().startswith("longlong")


@pytest.mark.slow
def test_published_figures_stand_beside_the_measured_and_are_not_ranked(
    dressed: Path, dressed_site: Path, browser: Any
) -> None:
    summary = read(dressed)
    stoi = summary[(summary["codec"] == "opus-6") & (summary["metric"] == "stoi")]["mean"].item()
    with visit(browser, (dressed_site / "index.html").as_uri()) as page:
        table = "section[data-domain=speech] .published table"
        assert rows(page, table) == [
            ["Opus", "STOI", "0.5", f"{stoi:.3f}", "A & B, <i>2025</i>"],
            ["Opus", "UTMOS", "3.0", "–", "A & B, <i>2025</i>"],
        ]
        assert page.locator(f"{table} strong, {table} u").count() == 0
        assert "neither ranked" in page.locator(f"{table} caption").inner_text()
        assert page.locator("section[data-domain=sound] .published").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["opus-6", "opus-24", "lowpass-3.5"])
def test_the_page_of_a_codec_has_the_figures_of_the_summary(
    codec: str, run: Path, site: Path, browser: Any
) -> None:
    summary = read(run)
    labels = {"stoi": ("STOI", 3), "mel_distance": ("Mel distance", 3)}
    with visit(browser, (site / f"codec-{codec}.html").as_uri()) as page:
        for testset, metrics in (("talk", ["stoi", "mel_distance"]), ("noise", ["mel_distance"])):
            shown = {row[0].split(" ↑")[0].split(" ↓")[0]: row[1:] for row in rows(
                page, f"[id='results:{testset}'] .scroller table")}  # fmt: skip
            for metric in metrics:
                of = summary[
                    (summary["testset"] == testset)
                    & (summary["codec"] == codec)
                    & (summary["metric"] == metric)
                ].iloc[0]
                label, digits = labels[metric]
                low, high = f"{of['ci95_low']:.{digits}f}", f"{of['ci95_high']:.{digits}f}"
                group = groups(of["rank_group"]) or "–"
                mean = shown[label][0].removesuffix("⁼")
                assert [mean, *shown[label][1:3]] == [
                    f"{of['mean']:.{digits}f}", f"[{low}, {high}]", group
                ]  # fmt: skip
                tied = "Opus" in shown[label][3]
                others = summary[
                    (summary["testset"] == testset)
                    & (summary["metric"] == metric)
                    & summary["codec"].isin({"opus-6", "opus-24"} - {codec})
                ]
                shared = set(of["rank_group"].split()).intersection(
                    *(set(text.split()) for text in others["rank_group"])
                )
                assert tied == (bool(shared) and codec.startswith("opus"))


@pytest.mark.slow
def test_the_page_of_a_codec_tells_its_facts_speed_and_tokens(
    run: Path, dressed_site: Path, browser: Any
) -> None:
    with visit(browser, (dressed_site / "codec-opus-6.html").as_uri()) as page:
        facts = dict(
            page.locator(".facts div").evaluate_all(
                "all => all.map(one => [...one.children].map(part => part.innerText))"
            )
        )
        books = rows(page, "[id='results:talk'] .scroller:has-text('Codebook') table")
        assert "/home/me" not in page.content()
    assert facts["Codebooks"] == "2, of 16, 32 entries"
    assert facts["Tokens"] == "25 a second"
    assert facts["Parameters"] == "1.2 million"
    assert facts["Checkpoint"] == "weights"
    assert facts["SHA-256"] == HASH
    assert facts["Weights"] == "CC-BY-4.0"
    assert facts["Causal"] in {"yes", "no", "not known"}
    assert "bitrate 6000" in facts["Settings"]
    clips = pd.read_csv(run / "clips.csv")
    timed = clips[clips["codec"] == "opus-6"]
    rtf = (timed["encode_rtf"] * timed["duration_s"]).sum() / timed["duration_s"].sum()
    times = f"{1 / rtf:,.0f}" if rtf <= 0.01 else f"{1 / rtf:.3g}"
    assert facts["Encoding"] == f"{1000 * rtf:.3g} ms a second of sound, {times} times real time"
    assert facts["On"].startswith("cpu; ")
    assert books == [
        ["1", "16", "120", "75.0", "9.5", "4.00", "3.25", "3.13"],
        ["2", "32", "–", "50.0", "12.3", "–", "–", "–"],
    ]


@pytest.mark.slow
def test_the_best_and_the_worst_clip_can_be_heard(run: Path, site: Path, browser: Any) -> None:
    metrics = pd.read_csv(run / "metrics.csv")
    stoi = metrics[(metrics["metric"] == "stoi") & (metrics["codec"] == "opus-6")]
    worst, *_, best = records(stoi.sort_values("value"))
    with visit(browser, (site / "codec-opus-6.html").as_uri()) as page:
        assert page.get_by_role("heading", name="Best by STOI").count() == 1
        section = page.locator("[id='results:talk'] .clips li")
        shown = [text.split() for text in section.locator("p").all_inner_texts()]
        assert shown == [[row["clip"], "STOI", f"{row['value']:.3f}"] for row in (best, worst)]
        sounds = section.locator("audio").evaluate_all("all => all.map(a => a.getAttribute('src'))")
    assert len(set(sounds)) == 4
    for address, (clip, codec) in zip(
        sounds, [(r["clip"], c) for r in (best, worst) for c in ("original", "opus-6")], strict=True
    ):
        stored = run / "reconstructions" / "talk" / codec / f"{clip}.flac"
        if codec == "original":  # the same rate and length, so the very same file
            assert (site / address).read_bytes() == stored.read_bytes()
        assert (site / address).is_file()


@pytest.mark.slow
def test_a_page_says_what_each_metric_measures(run: Path, site: Path, browser: Any) -> None:
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    with visit(browser, (site / "measured.html").as_uri()) as page:
        lines = {row[0].split(" ")[0]: row for row in rows(page, "table")}
        stoi = next(m for m in manifest["metrics"] if m["name"] == "stoi")
        assert lines["STOI"][1:4] == ["↑ higher", "−1 to 1", "16 kHz"]
        assert lines["STOI"][4:] == [stoi["note"], stoi["caveat"], stoi["version"]]
        assert lines["Mel"][1:4] == ["↓ lower", "from 0", "the test set's"]
        assert lines["Level"][1:3] == ["neither", "any"]
        assert page.get_by_text(manifest["command"], exact=True).count() == 1
        assert "Measured" in lines
        assert "Entropy" not in lines  # nothing here has codes


def test_large_tables_are_published_compressed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = run / "metrics.csv"
    monkeypatch.setattr(overview, "LARGE_TABLE", table.stat().st_size - 1)
    build_site([run], tmp_path, 1)
    data = tmp_path / "data" / "small"
    assert not (data / "metrics.csv").exists()
    assert gzip.decompress((data / "metrics.csv.gz").read_bytes()) == table.read_bytes()
    assert pd.read_csv(data / "metrics.csv.gz").equals(pd.read_csv(table))
    assert (data / "summary.csv").is_file()
    page = (tmp_path / "index.html").read_text()
    assert 'href="data/small/metrics.csv.gz" download>metrics.csv.gz</a>' in page
    assert "(large, so compressed by gzip" in page
    listed = json.loads((tmp_path / "runs.json").read_text())["runs"][0]["tables"]
    assert {name: (tmp_path / at).is_file() for name, at in listed.items()} == dict.fromkeys(
        ("summary", "clips", "metrics"), True
    )
    before = (data / "metrics.csv.gz").read_bytes()
    build_site([run], tmp_path, 1)
    assert (data / "metrics.csv.gz").read_bytes() == before
