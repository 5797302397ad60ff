"""What is drawn into a test, from material that is made up."""

from dataclasses import dataclass, replace
from hashlib import sha256

import pytest

from almbench.listening.design import Clip, Material, Sound, Stimulus, System
from almbench.listening.kinds import load_kind
from almbench.names import ORIGINAL


@dataclass(frozen=True)
class Published:
    """A published sound."""

    address: str
    seconds: float = 5.0
    lufs: float | None = -23.0
    gain_db: float = -1.0


SYSTEMS = {f"c{i}": System(f"Codec {i}", i == 0, float(i)) for i in range(20)}


def address(system: str, clip: int) -> str:
    return sha256(f"{system} {clip}".encode()).hexdigest()


def material(
    systems: dict[str, System],
    clips: int,
    rate: int = 48_000,
    seconds: float = 5.0,
    lufs: float | None = -23.0,
) -> Material:
    sounds: dict[tuple[str, str, str], Sound] = {
        ("talk", system, f"clip{i}"): Published(address(system, i), seconds, lufs)
        for system in [ORIGINAL, *systems]
        for i in range(clips)
    }
    return Material(
        "speech",
        7,
        systems,
        sounds,
        lambda _: rate,
        lambda sound, cutoff: Published(f"{sound.address}-{cutoff:g}", sound.seconds),
    )


@pytest.mark.parametrize(
    ("seconds", "fits"), [(0.99, False), (1.0, True), (12.0, True), (12.01, False)]
)
def test_clips_have_one_to_twelve_seconds(seconds: float, fits: bool) -> None:
    assert material({}, 1, seconds=seconds).clips == [Clip("talk", "clip0")] * fits


def test_silence_is_no_clip_of_a_test() -> None:
    assert material({}, 1, lufs=None).clips == []


def test_draws_are_of_the_seed_and_keep_their_order() -> None:
    made = material(SYSTEMS, 30)
    drawn = made.draw_clips(made.clips)
    assert len(drawn) == 8
    assert drawn == sorted(drawn, key=made.clips.index)
    assert drawn == material(SYSTEMS, 30).draw_clips(made.clips)
    assert drawn != replace(made, seed=8).draw_clips(made.clips)
    assert drawn != replace(made, domain="music").draw_clips(made.clips)
    assert made.draw_clips(made.clips[:8]) == made.clips[:8]


def test_systems_are_drawn_from_each_neighbourhood_of_bitrates() -> None:
    made = material(SYSTEMS, 1)
    drawn = made.draw_systems(list(SYSTEMS), 10)
    rates = [SYSTEMS[system].kbps for system in drawn]
    assert [int(rate) // 2 for rate in rates] == list(range(10))  # one of each two neighbours
    assert made.draw_systems(drawn, 10) == drawn


def test_a_gain_is_linear() -> None:
    assert Stimulus.of(Published("x"), -6.0206) == Stimulus("x", 0.5)


def test_a_mushra_test() -> None:
    design = load_kind("mushra").design(material(SYSTEMS, 3))
    assert design is not None
    assert (design.stimuli, design.anchors, design.missing) == (12, 2, 0)
    assert design.minutes == round(4 * 12 * 12 / 60) + 1  # 3 clips and the training, 12 s a sound
    assert len(design.left_out) == 19 - 9  # the run's own anchor takes no part
    for trial, names in zip(design.trials, design.key["stimuli"], strict=True):
        roles = [name["role"] for name in names]
        assert (roles.count("reference"), roles.count("anchor")) == (1, 2)
        assert trial.reference == roles.index("reference")
        assert trial.sounds == sorted(trial.sounds, key=lambda s: s.url if s else "")


@pytest.mark.parametrize(
    ("rate", "anchors"), [(48_000, 2), (16_000, 2), (15_999, 1), (8_000, 1), (7_999, 0)]
)
def test_anchors_need_a_rate_that_holds_their_stop_band(rate: int, anchors: int) -> None:
    design = load_kind("mushra").design(material({"c1": SYSTEMS["c1"]}, 1, rate))
    assert design is not None
    assert design.anchors == anchors
    assert len(design.left_out) == 2 - anchors


@pytest.mark.parametrize(("clips", "kept"), [(4, True), (3, False)])
def test_a_system_that_would_cost_most_clips_is_left_out(clips: int, kept: bool) -> None:
    made = material({s: SYSTEMS[s] for s in ("c1", "c2")}, 8)
    gone = {("talk", "c2", f"clip{i}") for i in range(clips, 8)}
    sounds = {key: sound for key, sound in made.sounds.items() if key not in gone}
    design = load_kind("mushra").design(replace(made, sounds=sounds))
    assert design is not None
    assert (len(design.trials), design.missing) == ((4, 4) if kept else (8, 0))
    assert design.left_out == ([] if kept else ["Codec 2 (no sound for some clips)"])


@pytest.mark.parametrize("kind", ["mushra", "abx"])
def test_nothing_to_test(kind: str) -> None:
    assert load_kind(kind).design(material(SYSTEMS, 0)) is None
    assert load_kind(kind).design(material({}, 3)) is None


def test_an_abx_test_holds_what_any_codec_has() -> None:
    made = material({s: SYSTEMS[s] for s in ("c1", "c2")}, 2)
    sounds = {k: s for k, s in made.sounds.items() if k != ("talk", "c2", "clip1")}
    design = load_kind("abx").design(replace(made, sounds=sounds))
    assert design is not None
    assert [s["id"] for s in design.key["systems"]] == [ORIGINAL, "c1", "c2"]
    first, second = design.trials
    assert None not in first.sounds
    assert [sound is None for sound in second.sounds] == [False, False, True]
    assert first.reference is None
