"""Crops: found by their number alone, and what is said of folders that will not do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from almbench.errors import UserError
from almbench.training.data import Crops, Folder, batches, open_folders
from almbench.training.recipe import DataConfig, TrainConfig

RATE = 24_000
SPEECH = DataConfig(name="speech", what="people who talk")
Sound = NDArray[np.float64]


def write(path: Path, samples: Sound, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, samples, rate, subtype="PCM_16")
    return path


def sine(frequency: float, seconds: float, rate: int = RATE, level: float = 0.5) -> Sound:
    made: Sound = level * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)
    return made


def crops(
    recipe: TrainConfig, *places: Path, shares: tuple[float, ...] = (), **changes: Any
) -> Crops:
    """Crops of stage 1 from folders, with changes of the stage's settings."""
    wanted = [
        DataConfig(name=str(n), share=share)
        for n, share in enumerate(shares or (1.0,) * len(places))
    ]
    folders = open_folders(wanted, {str(n): place for n, place in enumerate(places)})
    return Crops(folders, recipe, recipe.stage1.model_copy(update=changes))


def pitch(sound: NDArray[np.float32]) -> float:
    """Frequency of the strongest bin."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    return float(spectrum.argmax() * RATE / (8 * len(sound)))


def test_a_crop_follows_from_its_number_alone(tiny: TrainConfig, clips: Path) -> None:
    changes: dict[str, Any] = {"speed": 0.1, "gain_db": 6.0}
    first, again = crops(tiny, clips, **changes), crops(tiny, clips, **changes)
    forwards = [first[n] for n in range(6)]
    backwards = [again[n] for n in reversed(range(6))][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({sound.tobytes() for sound in forwards}) == 6


def test_another_seed_gives_other_crops(tiny: TrainConfig, clips: Path) -> None:
    other = tiny.model_copy(update={"seed": 6})
    one, two = crops(tiny, clips)[0], crops(other, clips)[0]
    assert len(one) != len(two) or not np.array_equal(one, two)


def test_crops_of_a_batch_are_equally_long_and_whole_frames(tiny: TrainConfig, clips: Path) -> None:
    source = crops(tiny, clips, batch=3, min_seconds=0.2, max_seconds=0.8)
    lengths = [len(source[n]) for n in range(24)]
    assert all(length % 320 == 0 for length in lengths)
    assert all(0.2 * RATE - 320 <= length <= 0.8 * RATE + 320 for length in lengths)
    by_batch = [set(lengths[n : n + 3]) for n in range(0, 24, 3)]
    assert all(len(found) == 1 for found in by_batch)
    assert len(set.union(*by_batch)) > 4


def test_a_crop_is_a_piece_of_its_file(tiny: TrainConfig, clips: Path) -> None:
    whole = [sf.read(path, dtype="float32")[0] for path in sorted(clips.glob("*.flac"))]
    source = crops(tiny, clips, min_seconds=0.2, max_seconds=0.2)
    starts = []
    for n in range(8):
        crop = source[n]
        found = [
            start
            for sound in whole
            for start in np.flatnonzero(sound[: -len(crop)] == crop[0])
            if np.allclose(sound[start : start + len(crop)], crop, atol=1e-6)
        ]
        assert found, n
        starts.append(found[0])
    assert np.ptp(starts) > RATE  # from all over


def test_a_file_shorter_than_the_crop_is_padded(tiny: TrainConfig, tmp_path: Path) -> None:
    samples = sine(440, 0.1) + 0.1
    write(tmp_path / "short.wav", samples)
    crop = crops(tiny, tmp_path, min_seconds=0.5, max_seconds=0.5)[0]
    assert len(crop) == 38 * 320  # 0.5 s to the nearest frame
    np.testing.assert_allclose(crop[:2400], samples, atol=1e-4)
    assert not crop[2400:].any()


def test_a_file_of_one_sample_will_do(tiny: TrainConfig, tmp_path: Path) -> None:
    write(tmp_path / "one.wav", np.array([0.5]))
    crop = crops(tiny, tmp_path)[0]
    assert crop[0] == pytest.approx(0.5, abs=1e-3)
    assert not crop[1:].any()


def test_stereo_is_averaged(tiny: TrainConfig, tmp_path: Path) -> None:
    left = sine(440, 1)
    write(tmp_path / "against" / "a.wav", np.stack((left, -left), axis=1))
    write(tmp_path / "one side" / "b.wav", np.stack((left, 0 * left), axis=1))
    assert np.abs(crops(tiny, tmp_path / "against")[0]).max() < 1e-4
    assert np.abs(crops(tiny, tmp_path / "one side")[0]).max() == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_other_rates_are_converted(tiny: TrainConfig, tmp_path: Path, rate: int) -> None:
    write(tmp_path / "tone.wav", sine(1000, 2, rate), rate)
    crop = crops(tiny, tmp_path)[0]
    assert pitch(crop) == pytest.approx(1000, abs=1)
    assert np.abs(crop[2000:-2000]).max() == pytest.approx(0.5, abs=0.01)
    assert crop.dtype == np.float32


def test_speed_and_pitch_change_together_within_their_limit(
    tiny: TrainConfig, tmp_path: Path
) -> None:
    write(tmp_path / "tone.wav", sine(1000, 3))
    source = crops(tiny, tmp_path, speed=0.1)
    found = np.array([pitch(source[n]) for n in range(30)])
    assert found.min() > 899
    assert found.max() < 1101
    assert np.ptp(found) > 100
    # Nothing is missing at the end of a crop read at another speed.
    assert all(np.abs(source[n][-300:]).max() > 0.4 for n in range(30))


def test_levels_change_within_their_limit_and_never_leave_full_scale(
    tiny: TrainConfig, tmp_path: Path
) -> None:
    write(tmp_path / "tone.wav", sine(1000, 2))
    source = crops(tiny, tmp_path, gain_db=20.0)
    peaks = np.array([np.abs(source[n]).max() for n in range(30)])
    assert peaks.min() >= 0.05 * 0.98
    assert peaks.max() == 1.0
    gentle = crops(tiny, tmp_path, gain_db=3.0)
    peaks = np.array([np.abs(gentle[n]).max() for n in range(30)])
    assert peaks.min() >= 0.5 * 10**-0.15 * 0.99
    assert peaks.max() <= 0.5 * 10**0.15 * 1.01
    assert np.ptp(peaks) > 0.1


def test_folders_have_their_shares_and_files_their_lengths(
    tiny: TrainConfig, tmp_path: Path
) -> None:
    short: dict[str, Any] = {"min_seconds": 0.02, "max_seconds": 0.02}
    write(tmp_path / "a" / "x-long.wav", np.full(3 * RATE, 0.1))
    write(tmp_path / "a" / "x-short.wav", np.full(RATE, 0.2))
    write(tmp_path / "b" / "other.wav", np.full(RATE // 2, 0.4))
    source = crops(tiny, tmp_path / "a", tmp_path / "b", shares=(4, 1), **short)
    levels = np.array([np.median(source[n]) for n in range(500)]).round(1)
    counts = {level: np.mean(levels == level) for level in (0.1, 0.2, 0.4)}
    # 4/5 of the crops split 3 to 1 by length, and 1/5.
    assert counts[0.1] == pytest.approx(0.6, abs=0.07)
    assert counts[0.2] == pytest.approx(0.2, abs=0.06)
    assert counts[0.4] == pytest.approx(0.2, abs=0.06)


def test_speakers_are_drawn_equally_often_and_their_files_by_length(tmp_path: Path) -> None:
    for name, seconds in (("a/1.wav", 3), ("a/x/2.wav", 1), ("b-3-4.wav", 1), ("b-5.wav", 1)):
        write(tmp_path / name, np.full(seconds * RATE, 0.1))
    [speech] = open_folders([DataConfig(name="speech")], {"speech": tmp_path})
    assert speech.speakers == ["a", "a", "b", "b"]
    np.testing.assert_allclose(speech.weights, [3 / 8, 1 / 8, 1 / 4, 1 / 4])
    [other] = open_folders([DataConfig(name="speech", speech=False)], {"speech": tmp_path})
    np.testing.assert_allclose(other.weights, [3 / 6, 1 / 6, 1 / 6, 1 / 6])


def test_the_equalizer_stays_within_its_bounds_and_is_smooth(
    tiny: TrainConfig, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    write(tmp_path / "noise.wav", 0.05 * rng.standard_normal(4 * RATE))
    plain, shaped = (
        crops(tiny, tmp_path, equalizer_db=db, min_seconds=0.5, max_seconds=0.5) for db in (0, 6)
    )
    largest = []
    for n in range(8):
        before, after = (np.abs(np.fft.rfft(source[n])) for source in (plain, shaped))
        gains = 20 * np.log10(after / before)
        assert np.abs(gains).max() < 6.05
        assert np.abs(np.diff(gains)).max() < 1
        largest.append(np.ptp(gains))
    assert min(largest) > 2
    assert len(set(np.round(largest, 3))) == 8


def test_noise_is_added_at_a_level_within_its_range(tiny: TrainConfig, tmp_path: Path) -> None:
    write(tmp_path / "silence.wav", np.zeros(2 * RATE))
    source = crops(tiny, tmp_path, noise_db=-30.0)
    levels = [20 * np.log10(np.std(source[n])) for n in range(40)]
    assert -70.5 < min(levels) < -60
    assert -40 < max(levels) < -29.5
    np.testing.assert_array_equal(source[3], source[3])


def test_length_counts_in_seconds_whatever_the_rate(tiny: TrainConfig, tmp_path: Path) -> None:
    write(tmp_path / "high.wav", np.full(48_000, 0.1), 48_000)
    write(tmp_path / "low.wav", np.full(8_000, 0.2), 8_000)
    source = crops(tiny, tmp_path, min_seconds=0.02, max_seconds=0.02)
    high = np.mean([np.median(source[n]) < 0.15 for n in range(400)])
    assert high == pytest.approx(0.5, abs=0.08)


def test_processes_share_the_crops_of_a_step(tiny: TrainConfig, clips: Path) -> None:
    source = crops(tiny, clips, batch=2, steps=3)
    ranks = [list(batches(source, 1, rank, 2)) for rank in range(2)]
    assert [len(found) for found in ranks] == [2, 2]  # steps 1 and 2
    for step in range(2):
        for rank in range(2):
            first = ((step + 1) * 2 + rank) * 2
            wanted = np.stack([source[first], source[first + 1]])
            np.testing.assert_array_equal(ranks[rank][step].numpy(), wanted)


def test_batches_go_on_where_they_stopped(tiny: TrainConfig, clips: Path) -> None:
    source = crops(tiny, clips, steps=4)
    straight = [batch.numpy() for batch in batches(source, 0)]
    assert len(straight) == 4
    later = [batch.numpy() for batch in batches(source, 2, workers=1)]  # in another process
    for one, other in zip(straight[2:], later, strict=True):
        np.testing.assert_array_equal(one, other)
    assert list(batches(source, 4)) == []


def test_folders_are_searched_in_depth_for_sound_only(tmp_path: Path) -> None:
    second = write(tmp_path / "b" / "c" / "two.flac", sine(440, 1.5, 16_000), 16_000)
    first = write(tmp_path / "a" / "one.WAV", sine(440, 1))
    (tmp_path / "a" / "notes.txt").write_text("no sound")
    [folder] = open_folders([SPEECH], {"speech": tmp_path})
    assert folder == Folder(
        [first, second], [24_000, 24_000], [24_000, 16_000], 1.0, True, ["a", "b"]
    )
    assert folder.hours == pytest.approx(2.5 / 3600)


def test_what_systems_leave_behind_is_no_sound_to_train_on(tmp_path: Path) -> None:
    sound = write(tmp_path / "one.wav", sine(440, 1))
    for name in ("._one.wav", "two.wav.part", "__MACOSX/three.wav", ".ipynb_checkpoints/four.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07")
    [folder] = open_folders([SPEECH], {"speech": tmp_path})
    assert folder.paths == [sound]


def test_a_missing_folder_is_asked_for_with_its_option() -> None:
    with pytest.raises(UserError, match=r"--data speech=PATH \(people who talk\)"):
        open_folders([SPEECH], {})


def test_an_unknown_folder_names_the_allowed() -> None:
    with pytest.raises(UserError, match=r"no data name 'music' in the recipe\. Allowed: speech"):
        open_folders([SPEECH], {"music": Path()})


def test_a_folder_without_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    with pytest.raises(UserError, match=r"--data speech=.*no sound is there.*\.flac, .*\.wav"):
        open_folders([SPEECH], {"speech": tmp_path})


def test_a_damaged_file_is_named_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "damaged.flac").write_bytes(b"fLaC and then nothing of use")
    with pytest.raises(UserError, match=r"--data speech=.*damaged\.flac cannot be read.*remove it"):
        open_folders([SPEECH], {"speech": tmp_path})


def test_an_empty_file_is_named_with_a_fix(tmp_path: Path) -> None:
    write(tmp_path / "empty.wav", np.zeros(0))
    with pytest.raises(UserError, match=r"--data speech=.*empty\.wav holds no samples.*remove it"):
        open_folders([SPEECH], {"speech": tmp_path})


def test_a_flac_that_does_not_say_its_length(tmp_path: Path) -> None:
    path = write(tmp_path / "streamed.flac", sine(440, 1))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the number of samples, 36 bits of the header: 0 is "not known"
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"streamed\.flac does not say how long it is"):
        open_folders([SPEECH], {"speech": tmp_path})
