"""The engine of the players, measured on what it renders.

Two versions of a sound are ramps whose value tells the time: the first goes from 0 to 0.4 over
its length, the second from 0.5 to 0.9, so that each sample of the output says which version is
heard, and from where.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

pytestmark = pytest.mark.slow
RATE, SECONDS, SLOPE = 48_000, 4.0, 0.4
FADE = 0.01
SCRIPTS = "take.js", "engine.js"
PAGE = "<!doctype html><title>engine</title>" + "".join(
    f'<script src="{name}"></script>' for name in SCRIPTS
)
# Renders `seconds` of the engine's output, with a step run at each of the given times.
RENDER = """async ([versions, seconds, steps, urgent]) => {
  const context = new OfflineAudioContext(1, seconds * 48000, 48000);
  const engine = new Almbench.Engine({context, fade: 0.01});
  await engine.load(versions, urgent ?? undefined);
  const seen = [];
  for (const [at, code] of steps) {
    const step = new Function("engine", `return ${code}`);
    if (at === 0) seen.push(step(engine));
    else context.suspend(at).then(async () => { seen.push(await step(engine)); context.resume(); });
  }
  const rendered = (await context.startRendering()).getChannelData(0);
  await new Promise(resolve => setTimeout(resolve, 50));
  const bytes = new Uint8Array(rendered.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  }
  return {sound: btoa(text), seen, state: {
    playing: engine.playing, ended: engine.ended, position: engine.position,
    selected: engine.selected, duration: engine.duration, loop: engine.loop,
  }};
}"""
Sound = NDArray[np.float64]
Steps = list[tuple[float, str]]
RAMPS = [{"url": "zero.wav", "gain": 1}, {"url": "one.wav", "gain": 1}]
PLAY = (0.0, "engine.play()")


class Rendered:
    """What came out, and how it left the engine."""

    def __init__(self, answer: dict[str, Any]) -> None:
        raw = np.frombuffer(base64.b64decode(answer["sound"]), dtype="<f4")
        self.sound: Sound = raw.astype(np.float64)
        self.seen: list[Any] = answer["seen"]
        self.state: dict[str, Any] = answer["state"]

    def __getitem__(self, span: tuple[float, float]) -> Sound:
        return self.sound[round(span[0] * RATE) : round(span[1] * RATE)]

    def largest_step(self, start: float, end: float) -> float:
        return float(np.abs(np.diff(self[start, end])).max())


def where(sound: Sound, version: int = 0) -> Sound:
    """The position in the file, in seconds, of each sample of a version."""
    return np.asarray((sound - 0.5 * version) / SLOPE * SECONDS)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, serve: Any, browser: Any) -> Iterator[Any]:
    """A served page with the engine and the two ramps."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "index.html").write_text(PAGE)
    for name in SCRIPTS:
        script = Path(__file__).parents[2] / "templates/static" / name
        (folder / name).write_bytes(script.read_bytes())
    ramp = np.arange(round(SECONDS * RATE)) / (SECONDS * RATE) * SLOPE
    for name, sound in {"zero": ramp, "one": ramp + 0.5}.items():
        sf.write(folder / f"{name}.wav", sound, RATE, "FLOAT")
    sf.write(folder / "half.wav", np.full(RATE * 2, 0.5), RATE, "FLOAT")
    (folder / "text.wav").write_text("This is not a sound.")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{serve(folder)[1]}/")
    yield page
    context.close()


def render(
    page: Any,
    steps: Steps,
    seconds: float = 3.0,
    versions: Any = None,
    urgent: int | None = None,
) -> Rendered:
    return Rendered(page.evaluate(RENDER, [versions or RAMPS, seconds, steps, urgent]))


def test_a_switch_keeps_the_position_and_makes_no_click(page: Any) -> None:
    out = render(page, [PLAY, (1.0, "engine.select(1)"), (2.0, "engine.select(0)")])
    for start, end, version in [(0.02, 0.99, 0), (1.05, 1.99, 1), (2.05, 2.99, 0)]:
        heard = where(out[start, end], version)
        due = where(out[0.02, 0.03])[0] + np.arange(heard.size) / RATE + (start - 0.02)
        assert np.abs(heard - due).max() < 2e-5  # a sample is 2.1e-5 s; the promise is 1e-3
    # The cross-fade is the straight line between two sounds half apart, over its whole length.
    assert out.largest_step(0.9, 2.9) == pytest.approx(0.5 / (FADE * RATE), rel=0.01)
    assert out.state["selected"] == 0


def test_a_switch_within_a_fade_makes_no_click(page: Any) -> None:
    steps = [PLAY, *((1 + 0.004 * i, f"engine.select({(i + 1) % 2})") for i in range(9))]
    out = render(page, steps)
    assert out.largest_step(0.9, 1.5) <= 0.5 / (FADE * RATE) * 1.01
    assert np.abs(where(out[1.2, 1.5], 1) - where(out[0.5, 0.8]) - 0.7).max() < 2e-5
    blend = out[1.0, 1.1] - where(out[1.0, 1.1]) * 0
    assert blend.min() > 0.05  # gains that add up to one: never below the softer of both
    assert blend.max() < 0.7


def test_gains_match_loudness_and_can_be_turned_off(page: Any) -> None:
    half = [{"url": "half.wav", "gain": 0.5}, {"url": "half.wav", "gain": 0.25}]
    steps = [
        PLAY,
        (0.3, "engine.select(1)"),
        (0.6, "engine.matchLoudness(false)"),
        (0.9, "engine.matchLoudness(true)"),
        (1.2, "engine.setGain(1, 0.8)"),
    ]
    out = render(page, steps, 1.5, half)
    for start, value in [(0.05, 0.25), (0.35, 0.125), (0.65, 0.5), (0.95, 0.125), (1.25, 0.4)]:
        assert out[start, start + 0.2] == pytest.approx(value, abs=1e-6)
    assert out.largest_step(0.1, 1.5) <= 0.5 / (FADE * RATE)


def test_a_loop_repeats_to_the_sample_and_its_seam_is_faded(page: Any) -> None:
    out = render(page, [(0.0, "engine.setLoop(1.7, 1.0)"), PLAY], 8.0)
    assert out.state["loop"] == [1.0, 1.7]
    period = round(0.7 * RATE)
    start = round(0.01 * RATE)  # the lead with which it starts
    first = out.sound[start : start + period]
    laps = out.sound[start : start + period * 10].reshape(10, period)
    assert np.abs(laps - first).max() < 1e-6  # ten laps on, still at the same sample
    inner = slice(2 * 480, period - 2 * 480)
    assert np.abs(where(first[inner]) - 1.0 - (np.arange(period) / RATE)[inner]).max() < 5e-5
    assert out.largest_step(0.0, 7.0) < 0.171 / (FADE * RATE)  # to silence and back, not at once
    for lap in range(1, 10):
        seam = start + lap * period
        assert np.abs(out.sound[seam - 2 : seam + 2]).min() < 1e-3


def test_position_and_loop_outlive_a_switch(page: Any) -> None:
    steps = [
        (0.0, "engine.setLoop(0.5, 1.5)"),
        PLAY,
        (1.3, "engine.select(1)"),
        (2.6, "[engine.position, engine.loop, engine.selected, engine.playing]"),
    ]
    out = render(page, steps, 3.5)
    position, loop, selected, playing = out.seen[-1]
    assert (loop, selected, playing) == ([0.5, 1.5], 1, True)
    assert where(out[2.6, 2.7], 1)[0] == pytest.approx(position, abs=1e-3)


def test_setting_and_clearing_a_loop_around_the_position_is_not_heard(page: Any) -> None:
    steps = [PLAY, (1.0, "engine.setLoop(0.2, 3.5)"), (1.5, "engine.clearLoop()")]
    out = render(page, steps, 3.0)
    heard = where(out[0.02, 2.9])
    assert np.abs(heard - heard[0] - np.arange(heard.size) / RATE).max() < 5e-5


def test_a_seek_is_faded_over(page: Any) -> None:
    out = render(page, [PLAY, (0.5, "engine.seek(3)"), (1.0, "engine.seek(-7)")], 2.0)
    assert where(out[0.55, 0.95])[0] == pytest.approx(3.04, abs=2e-3)
    assert where(out[1.1, 1.9])[0] == pytest.approx(0.09, abs=2e-3)
    assert out.largest_step(0.1, 0.9) < 0.3 / (FADE * RATE) * 1.05
    outside = render(page, [(0.0, "engine.setLoop(1, 2)"), PLAY, (0.5, "engine.seek(3)")], 1.0)
    assert where(outside[0.55, 0.95])[0] == pytest.approx(1.04, abs=2e-3)


def test_a_pause_is_silent_and_goes_on_where_it_was(page: Any) -> None:
    steps = [
        PLAY,
        (1.0, "engine.toggle()"),
        (1.2, "engine.select(1)"),
        (1.5, "engine.position"),
        (2.0, "engine.toggle()"),
    ]
    out = render(page, steps, 3.0)
    assert not out[1.05, 2.0].any()
    assert out.largest_step(0.5, 1.5) <= 0.11 / (FADE * RATE) * 1.05
    assert out.seen[3] == pytest.approx(1.0, abs=2e-3)
    assert where(out[2.03, 2.1], 1)[0] == pytest.approx(out.seen[3] + 0.02, abs=1e-3)


def test_the_end(page: Any) -> None:
    out = render(page, [PLAY], 4.5)
    assert out.state["ended"]
    assert not out.state["playing"]
    assert out.state["position"] == out.state["duration"] == SECONDS
    assert not out[4.02, 4.5].any()


def test_a_short_loop_is_widened(page: Any) -> None:
    loop = "(engine.setLoop({}), engine.loop)"
    steps = [(0.0, loop.format(ends)) for ends in ("1, 1.1", "3.9, 4", "-5, 9", "2, 2")]
    assert render(page, steps, 0.1).seen == [[1, 1.5], [3.5, 4], [0, 4], [2, 2.5]]


def test_what_cannot_be_had_is_said(page: Any) -> None:
    load = """async url => {
      const engine = new Almbench.Engine();
      try { await engine.load([{url: "zero.wav", gain: 1}, {url, gain: 1}]); }
      catch (error) { return [error instanceof Error, error.message, engine.duration]; }
    }"""
    assert page.evaluate(load, "none.wav") == [
        True,
        "The sound could not be fetched (status 404).",
        0,
    ]
    assert page.evaluate(load, "text.wav") == [True, "This browser cannot decode the sound.", 0]


@pytest.mark.parametrize("loop", [False, True])
def test_a_version_that_comes_late_joins_in_step(page: Any, loop: bool) -> None:
    page.evaluate("""() => {
      const fetched = window.fetch;
      window.gates = {};
      window.fetch = (url, options) => url === "one.wav"
        ? new Promise(resolve => { window.gates.one = resolve; }).then(() => fetched(url, options))
        : fetched(url, options);
      window.restore = () => { window.fetch = fetched; };
    }""")
    arrive = (
        "(window.gates.one(), new Promise(resolve => {"
        " engine.onchange = () => engine.has(1) && resolve(engine.has(1)); }))"
    )
    steps = [
        (0.0, "[engine.has(0), engine.has(1)]"),
        (0.0, "engine.setLoop(0.3, 1.3)" if loop else "0"),
        PLAY,
        (1.0, "engine.select(1)"),
        (1.5, arrive),
    ]
    out = render(page, steps, 3.0, urgent=0)
    page.evaluate("window.restore()")
    assert out.seen[0] == [True, False]
    assert out.seen[4] is True
    assert not out[1.03, 1.5].any()  # silence until it is there
    start = where(out[0.1, 0.2])[0] - 0.1  # the position at time 0, if there were no loop
    due = start + np.arange(round(0.2 * RATE)) / RATE + 1.6 - (1.0 if loop else 0.0)
    assert np.abs(where(out[1.6, 1.8], 1) - due).max() < 2e-5
    assert out.largest_step(0.9, 2.2) <= 0.9 / (FADE * RATE)


def test_what_fails_late_is_told(page: Any) -> None:
    told = page.evaluate("""async () => {
      const engine = new Almbench.Engine();
      const told = new Promise(resolve => { engine.onerror = resolve; });
      await engine.load([{url: "none.wav", gain: 1}, {url: "half.wav", gain: 1}], 1);
      return [(await told).message, engine.has(0), engine.has(1), engine.selected];
    }""")
    assert told == ["The sound could not be fetched (status 404).", False, True, 1]


def test_a_later_load_takes_the_place_of_an_earlier(page: Any) -> None:
    got = page.evaluate("""async () => {
      const engine = new Almbench.Engine();
      let changes = 0;
      engine.onchange = () => { changes += 1; };
      const first = engine.load([{url: "zero.wav", gain: 1}]).catch(error => error.name);
      await engine.load([{url: "half.wav", gain: 1}, {url: "half.wav", gain: 1}]);
      const loaded = [await first, engine.duration.toFixed(3), changes > 0];
      try { engine.select(2); } catch (error) { loaded.push(error.name); }
      engine.free();
      return [...loaded, engine.duration, Almbench.Engine.available];
    }""")
    assert got == ["AbortError", "2.000", True, "RangeError", 0, True]
