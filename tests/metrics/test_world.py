"""F0 correlation, V/UV error and mel-cepstral distortion, against sounds of known answer."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.world import (
    ORDER,
    WARP,
    F0Correlation,
    Mcd,
    VuvError,
    pitch,
    to_mel_cepstrum,
)

if reason := Mcd(Settings()).missing():
    pytest.skip(reason, allow_module_level=True)

RATE = 16_000
F0, VUV, MCD = F0Correlation(Settings()), VuvError(Settings()), Mcd(Settings())
ALL = pytest.mark.parametrize("family", [F0, VUV, MCD], ids=lambda family: str(family.name))
Any3 = F0Correlation | VuvError | Mcd


def score(family: Any3, reference: Samples, reconstruction: Samples) -> float:
    prepared: Any = family.prepare(reference, RATE)
    return family.score(prepared, reconstruction, RATE, [family.name])[family.name]


def voice(start: float, end: float, seconds: float = 1.0) -> Samples:
    """A harmonic sound whose F0 glides, in Hz, with a little noise."""
    count = round(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.linspace(start, end, count)) / RATE
    tones = [np.cos(k * phase) / k for k in range(1, 20)]
    noise = 1e-3 * np.random.default_rng(0).standard_normal(count)
    return np.asarray(0.1 * np.sum(tones, axis=0) + noise)


def warped(omega: Samples) -> Samples:
    """The all-pass's phase: frequency on the warped scale."""
    return np.asarray(omega + 2 * np.arctan2(WARP * np.sin(omega), 1 - WARP * np.cos(omega)))


def test_f0_is_that_of_the_sound() -> None:
    found = pitch(voice(120, 240, 2))
    inner = found.f0[20:-20]
    expected = 120 + 60 * found.times[20:-20]
    assert np.median(np.abs(inner / expected - 1)) < 0.005
    assert (inner > 0).mean() > 0.98


def test_melodies_correlate_as_they_move() -> None:
    rising = voice(120, 240)
    assert score(F0, rising, rising) == pytest.approx(1)
    assert score(F0, rising, voice(90, 180)) > 0.99
    assert score(F0, rising, voice(240, 120)) < -0.98
    assert score(F0, rising, 0.1 * rising) == pytest.approx(1, abs=1e-3)


def test_voicing_that_is_lost_is_counted() -> None:
    noise = 0.05 * np.random.default_rng(1).standard_normal(RATE)
    both = np.concatenate([voice(120, 150), noise])
    assert score(VUV, both, both) == 0
    assert score(VUV, both, np.concatenate([noise, noise])) == pytest.approx(50, abs=5)
    assert score(VUV, both, np.zeros(2 * RATE)) == pytest.approx(50, abs=5)


def test_the_mel_cepstrum_gives_the_spectrum_back_on_the_warped_scale() -> None:
    expected = np.random.default_rng(0).standard_normal((3, ORDER + 1)) / 10
    omega = np.linspace(0, np.pi, 513)
    logs = expected @ np.cos(np.outer(np.arange(ORDER + 1), warped(omega)))
    np.testing.assert_allclose(to_mel_cepstrum(np.exp(2 * logs)), expected, atol=1e-9)


def test_mcd_of_a_known_filter(speech: Samples) -> None:
    """A filter with ln |H| = 0.2 cos(warped w) moves one coefficient by 0.2."""
    omega = np.linspace(0, np.pi, 1025)
    impulse = np.fft.irfft(np.exp(0.2 * np.cos(warped(omega))))
    taps = np.roll(impulse, 512)[:1024]
    filtered = np.convolve(speech, taps)[512:][: len(speech)]
    expected = 10 / np.log(10) * np.sqrt(2) * 0.2
    assert score(MCD, speech, filtered) == pytest.approx(expected, rel=0.15)
    assert score(MCD, speech, 0.3 * speech) == pytest.approx(0, abs=0.02)  # level does not count


def test_mcd_leaves_frames_out_that_are_far_below(speech: Samples) -> None:
    gap = 1e-5 * np.random.default_rng(0).standard_normal(RATE)
    reference = np.concatenate([speech, gap])
    changed = np.concatenate([speech, np.convolve(gap, [1, -0.9])[:RATE]])
    assert score(MCD, reference, changed) < 0.1


@ALL
def test_damage_costs_and_clipping_too(family: Any3, speech: Samples, damaged: Samples) -> None:
    clipped = np.clip(20 * speech, -1, 1)
    values = [score(family, speech, sound) for sound in (speech, damaged, clipped)]
    assert np.isfinite(values).all()
    worse = [value != values[0] for value in values[1:]]
    assert all(worse)
    assert (min(values) if family is not F0 else max(values)) == values[0]


@ALL
def test_silence_of_the_reference_has_no_value(family: Any3, speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        family.prepare(np.zeros(RATE), RATE)


def test_silence_of_the_reconstruction(speech: Samples) -> None:
    silence = np.zeros(len(speech))
    for family in (F0, MCD):
        with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
            score(family, speech, silence)
    assert 30 < score(VUV, speech, silence) < 90


def test_what_has_no_voice_has_no_melody() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    for family in (F0, VUV):
        with pytest.raises(MetricUndefined, match="less than 100 ms of voice"):
            family.prepare(noise, RATE)
    with pytest.raises(MetricUndefined, match="voiced in both"):
        score(F0, voice(120, 240), noise)


@ALL
def test_three_tenths_of_a_second(family: Any3) -> None:
    short = voice(120, 150, 0.3)
    best = {"f0_correlation": 1, "vuv_error": 0, "mcd": 0}[family.name]
    assert score(family, short, short) == pytest.approx(best)
    with pytest.raises(MetricUndefined):
        F0.prepare(short[:800], RATE)


@ALL
def test_sound_of_another_rate_comes_out_alike(
    family: Any3, speech: Samples, damaged: Samples
) -> None:
    """Both come from the other rate, as in a run: the band's edge alone costs 2 dB of MCD."""
    wide = [resample(resample(s, RATE, 48_000), 48_000, RATE) for s in (speech, damaged)]
    tolerance = {"f0_correlation": 0.05, "vuv_error": 2, "mcd": 1}[family.name]
    expected = score(family, speech, damaged)
    assert score(family, *wide) == pytest.approx(expected, abs=tolerance)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    monkeypatch.chdir(tmp_path)  # in a clone the command has `-c constraints.txt`
    said = "pyworld is not installed. To fix: pip install 'almbench[world]'"
    assert F0.missing() == said
