"""`almbench.score` against the packages that define the metrics."""

from pathlib import Path

import numpy as np
import pesq
import pystoi
import pytest
import soundfile as sf
import torch

import almbench
from almbench.audio import Samples, read, resample
from almbench.domains import DOMAINS
from almbench.errors import AudioError
from almbench.metrics.registry import default_metrics, metric
from almbench.samples import folder


@pytest.fixture(scope="module")
def pair() -> tuple[Samples, Samples]:
    """Three seconds of speech at 16 kHz, and the same with noise."""
    sound = read(folder() / "speech" / "en-us-rain.flac")
    clean = resample(sound.samples, sound.rate, 16_000)[: 3 * 16_000]
    return clean, clean + np.random.default_rng(1).normal(0, 0.01, len(clean))


def test_values_are_those_of_the_packages(pair: tuple[Samples, Samples]) -> None:
    clean, noisy = pair
    scores = almbench.score(clean, noisy, 16_000, ["pesq_wb", "stoi", "gain_db"])
    assert list(scores) == ["pesq_wb", "stoi", "gain_db"]
    assert scores["pesq_wb"] == pytest.approx(pesq.pesq(16_000, clean, noisy, "wb"), abs=1e-6)
    assert scores["stoi"] == pytest.approx(pystoi.stoi(clean, noisy, 16_000), abs=1e-9)
    gain = 10 * np.log10(np.sum(resample(noisy, 16_000, 24_000) ** 2)) - 10 * np.log10(
        np.sum(resample(clean, 16_000, 24_000) ** 2)
    )
    assert scores["gain_db"] == pytest.approx(gain, abs=1e-6)
    assert scores.reasons == {}


def test_arrays_tensors_channels_integers_and_files_agree(
    pair: tuple[Samples, Samples], tmp_path: Path
) -> None:
    clean, noisy = (np.rint(x * 2**15).clip(-(2**15), 2**15 - 1) / 2**15 for x in pair)
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path, samples in zip(paths, (clean, noisy), strict=True):
        sf.write(path, samples, 16_000, subtype="PCM_16")
    names = ["stoi", "mel_distance"]
    expected = almbench.score(clean, noisy, 16_000, names)
    integers = [np.rint(x * 2**15).astype(np.int16) for x in (clean, noisy)]
    for given in (
        [torch.from_numpy(clean)[None], torch.from_numpy(noisy)[None]],
        [np.stack([clean, clean]), np.stack([noisy, noisy])],
        integers,
    ):
        assert almbench.score(given[0], given[1], 16_000, names) == pytest.approx(expected)
    assert almbench.score(paths[0], str(paths[1]), metrics=names) == pytest.approx(expected)


def test_the_domain_chooses_metrics_and_scoring_rate() -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 48_000)
    low = resample(resample(noise, 48_000, 24_000), 24_000, 48_000)  # nothing above 12 kHz
    for domain in DOMAINS:
        scores = almbench.score(noise, low, 48_000, domain=domain)
        assert list(scores) == default_metrics(domain)
        # What lies above half of the scoring rate is not judged.
        assert scores["mel_distance"] == pytest.approx(0, abs=0.02)


def test_what_is_not_defined_is_none_with_its_reason(pair: tuple[Samples, Samples]) -> None:
    clean, _ = pair
    silent = almbench.score(clean, np.zeros_like(clean), 16_000)
    assert silent["pesq_wb"] is None
    assert "silent" in silent.reasons["pesq_wb"]
    short = almbench.score(clean, clean[: len(clean) // 2], 16_000)
    assert set(short.values()) == {None}
    assert all("less than 90%" in reason for reason in short.reasons.values())


def test_values_stay_inside_their_declared_bounds(pair: tuple[Samples, Samples]) -> None:
    for name, value in almbench.score(*pair, 16_000).items():
        facts = metric(name)
        assert value is not None
        assert facts.low is None or value >= facts.low
        assert facts.high is None or value <= facts.high


@pytest.mark.parametrize(
    ("sound", "rate", "message"),
    [
        ([0.0] * 100, None, "give its sample_rate"),
        ([0.0] * 100, 0, "give its sample_rate"),
        (np.zeros((100, 2)), 8000, "channels first"),
        (np.zeros((2, 2, 9)), 8000, r"shape \[2, 2, 9\]"),
        (np.zeros(0), 8000, "no samples"),
        ([0.0, float("nan")], 8000, "NaN"),
        (np.array(["a"]), 8000, "allowed: numbers"),
        (np.zeros(9, complex), 8000, "allowed: numbers"),
    ],
)
def test_what_is_no_sound_is_said(sound: object, rate: int | None, message: str) -> None:
    with pytest.raises(almbench.AlmbenchError, match=message):
        almbench.score(sound, sound, rate, ["gain_db"])


def test_one_metric_may_be_named_alone() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    assert list(almbench.score(noise, noise / 2, 8000, "gain_db")) == ["gain_db"]


def test_wrong_names_are_the_callers_mistake(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    with pytest.raises(almbench.AlmbenchError, match="Did you mean 'pesq_wb'"):
        almbench.score(noise, noise, 8000, ["pesq_w"])
    with pytest.raises(almbench.AlmbenchError, match="Allowed: music, sound, speech"):
        almbench.score(noise, noise, 8000, domain="noise")  # type: ignore[arg-type]
    with pytest.raises(AudioError, match=r"gone\.wav does not exist"):
        almbench.score(tmp_path / "gone.wav", noise, 8000)
