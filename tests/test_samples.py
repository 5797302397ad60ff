"""The built-in sample set: what is stored, how it is made, and how codecs score on it."""

import csv
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf
from pesq import pesq
from pystoi import stoi

from almbench.audio import Samples, fit, read, resample, to_integers
from almbench.domains import DOMAINS
from almbench.names import safe_name
from almbench.samples import folder, speech
from almbench.samples.instruments import electric, hertz, lead, pluck
from almbench.samples.make import COLUMNS, RECIPES, make, render
from almbench.samples.tools import RATE, Recipe, finish, ring, room, silence

with (folder() / "clips.csv").open(encoding="utf-8", newline="") as table:
    ROWS = list(csv.DictReader(table))
PATHS = [row["path"] for row in ROWS]
SPOKEN = [row["path"] for row in ROWS if row["domain"] == "speech"]


def steps(samples: Samples) -> Samples:
    return np.rint(samples * 2**15)


def opus(samples: Samples, rate: int, bit_rate: int) -> tuple[Samples, float]:
    """Code by libopus: the sound at 48 kHz in step with the input, and the bit/s of the packets."""
    encoder = av.AudioCodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", "s16"
    encoder.bit_rate = bit_rate
    encoder.options = {"application": "voip", "vbr": "off", "frame_duration": "60"}
    encoder.open()
    integers = to_integers(samples, 16)[0].astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(integers, format="s16", layout="mono")
    frame.sample_rate = rate
    queue = av.AudioFifo()
    queue.write(frame)
    packets = []
    while queue.samples:
        piece = queue.read(min(encoder.frame_size, queue.samples))
        packets += encoder.encode(piece)
    packets += encoder.encode(None)
    decoder = av.AudioCodecContext.create("libopus", "r")
    decoder.extradata = encoder.extradata  # tells the pre-skip
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    decoded = np.concatenate([frame.to_ndarray().ravel() for frame in frames]) / 2**15
    return decoded, sum(packet.size for packet in packets) * 8 * rate / len(samples)


def test_manifest_names_every_file_once() -> None:
    assert tuple(ROWS[0]) == COLUMNS
    assert sorted(PATHS) == sorted(
        file.relative_to(folder()).as_posix() for file in folder().rglob("*.flac")
    )
    assert len({row["id"].casefold() for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert safe_name(row["id"]) == row["id"]
        assert row["path"] == f"{row['domain']}/{row['id']}.flac"
        assert row["text"]
        assert bool(row["speaker"]) == (row["domain"] == "speech")


def test_manifest_is_what_the_recipes_say() -> None:
    said = [(recipe.id, recipe.domain, recipe.speaker, recipe.text) for recipe in RECIPES]
    assert [(row["id"], row["domain"], row["speaker"], row["text"]) for row in ROWS] == said


def test_set_is_small_and_covers_every_domain() -> None:
    counts = Counter(row["domain"] for row in ROWS)
    assert set(counts) == set(DOMAINS)
    assert min(counts.values()) >= 4
    speakers = {row["speaker"] for row in ROWS if row["speaker"]}
    assert len(speakers) == counts["speech"]  # so that clips are independent
    assert sum((folder() / path).stat().st_size for path in PATHS) <= 3_000_000


@pytest.mark.parametrize("path", PATHS)
def test_clip_is_sound_technically(path: str) -> None:
    info = sf.info(folder() / path)
    assert (info.format, info.samplerate, info.channels) == ("FLAC", 24_000, 1)
    assert info.subtype == "PCM_16"
    assert 3 <= info.duration <= 6
    samples = read(folder() / path).samples
    assert 20 * np.log10(np.abs(samples).max()) < -1
    assert abs(samples.mean()) < 1e-5
    assert np.abs(samples[[0, -1]]).max() <= 2**-15  # faded in and out
    assert -28 < 20 * np.log10(samples.std()) < -18
    sounding = np.flatnonzero(samples)
    gaps = np.diff(sounding, prepend=-1, append=len(samples)) - 1
    assert gaps.max() <= 0.5 * info.samplerate


@pytest.mark.parametrize("path", SPOKEN)
def test_speech_is_ranked_by_pesq_and_stoi(path: str) -> None:
    sound = read(folder() / path)
    reference = resample(sound.samples, sound.rate, 16_000)
    scores = {}
    for asked in (6000, 24_000):
        decoded, spent = opus(sound.samples, sound.rate, asked)
        assert spent == pytest.approx(asked, rel=0.02)
        heard = fit(resample(decoded, 48_000, 16_000), len(reference))
        middle = reference[4000:-4000]
        lag = np.argmax(np.correlate(heard[3600:-3600], middle)) - 400
        assert abs(lag) <= 2
        scores[asked] = (pesq(16_000, reference, heard, "wb"), stoi(reference, heard, 16_000))
    assert scores[24_000][0] > scores[6000][0] + 1
    assert scores[24_000][1] > scores[6000][1] + 0.05
    assert scores[24_000][0] > 3
    assert scores[24_000][1] > 0.95


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
def test_made_again_is_the_same(recipe: Recipe) -> None:
    if recipe.domain == "speech" and speech.version() != speech.VERSION:
        pytest.skip(f"needs espeak-ng {speech.VERSION}, found {speech.version()}")
    stored = read(folder() / recipe.domain / f"{recipe.id}.flac").samples
    again = render(recipe)
    assert len(again) == len(stored)
    # Another processor may round the last bit of a sine differently: one step of 16 bits at most.
    assert np.abs(steps(again) - steps(stored)).max() <= 1


def test_make_writes_the_manifest_and_the_files(tmp_path: Path) -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.id == "marble")
    make(tmp_path, [recipe])
    written = read(tmp_path / "sound/marble.flac")
    assert written.rate == 24_000
    assert np.array_equal(steps(written.samples), steps(render(recipe)))
    with (tmp_path / "clips.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == next(row for row in ROWS if row["id"] == "marble")


def test_missing_espeak_is_one_clear_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "almbench.samples.make", "--output", str(tmp_path / "set")]
    bare = os.environ | {"PATH": ""}
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "apt-get install espeak-ng" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "set").exists()


def pitch(note: Samples, near: float) -> float:
    """Frequency in Hz of the partial near a frequency, from the peak of a long, windowed FFT."""
    power = np.abs(np.fft.rfft(note * np.hanning(len(note)), 2**20))
    bins = np.arange(len(power)) * RATE / 2**20
    inside = np.flatnonzero(np.abs(bins / near - 1) < 0.03)
    return float(bins[inside[power[inside].argmax()]])


@pytest.mark.parametrize("note", [33, 45, 57, 69, 76])
def test_instruments_are_in_tune(note: int) -> None:
    wanted = 440 * 2 ** ((note - 69) / 12)
    assert hertz(note) == pytest.approx(wanted)
    rng = np.random.default_rng(1)
    played = [pluck(rng, note, 2, 4, 4000), electric(note, 2, 0.7), lead(note, 2, note)]
    for sound in played:
        assert abs(1200 * np.log2(pitch(sound, wanted) / wanted)) < 5


def test_ring_falls_by_60_db() -> None:
    fall = ring(1.0, 0.5)
    assert fall[0] == 1
    assert 20 * np.log10(fall[round(0.5 * RATE)]) == pytest.approx(-60)


def test_room_adds_the_power_asked_for_after_the_delay() -> None:
    click = silence(1.0)
    click[0] = 1
    wet = room(np.random.default_rng(1), click, 0.4, wet_db=-6, delay=0.02) - click
    assert np.abs(wet[: round(0.02 * RATE) - 1]).max() < 1e-9
    assert 10 * np.log10(np.sum(wet**2)) == pytest.approx(-6, abs=0.01)


def test_finish_levels_by_power_unless_the_peak_forbids() -> None:
    tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(2 * RATE) / RATE) + 0.2  # with an offset
    even = finish(tone, -23, fade=0.1)
    assert len(even) == len(tone) // 2
    assert 20 * np.log10(even.std()) == pytest.approx(-23, abs=0.01)
    assert abs(even.mean()) < 1e-4
    clicks = silence(2.0)
    clicks[::RATE] = 1
    assert 20 * np.log10(np.abs(finish(clicks, -23, fade=0.1)).max()) == pytest.approx(-1.5)


def test_trim_keeps_the_middle() -> None:
    sound = np.concatenate([np.full(100, 1e-5), [0.5, 0.0, -0.5], np.zeros(50)])
    assert speech.trim(sound).tolist() == [0.5, 0.0, -0.5]
