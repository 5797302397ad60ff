"""Probes of frames, on sounds whose voice and level are known."""

from dataclasses import replace

import numpy as np
import pytest

from almbench.audio import Samples, Sound
from almbench.errors import MetricUndefined
from almbench.tokens.frames import FrameProbe, FrameSettings, contours
from almbench.tokens.measure import Effort, TokenSet
from tests.tokens.conftest import token_set

RATE = 16_000


def harmonics(f0: float, seconds: float, level: float) -> Samples:
    times = np.arange(int(seconds * RATE)) / RATE
    waves = [np.cos(2 * np.pi * f0 * k * times) / k for k in range(1, 12)]
    return np.asarray(level * np.sum(waves, axis=0), np.float64)


def made() -> TokenSet:
    """Half a second of voice, then silence; the first book says which, the second nothing."""
    rng = np.random.default_rng(0)
    sounds = {
        f"c{i}": np.concatenate([harmonics(100 + 20 * i, 0.5, 0.1), np.zeros(RATE // 2)])
        for i in range(6)
    }
    codes = [np.stack([np.arange(50) < 25, rng.integers(0, 4, 50)]).astype(np.int64)] * 6
    tokens = token_set(codes, sizes=(2, 4), frame_rate=50.0)
    heard = replace(tokens.clipset, read_sound=lambda id_: Sound(sounds[id_], RATE), sound_hash="x")
    return replace(tokens, clipset=heard)


def test_contours_follow_voice_and_level() -> None:
    sound = np.concatenate([harmonics(150, 0.5, 0.1), np.zeros(RATE // 2)])
    found = contours(Sound(sound, RATE))
    times = np.array([0.2, 0.3, 0.8])
    assert found.at(times, "voicing").tolist() == [1, 1, 0]
    f0 = found.at(times, "f0_quartile")
    assert f0[:2] == pytest.approx([150, 150], rel=0.01)
    assert np.isnan(f0[2])
    power = found.at(times, "energy_quartile")
    assert power[0] == pytest.approx(np.mean(sound[: RATE // 2] ** 2), rel=0.05)
    assert power[2] == 0


def test_voicing_is_read_off_the_book_that_holds_it() -> None:
    probe = FrameProbe(FrameSettings())
    found = {value.book: value for value in probe.compute(made(), "voicing", Effort())}
    assert found["1"].value is not None
    assert found["1"].value > 0.93  # all but the frames at the edge
    assert found["2"].value is not None
    assert found["2"].value < 0.7
    assert (found["1"].n, found["1"].clusters, found["1"].chance) == (300, 6, 0.5)
    (heard,) = probe.baseline(made().clipset, "voicing", Effort())
    assert heard.value is not None
    assert heard.value > 0.93


def test_frames_that_do_not_suffice_say_so() -> None:
    probe = FrameProbe(FrameSettings())
    tokens = made()
    with pytest.raises(MetricUndefined, match="frame rate"):
        probe.compute(replace(tokens, frame_rate=None), "voicing", Effort())
    silent = replace(
        tokens.clipset, read_sound=lambda _: Sound(np.zeros(RATE), RATE), sound_hash="y"
    )
    with pytest.raises(MetricUndefined, match="two classes"):
        probe.compute(replace(tokens, clipset=silent), "f0_quartile", Effort())
    assert probe.targets(replace(tokens.clipset, read_sound=None), ()) == []
    assert probe.targets(tokens.clipset, ["speaker", "voicing"]) == ["voicing"]
