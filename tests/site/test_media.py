import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from PIL import Image

from almbench.audio import Samples
from almbench.loudness import loudness
from almbench.names import ORIGINAL
from almbench.site.media import Sounds, publish, publish_sounds
from almbench.site.output import Output
from almbench.site.source import Run, read_runs
from almbench.site.views import GAP, HEIGHT, WAVE, WIDTH, Scale, draw_view


def sine(frequency: float, seconds: float, rate: int, amplitude: float = 1.0) -> Samples:
    wave: Samples = amplitude * np.sin(2 * np.pi * frequency * np.arange(seconds * rate) / rate)
    return wave


@pytest.fixture
def edited(run: Path, tmp_path: Path) -> Path:
    """A run of which one clip has versions of other rates, lengths and levels."""
    root = tmp_path / "run"
    shutil.copytree(run, root)
    stored = root / "reconstructions" / "talk"
    samples, rate = sf.read(stored / "original" / "a.flac")
    half = soxr.resample(samples, rate, rate // 2)
    sf.write(stored / "opus-6" / "a.flac", half[:-100], rate // 2)
    sf.write(stored / "opus-24" / "a.flac", np.pad(samples, (0, 50)), rate)
    sf.write(stored / "lowpass-3.5" / "a.flac", samples * 0.01, rate)
    return root


def published(root: Path, out: Path, max_clips: int | None = None) -> tuple[Run, Sounds]:
    runs = read_runs([root], max_clips)
    return runs[0], publish_sounds(runs, Output(out))[runs[0].slug]


def test_versions_of_a_clip_have_one_rate_and_length(edited: Path, tmp_path: Path) -> None:
    run, sounds = published(edited, tmp_path / "site")
    assert len(sounds) == 2 * 2 * 4
    for clip in "ab":
        of_clip = [sound for (*_, name), sound in sounds.items() if name == clip]
        for sound in of_clip:
            info = sf.info(tmp_path / "site" / sound.address)
            assert info.frames == round(sound.seconds * sound.rate)
            assert info.samplerate == sound.rate
        of_talk = {
            (s.seconds, s.rate) for (t, _, name), s in sounds.items() if (t, name) == ("talk", clip)
        }
        assert len(of_talk) == 1
    original = sf.info(run.folder.original("talk", "a"))
    assert sounds["talk", ORIGINAL, "a"].seconds == original.frames / original.samplerate


def test_what_was_changed_is_said_and_the_rest_is_the_stored_file(
    edited: Path, tmp_path: Path
) -> None:
    run, sounds = published(edited, tmp_path / "site")
    rate = sounds["talk", ORIGINAL, "a"].rate
    changes = {codec: sounds["talk", codec, "a"].change for codec in ("opus-6", "opus-24")}
    assert changes["opus-24"] == f"{50 / rate * 1000:.3g} ms cut off at the end"
    assert changes["opus-6"] == (
        f"resampled from {rate / 2000:g} to {rate / 1000:g} kHz, "
        f"{200 / rate * 1000:.3g} ms of silence added at the end"
    )
    for key, sound in sounds.items():
        content = (tmp_path / "site" / sound.address).read_bytes()
        assert sound.address == f"audio/{hashlib.sha256(content).hexdigest()[:16]}.flac"
        assert (content == run.folder.audio(*key).read_bytes()) == (not sound.change)


def test_a_copy_at_another_rate_is_what_soxr_makes(edited: Path, tmp_path: Path) -> None:
    run, sounds = published(edited, tmp_path / "site")
    sound = sounds["talk", "opus-6", "a"]
    stored, rate = sf.read(run.folder.audio("talk", "opus-6", "a"))
    heard, _ = sf.read(tmp_path / "site" / sound.address)
    wanted = soxr.resample(stored, rate, sound.rate, quality="VHQ")
    assert np.abs(heard[: len(wanted)] - wanted).max() < 2**-15
    assert not heard[len(wanted) :].any()


def test_gains_bring_all_to_the_quietest_but_not_to_a_broken_one(
    edited: Path, tmp_path: Path
) -> None:
    _, sounds = published(edited, tmp_path / "site")
    of_clip = {codec: s for (t, codec, clip), s in sounds.items() if (t, clip) == ("talk", "a")}
    broken = of_clip.pop("lowpass-3.5")  # 40 dB down
    assert (broken.matched, broken.gain_db) == (False, 0.0)
    assert broken.lufs is not None
    levels = []
    for sound in of_clip.values():
        assert sound.matched
        assert sound.gain_db <= 0
        samples, rate = sf.read(tmp_path / "site" / sound.address)
        levels.append(loudness(samples * 10 ** (sound.gain_db / 20), rate))
    assert max(filter(None, levels)) - min(filter(None, levels)) < 0.03
    assert max(sound.gain_db for sound in of_clip.values()) == 0


def test_clips_are_drawn_by_the_seed(run: Path, tmp_path: Path) -> None:
    read, sounds = published(run, tmp_path / "site", 1)
    (clip,) = read.published_clips["talk"]
    assert {(testset, name) for testset, _, name in sounds} == {("talk", clip), ("noise", clip)}
    assert len(sounds) == 8


def test_a_clip_without_its_original_has_no_sounds(nasty: Path, tmp_path: Path) -> None:
    run, sounds = published(nasty, tmp_path / "site")
    assert "broken" in run.published_clips["One.set"]
    assert not any(clip == "broken" for _, _, clip in sounds)


def test_a_sound_made_for_the_site(tmp_path: Path) -> None:
    sound = publish(sine(1000, 1, 24_000, 0.5), 24_000, Output(tmp_path / "site"))
    read, rate = sf.read(tmp_path / "site" / sound.address)
    assert (rate, len(read), sound.seconds) == (24_000, 24_000, 1.0)
    assert sound.lufs == loudness(read, rate)
    assert sound.view == ""


def pixels(samples: Samples, scale: Scale, tmp_path: Path) -> Samples:
    (tmp_path / "view.webp").write_bytes(draw_view(samples, scale))
    with Image.open(tmp_path / "view.webp") as picture:
        assert picture.size == (WIDTH, HEIGHT)
        return np.asarray(picture.convert("L"), float)


def test_pictures_share_their_scale(tmp_path: Path) -> None:
    rate = 24_000
    loud = sine(1000, 2, rate, 0.5)
    loud[:rate] = 0
    scale = Scale.of([loud, loud / 100], rate)
    picture = pixels(loud, scale, tmp_path)
    wave, mel = picture[:WAVE], picture[WAVE + GAP :]
    half = WIDTH // 2
    # Silence is a line, the tone fills the height: from the middle of the picture on.
    assert (wave[:, 10 : half - 10] < 128).sum(axis=0).max() <= 2
    assert (wave[:, half + 10 : -10] < 128).sum(axis=0).min() >= WAVE - 2
    assert mel[:, : half - 10].min() > 245
    darkest = mel[:, half + 10 : -10].mean(axis=1).argmin()
    # 1 kHz is 15 mel of the 51.1 up to 12 kHz (Slaney's scale), counted from below.
    assert darkest == pytest.approx(160 * (1 - 15 / 51.1), abs=3)
    # 40 of 70 dB down: lighter, not redrawn.
    quiet = pixels(loud / 100, scale, tmp_path)[WAVE + GAP :]
    assert quiet[darkest, half + 10 : -10].mean() == pytest.approx(255 * 40 / 70, abs=15)


@pytest.mark.parametrize("samples", [np.zeros(24_000), np.full(3, 0.1), np.ones(1)])
def test_a_picture_of_nearly_nothing(samples: Samples, tmp_path: Path) -> None:
    assert pixels(samples, Scale.of([samples], 24_000), tmp_path).shape == (HEIGHT, WIDTH)


def test_pictures_are_light(site: Path) -> None:
    sizes = [path.stat().st_size for path in (site / "views").iterdir()]
    assert max(sizes) < 15_000


def test_the_place_of_a_picture_has_its_shape(site: Path) -> None:
    style = (site / "static" / "player.css").read_text()
    assert f".stage .picture {{ aspect-ratio: {WIDTH} / {HEIGHT}; }}" in style
