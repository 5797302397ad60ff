"""WARP-Q against the authors' package, whose values were computed apart: it needs NumPy 1."""

from collections.abc import Callable

import numpy as np
import pytest

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.warpq import PATCH, WarpQ, mfcc, normalise, patch_costs, voice

RATE = 16_000
# warpq 1.5.2 in an environment of its own, of the same samples; it rounds to three decimals.
PACKAGE: dict[str, tuple[float, Callable[[Samples], Samples]]] = {
    "itself": (0.505, lambda clip: clip),
    "faster": (1.571, lambda clip: resample(clip, RATE, 17_000)[: len(clip)]),
    "narrow": (1.032, lambda clip: resample(resample(clip, RATE, 8_000), 8_000, RATE)[: len(clip)]),
}


def score(reference: Samples, made: Samples) -> float:
    family = WarpQ(Settings())
    return family.score(family.prepare(reference, RATE), made, RATE, ["warpq"])["warpq"]


@pytest.mark.parametrize("name", PACKAGE)
def test_equals_the_authors_package(name: str, speech: Samples) -> None:
    expected, make = PACKAGE[name]
    assert score(speech, make(speech)) == pytest.approx(expected, abs=6e-4)


def test_damaged_speech_equals_it_too(speech: Samples, damaged: Samples) -> None:
    assert score(speech, damaged) == pytest.approx(1.858, abs=6e-4)


def test_coefficients_are_librosas(speech: Samples) -> None:
    librosa = pytest.importorskip("librosa")
    expected = librosa.feature.mfcc(
        y=speech, sr=RATE, n_mfcc=13, fmax=5000, n_fft=1024, win_length=512, hop_length=64, lifter=3
    )
    np.testing.assert_allclose(mfcc(speech), expected.T, atol=1e-4)


def test_costs_are_those_of_paths_step_by_step() -> None:
    """The recursion written out, for a patch and a reference of few frames."""
    drawn = np.random.default_rng(0)
    made, reference = drawn.normal(size=(PATCH, 13)), drawn.normal(size=(40, 13))
    cost = np.linalg.norm(made[:, None] - reference[None], axis=2)
    best = np.full(cost.shape, np.inf)
    best[0] = cost[0]
    for n in range(1, PATCH):
        for m in range(len(reference)):
            ways = [best[n - 1, m]]
            if m >= 3:
                ways += [best[n, m - 3], best[n - 1, m - 3]]
            best[n, m] = cost[n, m] + min(ways)
    [got] = patch_costs(made, reference)
    assert got == pytest.approx(best[-1].min() / PATCH, rel=1e-12)


def test_normalised_windows_have_mean_0_and_variance_1(speech: Samples) -> None:
    values = normalise(mfcc(speech))
    middle = values[len(values) // 2 - 100 : len(values) // 2 + 101]
    assert np.abs(middle.mean(axis=0)).max() < 0.5
    assert np.abs(middle.std(axis=0) - 1).max() < 0.5


def test_level_does_not_count(speech: Samples) -> None:
    assert score(speech, 0.5 * speech) == pytest.approx(score(speech, speech), abs=0.02)


def test_odd_sounds(speech: Samples) -> None:
    for silence in (np.zeros(RATE), np.full(RATE, 0.1), np.zeros(0)):
        with pytest.raises(MetricUndefined, match="reconstruction is silent"):
            score(speech, silence)
        with pytest.raises(MetricUndefined, match="reference is silent"):
            score(silence, speech)
    with pytest.raises(MetricUndefined, match=r"has 0\.\d\d s of voice, WARP-Q needs 0\.4 s"):
        score(speech, speech[: int(0.3 * RATE)])
    with pytest.raises(MetricUndefined, match="too long"):
        score(np.resize(speech, 61 * RATE), speech)
    for sound in (np.clip(20 * speech, -1, 1), 2 * speech, speech + 1e-4):
        assert score(speech, sound) > 0.5
    with pytest.raises(MetricUndefined, match=r"the reconstruction has .* of voice"):
        score(speech, np.tile(speech[:400], 60))


def test_voice_is_told_in_windows_of_30_ms(speech: Samples) -> None:
    quiet = np.r_[np.zeros(RATE), speech[:RATE], np.zeros(RATE)]
    found = voice(quiet)
    assert len(found) == len(quiet)
    assert not found[: RATE // 2].any()
    assert found[RATE : 2 * RATE].mean() > 0.5
