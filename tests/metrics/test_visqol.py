from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from visqol import VisqolApi

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.visqol import VisqolAudio, VisqolSpeech, VisqolSpeechSettings

SPEECH, AUDIO = VisqolSpeech(VisqolSpeechSettings()), VisqolAudio(Settings())
BOTH = pytest.mark.parametrize("family", [SPEECH, AUDIO], ids=["speech", "audio"])
Both = VisqolSpeech | VisqolAudio


def score(family: Both, reference: Samples, reconstruction: Samples) -> float:
    """Score sounds given at 16 kHz."""
    rate = family.rate or 0
    x, y = (resample(s, 16_000, rate) for s in (reference, reconstruction))
    return family.score(family.prepare(x, rate), y, rate, [family.name])[family.name]


def from_files(api: VisqolApi, folder: Path, x: Samples, y: Samples, rate: int) -> float:
    for name, samples in (("x", x), ("y", y)):
        sf.write(folder / f"{name}.wav", samples, rate, subtype="DOUBLE")
    return api.measure(str(folder / "x.wav"), str(folder / "y.wav")).moslqo


def test_speech_mode_is_the_package_with_the_lattice_mapper(
    speech: Samples, damaged: Samples, tmp_path: Path
) -> None:
    lattice, exponential = VisqolApi(), VisqolApi()
    lattice.create(mode="speech", use_lattice_model=True)
    exponential.create(mode="speech", use_lattice_model=False)
    value = score(SPEECH, speech, damaged)
    assert value == pytest.approx(from_files(lattice, tmp_path, speech, damaged, 16_000), abs=1e-6)
    other = from_files(exponential, tmp_path, speech, damaged, 16_000)
    assert abs(value - other) > 0.1


def test_speech_mode_at_the_source_s_rate(
    speech: Samples, damaged: Samples, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    family = VisqolSpeech(VisqolSpeechSettings(rate=48_000))
    assert family.rate == 48_000
    api = VisqolApi()
    api.create(mode="speech", use_lattice_model=True)
    near = speech + 0.01 * (damaged - speech)
    x, y = (resample(s, 16_000, 48_000) for s in (speech, near))
    expected = from_files(api, tmp_path, x, y, 48_000)
    capfd.readouterr()
    assert score(family, speech, near) == pytest.approx(expected, abs=1e-6)
    assert capfd.readouterr() == ("", "")
    assert score(SPEECH, speech, near) != pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_audio_mode_is_the_package_and_an_exact_copy_gets_the_published_value(
    speech: Samples, damaged: Samples, tmp_path: Path
) -> None:
    api = VisqolApi()
    api.create(mode="audio")
    x, y = (resample(s, 16_000, 48_000) for s in (speech, damaged))
    expected = from_files(api, tmp_path, x, y, 48_000)
    assert score(AUDIO, speech, damaged) == pytest.approx(expected, abs=1e-6)
    # The identity case of the conformance tests of google/visqol.
    assert score(AUDIO, speech, speech) == pytest.approx(4.732101, abs=1e-6)


@BOTH
def test_silence_on_either_side_is_refused(family: Both, speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        score(family, np.zeros_like(speech), speech)
    with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
        score(family, speech, np.zeros_like(speech))


@BOTH
def test_too_short_is_refused(family: Both, speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match=r"in 0\.50 s"):
        score(family, speech[:8000], speech[:8000])
    with pytest.raises(MetricUndefined, match=r"in 0\.00 s"):
        score(family, speech[:10], speech[:10])


@BOTH
def test_more_than_five_minutes_are_refused(family: Both) -> None:
    long = np.tile(np.random.default_rng(0).normal(0, 0.1, 16_000), 301)
    with pytest.raises(MetricUndefined, match=r"301 s is too long: ViSQOL .* up to 300 s here"):
        score(family, long, long)


@BOTH
def test_sounds_below_the_noise_floor_are_refused(
    family: Both, speech: Samples, damaged: Samples
) -> None:
    with pytest.raises(MetricUndefined, match="noise floor"):
        score(family, 1e-5 * speech, 1e-5 * damaged)


def test_nothing_is_written_to_the_terminal(
    speech: Samples, damaged: Samples, capfd: pytest.CaptureFixture[str]
) -> None:
    score(VisqolSpeech(VisqolSpeechSettings()), speech, damaged)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_the_versions_say_mode_and_mapper() -> None:
    assert SPEECH.version().startswith("visqol-python 3.")
    assert SPEECH.version().endswith(", speech mode, lattice mapper")
    assert AUDIO.version().endswith(", audio mode")
    assert SPEECH.missing() is None
    assert AUDIO.missing() is None
