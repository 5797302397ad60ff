"""What the tokens carry, on the overview and the pages of codecs; and codes below spectrograms."""

import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from almbench.audio import write_flac
from almbench.codecs.codes_file import CodesFacts, write_codes
from almbench.results.probes import ONE_CLUSTER, ProbeRecord, ProbeValue, probe_table
from almbench.results.results import load_results
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_probes
from almbench.site.build import build_site
from almbench.site.codes_view import HEIGHT, draw_codes
from almbench.site.views import WIDTH
from almbench.tokens.folds import MAY_BE_THE_RECORDING
from tests.site.test_chinese import english, names, said
from tests.site.test_overview import rows, visit

Serve = Callable[[Path], tuple[Any, int]]


def value(measure: str, value: float | None, input_: str = "", **more: Any) -> ProbeValue:
    ends: dict[str, Any] = (
        {} if value is None else {"ci95_low": 0.9 * value, "ci95_high": 1.1 * value}
    )
    return ProbeValue(measure=measure, input=input_, value=value, **(ends | more))


def language(first: float, second: float) -> list[ProbeValue]:
    return [
        value("lm_bits_per_second", first, "ngram", unit="bit/s"),
        value("lm_share", 0.5, "ngram"),
        value("lm_bits_per_second", second, "transformer", unit="bit/s"),
        value("lm_share", 0.25, "transformer"),
        value("lm_bits_per_second", 1.0, "transformer", unit="bit/s", book="1"),
    ]


@pytest.fixture(scope="session")
def probed(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a codec of two codebooks, its codes, and what token measures found of it."""
    root = tmp_path_factory.mktemp("runs") / "probed"
    shutil.copytree(run, root)
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    manifest["codecs"][0] |= {"frame_rate": 10.0, "codebook_sizes": [16, 32]}
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    folder = RunFolder(root)
    codes = np.stack([np.arange(15), np.arange(15) + 16])
    for clip in ("a", "b"):
        facts = CodesFacts(codebook_sizes=(16, 32), frame_rate=10.0)
        write_codes(folder.codes("talk", "opus-6", clip), codes, facts)
    one: dict[str, Any] = {"testset": "talk", "status": "ok", "signature": "1"}
    accuracy = [
        value("probe_accuracy", 0.75, "bag", chance=0.5, reason=MAY_BE_THE_RECORDING),
        value("probe_accuracy", 0.25, "bag", chance=0.5, book="1"),
        value("probe_accuracy", None, "vectors", reason="no <vectors>"),
    ]
    stable = [value("stability", 0.625, "noise 30 dB"), value("stability", 0.875, "+1 dB")]
    stable.append(value("lookahead_s", 0.0, unit="s"))  # of all clips the same
    alone: dict[str, Any] = {"ci95_low": None, "ci95_high": None, "reason": ONE_CLUSTER}
    stable.append(value("stoi", 0.5, "own output, 1 pass", **alone))
    log_mel = value("probe_accuracy", 0.96, "bag", chance=0.5)
    records = [
        ProbeRecord(codec="original", family="probe", target="speaker", found=(log_mel,), **one),
        ProbeRecord(codec="opus-6", family="probe", target="speaker", found=tuple(accuracy), **one),
        ProbeRecord(codec="opus-6", family="stability", found=tuple(stable), **one),
        ProbeRecord(codec="opus-6", family="language", found=tuple(language(400, 300)), **one),
        ProbeRecord(codec="opus-24", family="language", found=tuple(language(2000, 3000)), **one),
        ProbeRecord(
            codec="Ours",
            label="Ours <b>",
            family="language",
            found=tuple(language(90.5, 99)),
            **one,
        ),
    ]
    write_probes(probe_table(records), folder)
    made_up = folder.continuations("talk", "opus-6") / "a.sampled.flac"
    made_up.parent.mkdir(parents=True)
    write_flac(made_up, np.sin(np.arange(8000) / 9) / 2, 16_000)
    return root


@pytest.fixture(scope="session")
def probed_site(probed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its site."""
    return build_site([probed], tmp_path_factory.mktemp("sites") / "probed").parent


def test_without_probes_there_is_no_section(site: Path) -> None:
    for page in ("index.html", "codec-opus-6.html"):
        assert "language model" not in (site / page).read_text(encoding="utf-8")


def test_what_tokens_cost_and_carry_is_on_the_overview(
    probed_site: Path, serve: Serve, browser: Any
) -> None:
    _, port = serve(probed_site)
    with visit(browser, f"http://127.0.0.1:{port}/index.html") as page:
        # 10 Hz of 2 codebooks, of 4 and 5 bits. Bits: those of the model that needs the fewest.
        assert rows(page, "table:has(#small\\:bits\\:talk)") == [
            [
                "Opus 0.09 kbps",
                "20",
                "300 [270, 330] Transformer",
                "25 [22, 28]",
                "0.62 [0.56, 0.69]",
            ],
            ["Opus 24 kbps", "–", "2000 [1800, 2200] n-gram", "50 [45, 55]", "–"],
            ["Ours <b>", "–", "90.5 [81.5, 99.6] n-gram", "50 [45, 55]", "–"],
        ]
        assert rows(page, "table:has(#small\\:read\\:talk)") == [
            ["Log-mel spectra of the originals", "0.96 [0.86, 1.06]"],
            ["Opus 0.09 kbps", "0.75 [0.68, 0.83]"],
        ]
        head = page.locator("table:has(#small\\:read\\:talk) thead th").nth(1)
        assert head.inner_text().split() == ["Speaker", "↑", "bag", "of", "codes", "chance", "0.50"]
        picture = page.locator("section:has(#small\\:tokens\\:talk) figure img").first
        alt = picture.get_attribute("alt")
        assert "at 0.3 kbps" in alt
        assert "at 2 kbps" in alt
        page.locator("section:has(#small\\:tokens\\:talk) details").evaluate("d => d.open = true")
        gap = page.locator("section:has(#small\\:tokens\\:talk) details li").inner_text()
        assert gap.startswith("no <vectors> (")
        note = page.locator("section:has(#small\\:tokens\\:talk) ul.fine").first.inner_text()
        assert note.startswith("Speaker, balanced accuracy: the label may be told by the recording")
        assert f"STOI of its own output: {ONE_CLUSTER}" in note


def test_the_page_of_a_codec_has_all_values_by_codebook(
    probed_site: Path, serve: Serve, browser: Any
) -> None:
    _, port = serve(probed_site)
    with visit(browser, f"http://127.0.0.1:{port}/codec-opus-6.html") as page:
        found = rows(page, "table:has(#carried\\:talk)")
        assert found[0] == [
            "Speaker, balanced accuracy", "bag of codes", "0.75", "[0.68, 0.83]", "0.50", "0.96",
            "0.25",
        ]  # fmt: skip
        names = [row[0] for row in found]
        assert names.index("Share of the nominal bitrate") < names.index("Codes that stay the same")
        assert names.count("Codes that stay the same") == 1  # over all its rows
        group = page.locator("tbody", has_text="Codes that stay the same")
        rows_of = group.locator("tr").count()
        head = group.get_by_role("rowheader")
        assert head.get_attribute("rowspan") == str(rows_of)
        assert head.get_attribute("scope") == "rowgroup"
        assert "+1 dB" in group.locator("td:first-of-type").all_inner_texts()
        assert found[-2][:4] == ["Sight of what comes after", "–", "0.00 s", "no spread"]
        assert found[-1][2:4] == ["0.50", "–"]  # whose reason stands below
        picture = page.get_by_alt_text("How often the entries of each codebook occur")
        picture.scroll_into_view_if_needed()
        page.wait_for_function("document.querySelector('.use img').naturalWidth == 800")
        player = page.get_by_label("Sampled by a language model, after the beginning of a")
        assert player.evaluate(
            "a => new Promise(done => { a.onloadedmetadata = () => done(a.duration); a.load(); })"
        ) == pytest.approx(0.5)
        assert page.get_by_text("Not coded, but made up").count() == 1


def test_codes_are_drawn_in_their_places() -> None:
    codes = np.array([[0, 1, 2, 3], [7, 7, 8, -1]])
    picture = np.array(Image.open(BytesIO(draw_codes(codes, 2.0, 2.5))).convert("RGB")).astype(int)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    step = WIDTH // 5  # 4 frames of half a second, and half a second of nothing
    top = [tuple(picture[10, k * step + step // 2]) for k in range(5)]
    low = [tuple(picture[HEIGHT - 10, k * step + step // 2]) for k in range(5)]
    assert len(set(top)) == 5
    assert top[4] == (255, 255, 255)
    assert low[0] == low[1] != low[2]
    assert low[3] == (255, 255, 255)
    assert (picture[10, : step - 1] == picture[10, 0]).all()


def test_codes_without_a_frame_rate_fill_the_clip() -> None:
    picture = np.array(
        Image.open(BytesIO(draw_codes(np.array([[0, 5]]), None, 9.0))).convert("RGB")
    )
    assert (picture[0, WIDTH // 2 - 1] != picture[0, WIDTH // 2]).any()
    assert (picture[0, -1] == picture[0, WIDTH // 2]).all()


@pytest.mark.slow
def test_codes_stand_below_the_spectrogram_unless_names_are_hidden(
    probed_site: Path, serve: Serve, browser: Any
) -> None:
    _, port = serve(probed_site)
    clips = sorted(probed_site.glob("clip-*.html"))
    data = [(probed_site / "clips" / f"{c.stem[5:]}.js").read_text("utf-8") for c in clips]
    clip = next(c for c, text in zip(clips, data, strict=True) if "codes/" in text)
    with visit(browser, f"http://127.0.0.1:{port}/{clip.name}") as page:
        codes = page.locator("img.codes")
        page.wait_for_selector("table.versions")
        assert not codes.is_visible()  # the original has none, but keeps the place
        height = page.locator(".stage .view").bounding_box()["height"]
        page.locator("table.versions input").nth(1).check()
        assert codes.get_attribute("src").startswith("codes/")
        assert codes.get_attribute("alt").startswith("Codes: Opus")
        assert codes.evaluate("i => i.decode().then(() => [i.naturalWidth, i.naturalHeight])") == [
            WIDTH,
            HEIGHT,
        ]
        assert page.locator(".stage .view").bounding_box()["height"] == height
        cursor, view = (page.locator(f".stage .{n}").bounding_box() for n in ("cursor", "view"))
        assert cursor["height"] == pytest.approx(view["height"], abs=3)  # the head is over both
        page.locator("button.blind").click()
        assert codes.is_hidden()
        assert not codes.get_attribute("src").startswith("codes/")


def test_the_section_is_in_chinese_on_a_chinese_site(probed: Path, tmp_path: Path) -> None:
    root = build_site([probed], tmp_path / "zh", language="zh").parent
    named = ["no <vectors>", "Ours <b>", *names(load_results(probed).manifest)]
    for page in ("index.html", "codec-opus-6.html"):
        texts = said(root / page)
        assert "面向语言模型" in texts
        assert [text for text in texts if english(text, named)] == []
