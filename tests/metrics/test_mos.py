"""DNSMOS and DistillMOS against their packages called directly, and on odd sounds."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family
from almbench.metrics.distillmos import DistillMos
from almbench.metrics.dnsmos import Dnsmos
from almbench.metrics.registry import make_family
from almbench.packages import missing_packages
from almbench.torchaudio_import import import_torchaudio

MISSING = missing_packages(
    ["speechmos", "onnxruntime", "librosa", "distillmos", "torchaudio", "torch"], "'almbench[mos]'"
)
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
RATE = 16_000
NAMES = {
    "dnsmos": ["dnsmos_ovrl", "dnsmos_sig", "dnsmos_bak", "dnsmos_p808"],
    "distillmos": ["distillmos"],
}
BOTH = pytest.mark.parametrize("name", NAMES)
Upstream = Callable[[Samples], list[float]]


@pytest.fixture(scope="module")
def families() -> dict[str, Family[Any]]:
    return {name: make_family(name, {}) for name in NAMES}


@pytest.fixture(scope="module")
def upstream() -> dict[str, Upstream]:
    """The packages as their authors call them."""
    import_torchaudio()
    import torch
    from distillmos import ConvTransformerSQAModel
    from speechmos import dnsmos

    model = ConvTransformerSQAModel().eval()

    def of_dnsmos(sound: Samples) -> list[float]:
        found = dnsmos.run(sound, RATE)
        return [float(found[key]) for key in ("ovrl_mos", "sig_mos", "bak_mos", "p808_mos")]

    def of_distillmos(sound: Samples) -> list[float]:
        with torch.no_grad():
            return [model(torch.tensor(sound, dtype=torch.float32)[None]).item()]

    return {"dnsmos": of_dnsmos, "distillmos": of_distillmos}


def score(families: dict[str, Family[Any]], name: str, sound: Samples) -> list[float]:
    family = families[name]
    found = family.score(family.prepare(sound, RATE), sound, RATE, NAMES[name])
    return [found[metric] for metric in NAMES[name]]


@BOTH
@pytest.mark.parametrize("seconds", [0.3, 12.0])
def test_the_values_are_the_packages(
    name: str, seconds: float, families: Any, upstream: dict[str, Upstream], speech: Samples
) -> None:
    sound = np.tile(speech, 3)[8000:][: int(seconds * RATE)]
    found = score(families, name, sound)
    assert found == pytest.approx(upstream[name](sound), abs=1e-3)  # threads add differently
    assert all(1 <= value <= 5 for value in found)


@BOTH
def test_silence_has_no_value(name: str, families: Any) -> None:
    for silence in (np.zeros(RATE), np.full(RATE, 0.1), np.zeros(0)):
        with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
            score(families, name, silence)


@BOTH
def test_clipping_costs_quality_and_overshoot_is_cut(
    name: str, families: Any, speech: Samples
) -> None:
    clipped = np.clip(10 * speech / np.abs(speech).max(), -1, 1)
    assert score(families, name, clipped)[0] < score(families, name, speech)[0]
    beyond = speech / np.abs(speech).max() * 1.02  # as resampling may leave it
    assert score(families, name, beyond) == pytest.approx(
        score(families, name, np.clip(beyond, -1, 1)), abs=0.05
    )


@BOTH
def test_sound_of_another_rate_comes_out_alike(name: str, families: Any, speech: Samples) -> None:
    wide = resample(resample(speech, RATE, 48_000), 48_000, RATE)
    found, expected = score(families, name, wide[: len(speech)]), score(families, name, speech)
    assert found == pytest.approx(expected, abs=0.1)


@BOTH
def test_noise_is_worse_than_speech(name: str, families: Any, speech: Samples) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(speech))
    for noisy, clean in zip(
        score(families, name, speech + noise), score(families, name, speech), strict=True
    ):
        assert noisy < clean


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Dnsmos(Dnsmos.settings_type()).missing() is None
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.chdir(tmp_path)  # in a clone the command has `-c constraints.txt`
    monkeypatch.setitem(sys.modules, "distillmos", None)
    said = Dnsmos(Dnsmos.settings_type()).missing()
    assert said == "onnxruntime is not installed. To fix: pip install 'almbench[mos]'"
    assert "distillmos is not installed" in str(DistillMos(DistillMos.settings_type()).missing())
