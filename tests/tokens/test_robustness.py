"""Robustness of identity on codecs whose answer is known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from almbench.audio import Samples, Sound, fit
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.codecs.lowpass import Lowpass, LowpassOptions
from almbench.errors import CodecError, MetricUndefined
from almbench.results.probes import ProbeValue
from almbench.statistics.tokens import Codes
from almbench.tokens.changes import CHANGES
from almbench.tokens.measure import ClipSet, Effort, LabelledClip, TokenSet
from almbench.tokens.robustness import Stability, examine

RATE, HOP = 16_000, 320
STEP = 4.0  # dB between two levels


class Toy(Codec[Options]):
    """A codec whose two codes are the level of its frame, and of the one `reach` frames away.

    Args:
        reach: How many frames before (or, negative, after) its own the second code looks.
        gain: What decoding multiplies by.
    """

    def __init__(self, reach: int = 0, gain: float = 1.0) -> None:
        super().__init__("toy", "Toy", Options())
        self.reach, self.gain = reach, gain

    @property
    def spec(self) -> CodecSpec:
        return CodecSpec(
            id="toy",
            label="Toy",
            family="toy",
            sample_rate=RATE,
            frame_rate=RATE / HOP,
            codebook_sizes=(64, 64),
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        encoded = []
        for samples in batch:
            if not len(samples):
                raise CodecError("the clip is empty")
            frames = fit(samples, -(-len(samples) // HOP) * HOP).reshape(-1, HOP)
            levels = 20 * np.log10(np.maximum(np.sqrt((frames**2).mean(axis=1)), 1e-9))
            codes = np.clip(np.rint(levels / STEP) + 40, 0, 63).astype(np.int64)
            places = np.clip(np.arange(len(codes)) - self.reach, 0, len(codes) - 1)
            encoded.append(from_codes(np.stack([codes, codes[places]]), [64, 64], len(samples)))
        return encoded

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        sounds = []
        for item in batch:
            assert item.codes is not None
            levels = 10 ** ((item.codes[0] - 40.0) * STEP / 20) * self.gain
            tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / rate * np.arange(HOP * len(levels)))
            sounds.append(fit(np.repeat(levels, HOP) * tone, item.length))
        return sounds


def tone(level_db: float, seconds: float = 1.0) -> Samples:
    """A tone of 1 kHz, which has a whole number of periods in each frame."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 1000 * time))


def kept(codec: Codec[Any], samples: Samples, other: Samples | None) -> dict[str, list[float]]:
    """The shares of codes that stayed the same."""
    found = examine(codec, samples, RATE, other, (0,)).values
    return {name: share.tolist() for (measure, name), share in found.items() if share.ndim}


def test_a_codec_that_shifts_do_not_move_is_stable() -> None:
    found = kept(Toy(), tone(-20), tone(-40))
    assert set(found) == {
        *CHANGES,
        *(f"own output, {n} pass{'es' if n > 1 else ''}" for n in (1, 2, 5)),
    }
    for name in (*[n for n in CHANGES if n.startswith("shift")], "+1 dB", "noise 20 dB"):
        assert found[name] == [1, 1], name
    for name in ("Opus 24 kbps", "low-pass 3.5 kHz", "preceded", "followed"):
        assert found[name] == [1, 1], name


def test_a_codec_of_levels_moves_with_the_gain_and_passes_keep_what_they_keep() -> None:
    found = kept(Toy(), tone(-20), None)
    assert found["+3 dB"] == found["+6 dB"] == [0, 0]  # more than half of a step of 4 dB
    loud = kept(Toy(), tone(-4), None)
    assert loud["+1 dB"] == [1, 1]
    assert loud["+6 dB"] == [0, 0]  # made quieter instead: it would clip
    assert found["own output, 5 passes"] == [1, 1]
    assert kept(Toy(gain=0.4), tone(-20), None)["own output, 1 pass"] == [0, 0]


@pytest.mark.parametrize(
    ("reach", "before", "after"), [(0, 0, 0), (3, 3, 0), (-2, 0, 2)], ids=["none", "past", "future"]
)
def test_how_far_a_codec_hears_is_found(reach: int, before: int, after: int) -> None:
    found = examine(Toy(reach), tone(-20), RATE, tone(-40), (0,)).values
    assert found["lookback_s", ""] == pytest.approx(before * HOP / RATE)
    assert found["lookahead_s", ""] == pytest.approx(after * HOP / RATE)
    frames = RATE // HOP
    assert found["stability", "preceded"].tolist() == [1, 1 - before / frames]
    assert found["stability", "followed"].tolist() == [1, 1 - after / frames]


def test_a_shift_by_a_frame_is_compared_with_the_next_frame() -> None:
    ladder = np.concatenate([tone(level, HOP / RATE) for level in (-40, -32, -24, -16)])
    found = kept(Toy(), ladder, None)
    assert found["shift 1 frame"] == [1, 1]
    assert found["shift 1 sample"] == [1, 1]


def test_generation_loss_is_scored_and_a_filter_has_nothing_else() -> None:
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(RATE)
    codec = Lowpass("low", "Low", LowpassOptions(cutoff=3500))
    found = examine(codec, noise, RATE, None, (0,))
    assert {measure for measure, _ in found.values} == {"mel_distance", "stoi"}
    once, often = (found.values["mel_distance", f"own output, {n}"] for n in ("1 pass", "5 passes"))
    assert 0 < once <= often


def token_set(
    sounds: dict[str, Samples], opened: Callable[[], Any] | None, clusters: list[str] | None = None
) -> TokenSet:
    """A token set whose codec can be opened."""
    names = clusters or list(sounds)
    clips = tuple(LabelledClip(id_, name) for id_, name in zip(sounds, names, strict=True))
    clipset = ClipSet("set", clips, lambda id_: Sound(sounds[id_], RATE))
    codes: tuple[Codes, ...] = tuple(np.zeros((2, 1), np.int64) for _ in sounds)
    return TokenSet(clipset, "toy", codes, (64, 64), RATE / HOP, opened, "it is not here")


def compute(tokens: TokenSet) -> dict[tuple[str, str, str], ProbeValue]:
    """The values of the measure."""
    values = Stability(Stability.settings_type()).compute(tokens, "", Effort())
    return {(value.measure, value.input, value.book): value for value in values}


@contextmanager
def opened() -> Iterator[Codec[Any]]:
    yield Toy(reach=1)


def test_values_are_means_over_clips_with_intervals_and_chance() -> None:
    sounds = {f"c{i}": tone(-40 + 4 * i) for i in range(4)}
    values = compute(token_set(sounds, opened))
    same = values["stability", "preceded", "all"]
    assert (same.n, same.clusters) == (4, 4)
    assert same.chance == pytest.approx(0.25)
    assert same.value == pytest.approx(1 - 0.01)
    assert values["stability", "preceded", "2"].value == pytest.approx(0.98)
    assert values["stability", "+6 dB", "1"].value == 0
    assert values["lookback_s", "", "all"].value == pytest.approx(0.02)
    assert values["mel_distance", "own output, 1 pass", "all"].n == 4


def test_intervals_of_scores_keep_to_what_the_metrics_can_be() -> None:
    values = compute(token_set({"a": tone(-40), "b": tone(-41)}, opened))
    found = values["mel_distance", "own output, 1 pass", "all"]
    assert found.value is not None
    assert found.ci95_high is not None
    assert found.ci95_high > 2 * found.value  # as far below the mean, it would be below zero
    assert found.ci95_low == 0


def test_what_cannot_be_had_says_why() -> None:
    with pytest.raises(MetricUndefined, match="it is not here"):
        compute(token_set({"a": tone(-20)}, None))
    alone = compute(token_set({"a": tone(-20)}, opened))
    assert alone["stability", "preceded", "all"].value is None
    assert "no other sound" in alone["stability", "preceded", "all"].reason
    assert "one cluster" in alone["stability", "+1 dB", "all"].reason
    with pytest.raises(MetricUndefined, match="empty"):
        compute(token_set({"a": tone(-20)[:0]}, opened))
    short = compute(token_set({"a": tone(-20)[:100], "b": tone(-20)}, opened))
    assert short["stability", "+1 dB", "all"].n == 1
    assert "no frame" in short["stability", "+1 dB", "all"].reason
