"""What a Chinese site shows: no English beyond names, units and what is the same everywhere."""

import re
from pathlib import Path
from typing import Any

import pytest

from almbench.results.codec_record import CodecRecord
from almbench.results.manifest import Manifest
from almbench.results.results import load_results
from almbench.site.build import build_site
from almbench.site.language import speak
from almbench.site.summary import _license
from almbench.site.told import SHAPES, told
from tests.site.test_language import Texts

# Terms that Chinese papers write in English, too: units, formats, programs, methods, people.
COMMAND = re.compile(r"(?<![A-Za-z])bench( \w+)+( --?\w+)*", re.ASCII)
TERMS = re.compile(
    r"almbench|bench|kbps|bit(/s)?|k?Hz|dB|ms|min|MB|MOS|GMAC|SHA-256|(web)?MUSHRA|ABX|"
    r"FLAC|PDF|SVG|CSV|JSON|HTML|JavaScript|Python|UTC|commit|booktabs|Holm|token|soxr|ITU-R|BS|CR2|LaTeX|"
    r"Pareto|Pearson|Spearman|Bell|McCaffrey|Satterthwaite|Google|V/UV|(tests/statistics/)?\w+\.[a-z]\w*",
    re.ASCII,
)
# Facts of head elements that nobody reads.
HIDDEN = re.compile(r"default-src.*|width=device-width.*|light dark|website|summary_large_image")


def said(path: Path) -> list[str]:
    """What a page shows or says aloud."""
    page = Texts()
    page.feed(path.read_text(encoding="utf-8"))
    return [text for _, text in page.found]


def names(manifest: Manifest) -> list[str]:
    """What a run names, which no interface translates."""
    suite = manifest.suite
    found = [suite.title, suite.name, *suite.description.split("\n\n"), *suite.authors, suite.url]
    for codec in manifest.codecs:
        found += [codec.label, codec.id, codec.family, codec.license, codec.weights_license]
        found += [str(value) for setting in codec.settings.items() for value in setting]
    for metric in manifest.metrics:
        found += [*metric.label.split(), metric.name, metric.unit, metric.version]
        found += [str(value) for setting in metric.settings.items() for value in setting]
    for testset in manifest.testsets:
        found += [
            testset.name,
            *(text for c in testset.clips for text in (c.id, c.speaker, c.text)),
        ]
    machine = manifest.machine
    found += [
        manifest.command,
        machine.processor,
        machine.system,
        machine.python,
        manifest.run.device,
    ]
    found += [*manifest.packages, *(str(version) for version in manifest.packages.values())]
    found += [manifest.almbench, manifest.commit, manifest.finished, manifest.suite_sha256]
    return sorted({text.strip() for text in map(str, found) if text}, key=len, reverse=True)


def english(text: str, named: list[str]) -> str:
    """The English words of a text that are neither names nor terms."""
    text = re.sub("[0-9a-f]{12,}", " ", text)  # ids and checksums
    text = COMMAND.sub(" ", text)  # before names, of which "bench" may be one
    for name in named:
        text = re.sub(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", " ", text)
    text = HIDDEN.sub(" ", text)
    text = re.sub(rf"(?<![A-Za-z])({TERMS.pattern})(?![A-Za-z])", " ", text)
    return " ".join(re.findall(r"[A-Za-z]{2,}", text))


@pytest.fixture(scope="session")
def chinese(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site([run], tmp_path_factory.mktemp("sites") / "zh", language="zh").parent


def test_no_english_is_left_on_a_chinese_site(run: Path, chinese: Path) -> None:
    named = names(load_results(run).manifest)
    left = [
        f"{path.name}: {words} in: {text.strip()}"
        for path in sorted(chinese.glob("*.html"))
        for text in said(path)
        if (words := english(text, named))
    ]
    assert not left, "\n".join(left)


def test_axes_of_plots_on_pages_are_named_in_chinese(chinese: Path) -> None:
    drawings = [path.read_text(encoding="utf-8") for path in chinese.rglob("*.svg")]
    assert any("比特率 (kbps)" in drawing for drawing in drawings)
    assert any("Bitrate (kbps)" in drawing for drawing in drawings), "those to take away"


@pytest.mark.slow
def test_no_english_is_left_in_the_matrix_and_the_card(
    run: Path, chinese: Path, browser: Any
) -> None:
    named = names(load_results(run).manifest)
    page = browser.new_page()
    page.goto((chinese / "speech.html").as_uri())
    page.locator(".clip").first.click()
    page.locator(".card .versions td").first.wait_for()
    shown = page.locator("main").inner_text().splitlines()
    shown += page.evaluate("[...document.querySelectorAll('[aria-label]')].map(e => e.ariaLabel)")
    shown += page.evaluate("[...document.querySelectorAll('[title]')].map(e => e.title)")
    page.close()
    assert [text for text in shown if english(text, named)] == []


def test_reasons_and_notes_are_told_in_chinese() -> None:
    two = (
        "its rate is 16000 Hz, the original's 24000 Hz; "
        "reconstruction is 0.120 s longer than the original; cut"
    )
    many = "9 clips of 5 speakers do not separate these two, among so many comparisons"
    assert told(two) == two
    with speak("zh"):
        assert told("") == ""
        assert told(two) == "其采样率为 16000 Hz，原声为 24000 Hz; 重建比原声长 0.120 s，已截去"
        assert told(many) == "5 位说话人的 9 个片段无法区分二者（就如此多的比较而言）"
        assert told("something else, of 3 kinds") == "something else, of 3 kinds"
        for shape in SHAPES:
            assert not english(told(re.sub(r"\{\w+\}", "12", shape)), ["wer_to_original"]), shape


def test_licences_of_codecs_are_told_in_chinese() -> None:
    record = CodecRecord.model_construct(license="MIT", weights_license="not stated by the authors")
    assert _license(record) == "MIT; weights not stated by the authors"
    with speak("zh"):
        assert _license(record) == "MIT; 权重 作者未说明"
