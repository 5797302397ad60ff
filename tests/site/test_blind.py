"""The blind tests: what their pages hold, and each of them taken from start to end in a browser."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from scipy.stats import binomtest

from almbench.listening.abx import AbxResult
from almbench.listening.design import MAX_CLIPS
from almbench.listening.kinds import KINDS
from almbench.listening.mushra import MAX_SYSTEMS, MushraResult
from almbench.listening.submissions import read_submissions
from almbench.names import ORIGINAL
from almbench.results.results import Results
from almbench.runner.run import run_suite
from almbench.site.blind import BlindTest, blind_pages
from almbench.site.build import build_site
from almbench.site.media import publish_sounds
from almbench.site.output import Output
from almbench.site.pages import Site
from almbench.site.source import read_runs
from almbench.suite.load import load_suite

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ANCHORS = {"anchor-3.5": 3500, "anchor-7": 7000}
NAMES = ["opus", "lowpass", "low-pass", "kbps", "anchor-", '"original']  # of systems, in any form


# What the pages hold


def data_of(path: Path) -> Any:
    html = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


def key_of(site: Path, test: str) -> Any:
    script = (site / "tests" / f"{test}.key.js").read_text(encoding="utf-8")
    return json.loads(script.removeprefix("window.Almbench.key = ").rstrip(";\n"))


def systems_of(site: Path, data: Any, clip: int) -> dict[str, Any]:
    """The stimuli of a MUSHRA clip by system."""
    names = key_of(site, data["test"])["stimuli"][clip]
    sounds = data["clips"][clip]["sounds"]
    return {n["system"]: {**n, **s} for n, s in zip(names, sounds, strict=True)}


@pytest.mark.parametrize("domain", ["speech", "sound"])
def test_each_mushra_trial_has_the_hidden_reference_and_both_anchors(
    site: Path, domain: str
) -> None:
    data = data_of(site / f"mushra-{domain}.html")
    assert [clip["seconds"] for clip in data["clips"]] == [1.5, 1.5]
    for i, clip in enumerate(data["clips"]):
        stimuli = systems_of(site, data, i)
        roles = {system: stimulus["role"] for system, stimulus in stimuli.items()}
        assert roles == {
            ORIGINAL: "reference", "opus-6": "system", "opus-24": "system",
            "anchor-3.5": "anchor", "anchor-7": "anchor",
        }  # fmt: skip
        assert clip["sounds"][clip["reference"]]["url"] == stimuli[ORIGINAL]["url"]
        addresses = [sound["url"] for sound in clip["sounds"]]
        assert addresses == sorted(addresses)  # in the order of hashes, which says nothing
        assert all(re.fullmatch(r"audio/[0-9a-f]{16}\.flac", address) for address in addresses)
        assert all(0 < sound["gain"] <= 1 for sound in clip["sounds"])
        assert max(sound["gain"] for sound in clip["sounds"]) == 1  # the quietest stays as it is


def test_anchors_are_cut_off_and_otherwise_the_original(site: Path) -> None:
    data = data_of(site / "mushra-speech.html")
    for i in range(len(data["clips"])):
        stimuli = systems_of(site, data, i)
        original, rate = sf.read(site / stimuli[ORIGINAL]["url"])
        window = np.hanning(len(original))
        power = np.abs(np.fft.rfft(original * window)) ** 2
        hertz = np.fft.rfftfreq(len(original), 1 / rate)
        for name, cutoff in ANCHORS.items():
            sound, rate_of_anchor = sf.read(site / stimuli[name]["url"])
            assert (len(sound), rate_of_anchor) == (len(original), rate)
            heard = np.abs(np.fft.rfft(sound * window)) ** 2
            kept, gone = hertz < 0.98 * cutoff, hertz > cutoff * 8 / 7 * 1.02
            assert 10 * np.log10(heard[kept].sum() / power[kept].sum()) == pytest.approx(
                0, abs=0.02
            )
            rounding = (window**2).sum() * 2**-30 / 12  # to 16 bits, in each bin
            assert heard[gone].mean() < 1.5 * rounding < power[gone].mean() / 50


def test_stimuli_of_a_trial_are_equally_loud(site: Path) -> None:
    from pyloudnorm import Meter

    data = data_of(site / "mushra-speech.html")
    for clip in data["clips"]:
        levels = []
        for stimulus in clip["sounds"]:
            samples, rate = sf.read(site / stimulus["url"])
            meter = Meter(rate, filter_class="DeMan")
            levels.append(meter.integrated_loudness(stimulus["gain"] * samples))
        assert max(levels) - min(levels) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_no_system(site: Path, kind: str) -> None:
    html = (site / f"{kind}-speech.html").read_text(encoding="utf-8").lower()
    assert not [name for name in NAMES if name in html]


def test_abx_offers_the_original_and_every_codec(site: Path) -> None:
    data = data_of(site / "abx-speech.html")
    systems = key_of(site, data["test"])["systems"]
    assert [s["id"] for s in systems] == [ORIGINAL, "opus-6", "opus-24", "lowpass-3.5"]
    assert systems[1]["label"] == "Opus (6 kbps)"
    assert all(len(clip["sounds"]) == 4 for clip in data["clips"])


# What is chosen


def blind_tests(site: Site) -> dict[str, BlindTest]:
    return {page.address: page.values["test"] for page in blind_pages(site)}


@pytest.fixture
def many(run: Path, tmp_path: Path) -> Site:
    """A site of twenty clips and fourteen codecs, all with the sounds of a smaller run."""
    read = read_runs([shutil.copytree(run, tmp_path / "run")])[0]
    out = Output(tmp_path / "many")
    few = publish_sounds([read], out)[read.slug]
    table = next(table for table in read.tables if table.domain == "speech")
    base = next(codec for codec in table.codecs if codec.id == "opus-6")
    codecs = [
        base.model_copy(update={"id": f"c{i}", "label": f"Codec {i}", "stated_bps": 1000.0 * i})
        for i in sorted(range(14), key=lambda i: 5 * i % 14)  # not in the order of bitrates
    ]
    sounds = {
        ("talk", codec, f"clip{i}"): few["talk", "opus-6" if codec != ORIGINAL else ORIGINAL, "a"]
        for codec in [ORIGINAL, *(codec.id for codec in codecs)]
        for i in range(20)
    }
    for i in range(20):
        read.folder.original("talk", f"clip{i}").symlink_to(read.folder.original("talk", "a"))
    results = Results(read.folder, read.manifest)
    results.comparisons = [replace(table, codecs=codecs)]
    larger = replace(read, results=results)
    return Site([larger], {read.slug: sounds}, out)


def test_eight_clips_and_twelve_stimuli_are_drawn_by_the_seed(many: Site) -> None:
    tests = blind_tests(many)
    mushra, abx = tests["mushra-speech.html"], tests["abx-speech.html"]
    assert (len(mushra.design.trials), mushra.design.stimuli) == (MAX_CLIPS, 12)
    assert (len(abx.design.trials), abx.design.stimuli) == (MAX_CLIPS, 15)
    assert len(mushra.design.left_out) == 14 - MAX_SYSTEMS
    assert all(label.endswith("(not drawn)") for label in mushra.design.left_out)
    assert blind_tests(many)["mushra-speech.html"] == mushra
    run = many.runs[0]
    suite = run.manifest.suite.model_copy(update={"seed": 1})
    results = Results(run.folder, run.manifest.model_copy(update={"suite": suite}))
    results.comparisons = run.tables
    other = replace(many, runs=[replace(run, results=results)])
    assert blind_tests(other)["mushra-speech.html"].id != mushra.id


def test_the_systems_that_are_drawn_span_the_bitrates(many: Site) -> None:
    left_out = blind_tests(many)["mushra-speech.html"].design.left_out
    gone = sorted(int(label.split()[1]) for label in left_out)
    # Nine neighbourhoods of fourteen bitrates; of those that hold two, one is drawn.
    pairs = [(1, 2), (4, 5), (7, 8), (10, 11), (12, 13)]
    assert all(one in pair for one, pair in zip(gone, pairs, strict=True))


def test_a_system_without_most_clips_is_left_out(many: Site) -> None:
    slug = many.runs[0].slug
    few = {k: s for k, s in many.sounds[slug].items() if k[1] != "c3" or k[2] == "clip0"}
    some = {k: s for k, s in few.items() if k[1] != "c5" or k[2] > "clip14"}
    mushra = blind_tests(replace(many, sounds={slug: some}))["mushra-speech.html"].design
    assert "Codec 3 (3 kbps) (no sound for some clips)" in mushra.left_out
    assert not any(label.startswith("Codec 5 (5 kbps) (no") for label in mushra.left_out)
    assert mushra.missing == 7 * (not any(s.startswith("Codec 5 ") for s in mushra.left_out))
    assert blind_tests(many)["mushra-speech.html"].design.missing == 0


@pytest.mark.parametrize(
    "change",
    [{"seconds": 12.1}, {"seconds": 0.9}, {"lufs": None}],
    ids=["too long", "too short", "silent"],
)
def test_clips_that_do_not_fit_make_no_test(many: Site, change: dict[str, Any]) -> None:
    slug = many.runs[0].slug
    sounds = {key: replace(sound, **change) for key, sound in many.sounds[slug].items()}
    assert blind_tests(replace(many, sounds={slug: sounds})) == {}


def test_an_anchor_above_what_the_clips_hold_is_left_out(data: Path, tmp_path: Path) -> None:
    samples, rate = sf.read(data / "a.wav")
    sf.write(tmp_path / "narrow.wav", samples[:: rate // 8000], 8000)
    suite = tmp_path / "suite.toml"
    suite.write_text(
        f'name = "narrow"\n[[testset]]\nname = "t"\ndomain = "speech"\npath = "{tmp_path}"\n'
        '[[codec]]\nid = "opus-6"\n[metrics]\nspeech = ["gain_db"]\n'
    )
    run_suite(load_suite(str(suite)), tmp_path / "run", "cpu", 1)
    build_site([tmp_path / "run"], tmp_path / "site")
    page = data_of(tmp_path / "site" / "mushra-speech.html")
    assert set(systems_of(tmp_path / "site", page, 0)) == {ORIGINAL, "opus-6", "anchor-3.5"}
    left_out = key_of(tmp_path / "site", page["test"])["left_out"]
    assert left_out == ["Low-pass 7 kHz (at or above half the sample rate of the clips)"]


# In a browser

Random = Callable[[], float]


def random_numbers(seed: int) -> Random:
    """The generator mulberry32, in whole numbers of 32 bits."""
    state = seed

    def draw() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = (state ^ state >> 15) * (state | 1) & 0xFFFFFFFF
        mixed ^= (mixed + ((mixed ^ mixed >> 7) * (mixed | 61) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return (mixed ^ mixed >> 14) / 2**32

    return draw


def shuffled(count: int, draw: Random) -> list[int]:
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        j = int(draw() * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


class Listener:
    """Someone who takes a test, and sees all that the page asks for and complains of."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("requestfailed", self._failed)
        page.on("console", lambda m: self.complaints.append(m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("dialog", lambda d: d.accept())
        page.goto(address)

    def _failed(self, request: Any) -> None:
        # What was still loading when one went on is not waited for.
        if not (request.url.endswith(".flac") and request.failure == "net::ERR_ABORTED"):
            self.complaints.append(f"{request.method} {request.url} {request.failure}")

    def at(self, id_: str) -> Any:
        return self.page.locator(f"#{id_}")

    def title(self) -> str:
        return str(self.page.locator("#test section:visible h2").inner_text())

    def sees_no_name(self) -> None:
        seen = [self.page.content(), self.page.url, self.page.title(), *self.requests]
        assert not [n for n in NAMES if n in "\n".join(seen).lower().replace(" the original", "")]
        assert self.page.evaluate("'key' in Almbench") is False

    def until(self, title: str) -> None:
        self.page.wait_for_function(
            "t => [...document.querySelectorAll('#test h2')].some("
            "h => h.textContent === t && h.offsetParent)",
            arg=title,
        )

    def outcome(self) -> str:
        """What is said of the result, once the key has come."""
        self.page.locator("#outcome > *").first.wait_for()
        return str(self.at("outcome").inner_text())

    def loaded(self) -> None:
        self.page.wait_for_function(
            "() => Number(document.querySelector('[data-sound=position]').max) > 1"
        )

    def submits(self, folder: Path) -> Any:
        with self.page.expect_download() as waiting:
            self.at("save").click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert json.loads(self.at("json").input_value()) == json.loads(path.read_text())
        return read_submissions([path])[0].result


@contextmanager
def listening(browser: Any, address: str, size: Any = None, **options: Any) -> Iterator[Listener]:
    context = browser.new_context(viewport=size or DESKTOP, **options)
    listener = Listener(context.new_page(), address)
    yield listener
    assert not listener.complaints
    context.close()


@pytest.fixture(scope="module")
def served(site: Path, serve: Any) -> str:
    return f"http://127.0.0.1:{serve(site)[1]}"


def begin_abx(on: Listener, a: str = "Original", b: str = "Opus (6 kbps)", n: int = 10) -> None:
    on.page.wait_for_selector("#begin:enabled")
    on.at("choose-a").select_option(label=a)
    on.at("choose-b").select_option(label=b)
    on.page.get_by_label(str(n), exact=True).check()
    on.at("begin").click()


def answer(on: Listener, side: str) -> None:
    on.loaded()
    on.at("play-X").click()
    on.page.wait_for_selector("#play-X[aria-pressed=true]")
    on.at(f"answer-{side}").check()
    on.at("next").click()


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_abx_from_start_to_result(
    site: Path, served: str, browser: Any, size: Any, tmp_path: Path
) -> None:
    with listening(browser, f"{served}/abx-speech.html", size) as on:
        on.at("name").fill("Ann")
        on.at("equipment").fill("<b>headphones</b>")
        begin_abx(on)
        for trial in range(10):
            on.until(f"Trial {trial + 1} of 10")
            on.sees_no_name()
            assert "right" not in on.page.locator("#trial").inner_text()
            answer(on, "ab"[trial % 3 == 0])
        on.until("Your result")
        result = on.submits(tmp_path)
        said = on.outcome()
    assert isinstance(result, AbxResult)
    assert (result.name, result.equipment) == ("Ann", "<b>headphones</b>")
    assert (result.pair.a, result.pair.b, result.planned) == (ORIGINAL, "opus-6", 10)
    assert [t.answer for t in result.trials] == ["ab"[i % 3 == 0] for i in range(10)]
    assert all(t.plays >= 1 and t.seconds > 0 for t in result.trials)
    right = sum(t.x == t.answer for t in result.trials)
    p = binomtest(right, 10, 0.5, alternative="greater").pvalue
    assert f"{right} of 10 right" in said
    assert f"probability of {p:.2g}" in said
    assert "A was Original, B was Opus (6 kbps)." in said
    draw = random_numbers(result.seed)
    clips = [clip["clip"] for clip in data_of(site / "abx-speech.html")["clips"]]
    drawn = [(clips[i], "a" if draw() < 0.5 else "b") for _ in range(5) for i in shuffled(2, draw)]
    assert [(t.clip, t.x) for t in result.trials] == drawn


@pytest.mark.slow
def test_abx_by_keys_alone(served: str, browser: Any, tmp_path: Path) -> None:
    with listening(browser, f"{served}/abx-speech.html") as on:
        on.page.wait_for_selector("#begin:enabled")
        press = on.page.keyboard.press
        tab_to(on, "choose-b")
        press("ArrowDown")
        tab_to(on, "begin")
        press("Enter")
        for trial in range(16):
            on.until(f"Trial {trial + 1} of 16")
            on.loaded()
            for key in "abx":
                press(key)
                on.page.wait_for_selector(f"#play-{key.upper()}[aria-pressed=true]")
            press(" ")
            on.page.wait_for_selector("#play-X[aria-pressed=false]")
            press("12"[trial % 2])
            press("Enter")
        on.until("Your result")
        assert on.page.evaluate("document.activeElement.textContent") == "Your result"
        result = on.submits(tmp_path)
    assert isinstance(result, AbxResult)
    assert result.pair.b == "opus-24"
    assert [t.answer for t in result.trials] == ["a", "b"] * 8
    assert all(t.plays == 3 for t in result.trials)


def tab_to(on: Listener, id_: str) -> None:
    for _ in range(60):
        if on.page.evaluate("document.activeElement.id") == id_:
            return
        on.page.keyboard.press("Tab")
    raise AssertionError(f"{id_} cannot be reached by the tab key")


@pytest.mark.slow
def test_abx_does_not_go_on_without_x_and_an_answer(served: str, browser: Any) -> None:
    with listening(browser, f"{served}/abx-speech.html") as on:
        on.page.wait_for_selector("#begin:enabled")
        on.at("choose-b").select_option(label="Original")
        on.at("begin").click()
        assert on.title() == "Before you begin"
        assert on.at("choice-message").inner_text() == "Choose two that differ."
        begin_abx(on)
        on.loaded()
        on.at("next").click()
        assert on.at("missing").inner_text() == "Listen to X first."
        on.at("play-X").click()
        on.page.wait_for_selector("#play-X[aria-pressed=true]")
        on.at("next").click()
        assert on.at("missing").inner_text().startswith("Say first which one X is")
        assert on.title() == "Trial 1 of 10"


def rate_all(on: Listener, wait: bool = True) -> None:
    on.loaded()
    rows = on.page.locator("#stimuli li")
    for i in range(rows.count()):
        row = rows.nth(i)
        row.locator("button").click()
        if wait:
            on.page.wait_for_selector(f"#stimuli li:nth-child({i + 1}) button[aria-pressed=true]")
        row.locator("input").fill(str(10 + 20 * i))


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_mushra_from_start_to_result(
    site: Path, served: str, browser: Any, size: Any, tmp_path: Path
) -> None:
    data = data_of(site / "mushra-speech.html")
    with listening(browser, f"{served}/mushra-speech.html", size) as on:
        on.sees_no_name()
        on.at("begin").click()
        on.until("Training")
        on.sees_no_name()
        on.at("next").click()  # training may be left at any time
        for number in (1, 2):
            on.until(f"Clip {number} of 2")
            on.sees_no_name()
            assert on.page.locator("#stimuli li").count() == 5
            on.at("next").click(force=True)
            said = on.at("missing").inner_text()
            assert said == "Still to do: play 1, 2, 3, 4, 5; rate 1, 2, 3, 4, 5."
            rate_all(on)
            on.sees_no_name()
            on.at("next").click()
        on.until("Your result")
        result = on.submits(tmp_path)
        table = on.outcome()
    assert isinstance(result, MushraResult)
    assert (result.test, result.domain, result.title) == (
        data["test"], "speech", "Small & <quick>",
    )  # fmt: skip
    assert "Opus (24 kbps)" in table
    draw = random_numbers(result.seed)
    order = shuffled(2, draw)
    names = key_of(site, data["test"])["stimuli"]
    for clip, trial in zip(order, result.trials, strict=True):
        assert trial.clip == data["clips"][clip]["clip"]
        assert trial.seconds > 0
        drawn = [names[clip][i]["system"] for i in shuffled(5, draw)]
        assert [r.system for r in trial.ratings] == drawn
        assert [r.score for r in trial.ratings] == [10, 30, 50, 70, 90]
        assert all(r.plays >= 1 for r in trial.ratings)
    low = sum(r.score < 90 for t in result.trials for r in t.ratings if r.role == "reference")
    assert f"less than 90 on {low} of 2 clips" in table


@pytest.mark.slow
def test_mushra_by_keys_alone(served: str, browser: Any, tmp_path: Path) -> None:
    with listening(browser, f"{served}/mushra-sound.html") as on:
        press = on.page.keyboard.press
        tab_to(on, "begin")
        press("Enter")
        on.until("Training")
        tab_to(on, "next")
        press("Enter")
        for trial in range(2):
            on.until(f"Clip {trial + 1} of 2")
            on.loaded()
            press("r")
            on.page.wait_for_selector("#reference[aria-pressed=true]")
            for i in range(1, 6):
                press("n" if i == 3 else str(i))
                on.page.wait_for_selector(f"#stimuli li:nth-child({i}) button[aria-pressed=true]")
                for _ in range(i):
                    press("ArrowRight")
            press("p")
            on.page.wait_for_selector("#stimuli li:nth-child(4) button[aria-pressed=true]")
            tab_to(on, "next")
            press("Enter")
        on.until("Your result")
        result = on.submits(tmp_path)
    assert isinstance(result, MushraResult)
    assert all([r.score for r in t.ratings] == [51, 52, 53, 54, 55] for t in result.trials)
    assert all([r.plays for r in t.ratings] == [1, 1, 1, 2, 1] for t in result.trials)


@pytest.mark.slow
def test_a_slider_can_be_left_where_it_stands(served: str, browser: Any) -> None:
    with listening(browser, f"{served}/mushra-speech.html") as on:
        on.at("begin").click()
        on.until("Training")
        on.loaded()
        slider = on.page.locator("#stimuli input").nth(1)
        assert slider.get_attribute("aria-valuetext") == "not rated"
        slider.focus()
        on.page.keyboard.press("Enter")
        assert slider.get_attribute("aria-valuetext") == "50, Fair"
        assert on.page.locator("#stimuli output").nth(1).inner_text() == "50"


@pytest.mark.slow
def test_progress_outlives_a_reload(served: str, browser: Any, tmp_path: Path) -> None:
    with listening(browser, f"{served}/mushra-speech.html") as on:
        on.at("begin").click()
        on.at("next").click()
        on.until("Clip 1 of 2")
        rate_all(on)
        on.at("next").click()
        on.until("Clip 2 of 2")
        on.loaded()
        on.page.locator("#stimuli input").nth(2).fill("77")
        seed = on.at("seed").inner_text()
        on.page.reload()
        assert "as far as clip 2 of 2" in on.at("so-far").inner_text()
        on.sees_no_name()
        on.at("continue").click()
        assert on.title() == "Clip 2 of 2"
        assert on.at("seed").inner_text() == seed
        assert on.page.locator("#stimuli input").nth(2).input_value() == "77"
        assert on.page.locator("#stimuli output").nth(1).inner_text() == "–"
        rate_all(on)
        on.at("next").click()
        on.until("Your result")
        first = on.submits(tmp_path)
        on.page.reload()
        on.at("continue").click()
        on.until("Your result")
        assert on.submits(tmp_path) == first
        on.page.locator("#result [data-again]").click()
        on.page.wait_for_selector("#begin:visible")
        assert on.page.evaluate("Object.keys(localStorage)") == ["almbench-1:listener"]
    assert str(first.seed) == seed


@pytest.mark.slow
def test_an_abx_test_goes_on_after_a_reload_without_naming_its_pair(
    served: str, browser: Any, tmp_path: Path
) -> None:
    with listening(browser, f"{served}/abx-sound.html") as on:
        begin_abx(on, "Opus (24 kbps)", "Opus (6 kbps)")
        for _ in range(4):
            answer(on, "b")
        on.until("Trial 5 of 10")
        on.requests.clear()
        on.page.reload()
        on.at("continue").click()
        for trial in range(4, 10):
            on.until(f"Trial {trial + 1} of 10")
            on.sees_no_name()
            assert not [url for url in on.requests if "key" in url]
            answer(on, "a")
        on.until("Your result")
        result = on.submits(tmp_path)
    assert isinstance(result, AbxResult)
    assert [t.answer for t in result.trials] == ["b"] * 4 + ["a"] * 6
    assert (result.pair.a, result.pair.b) == ("opus-24", "opus-6")


@pytest.mark.slow
def test_both_work_from_the_disk(site: Path, browser: Any, tmp_path: Path) -> None:
    with listening(browser, (site / "abx-speech.html").as_uri()) as on:
        assert "not in step to the sample" in on.at("plain").inner_text()
        begin_abx(on)
        for _ in range(10):
            answer(on, "a")
        on.until("Your result")
        assert isinstance(on.submits(tmp_path), AbxResult)
        on.page.goto((site / "mushra-speech.html").as_uri())
        on.at("begin").click()
        on.at("next").click()
        for trial in range(2):
            on.until(f"Clip {trial + 1} of 2")
            rate_all(on)
            on.at("next").click()
        on.until("Your result")
        assert isinstance(on.submits(tmp_path), MushraResult)
        assert all(url.startswith((site.as_uri(), "blob:")) for url in on.requests)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["server", "disk"])
def test_switching_keeps_the_place_and_the_loop(
    site: Path, served: str, browser: Any, way: str
) -> None:
    base = served if way == "server" else site.as_uri()
    with listening(browser, f"{base}/mushra-speech.html") as on:
        on.at("begin").click()
        on.until("Training")
        on.loaded()
        position = on.page.locator("[data-sound=position]")
        position.fill("0.8")
        on.page.locator("[data-sound=from]").click()
        on.page.locator("#stimuli button").nth(2).click()
        for i in (3, 1, 2):
            on.page.wait_for_timeout(250)
            on.page.locator("#stimuli button").nth(i).click()
            assert 0.7 <= float(position.input_value()) <= 1.51
        on.page.wait_for_timeout(700)  # past the end, so back at 0.8
        assert 0.7 <= float(position.input_value()) <= 1.51
        assert on.page.locator("[data-sound=toggle]").inner_text() == "Pause"
        on.page.locator("[data-sound=repeat]").uncheck()
        on.page.wait_for_function(
            "() => document.querySelector('[data-sound=toggle]').textContent === 'Play'"
        )
        assert float(position.input_value()) == pytest.approx(1.5, abs=0.02)


def test_without_javascript_the_page_says_what_to_do(site: Path, browser: Any) -> None:
    with listening(
        browser, (site / "mushra-speech.html").as_uri(), java_script_enabled=False
    ) as on:
        notice = on.page.locator("noscript p")
        assert "needs JavaScript" in notice.inner_text()
        assert notice.locator("a").get_attribute("href") == "speech.html"
        assert not on.at("test").is_visible()


@pytest.fixture
def postbox() -> Iterator[tuple[str, list[bytes], list[int]]]:
    """A server that takes results: its address, what it got, and the status it is to answer."""
    got: list[bytes] = []
    status = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            self._answer(204)

        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(status[0])

        def _answer(self, code: int) -> None:
            self.send_response(code)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "Content-Type")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/in?x=1", got, status
    server.shutdown()


@pytest.mark.slow
def test_the_result_is_posted_where_an_address_was_set(
    run: Path, browser: Any, serve: Any, postbox: Any, tmp_path: Path
) -> None:
    address, got, status = postbox
    site = build_site([run], tmp_path / "site", post_url=address).parent
    host = address.split("/")[2]
    status[0] = 500
    with listening(browser, f"http://127.0.0.1:{serve(site)[1]}/abx-speech.html") as on:
        assert f"sent to http://{host}" in on.page.locator("#start").inner_text()
        begin_abx(on)
        for _ in range(10):
            answer(on, "a")
        on.page.wait_for_selector("#send:visible")
        assert "could not be sent (status 500)" in on.at("told").inner_text()
        status[0] = 200
        on.at("send").click()
        on.page.wait_for_selector("#send", state="hidden")
        on.page.wait_for_function(
            "said => document.getElementById('told').textContent.includes(said)",
            arg=f"was sent to {host}",
        )
        text = on.at("json").input_value()
        on.complaints = [c for c in on.complaints if "status of 500" not in c]
    assert [json.loads(body) for body in got] == [json.loads(text)] * 2


@pytest.mark.slow
def test_hostile_labels_stay_text(nasty_site: Path, browser: Any, serve: Any) -> None:
    with listening(
        browser, f"http://127.0.0.1:{serve(nasty_site)[1]}/abx-speech.html", PHONE
    ) as on:
        on.page.wait_for_selector("#begin:enabled")
        assert "<script>alert(1)</script>" in on.at("choose-b").inner_text()
        on.at("begin").click()
        for _ in range(16):
            answer(on, "a")
        on.until("Your result")
        assert "<script>alert(1)</script>" in on.outcome()
        width = "document.documentElement.scrollWidth"
        assert on.page.evaluate(width) == PHONE["width"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["abx", "mushra"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barrier_is_found(served: str, browser: Any, kind: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    with listening(browser, f"{served}/{kind}-speech.html", PHONE, color_scheme=theme) as on:

        def check() -> None:
            found = axe.run(on.page).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []

        on.page.wait_for_selector("#begin:enabled")
        check()
        on.at("begin").click()
        on.loaded()
        check()
        if kind == "abx":
            for _ in range(16):
                answer(on, "a")
        else:
            on.at("next").click()
            for trial in range(2):
                on.until(f"Clip {trial + 1} of 2")
                rate_all(on)
                on.at("next").click()
        on.until("Your result")
        check()
