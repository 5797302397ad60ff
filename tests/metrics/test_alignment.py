from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import hilbert

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.alignment import GainDb, LagMs
from almbench.metrics.base import Settings

LAG, GAIN = LagMs(Settings()), GainDb(Settings())
RATE = 24_000


def lag(reference: Samples, reconstruction: Samples) -> float:
    return LAG.score(LAG.prepare(reference, RATE), reconstruction, RATE, ["lag_ms"])["lag_ms"]


def gain(reference: Samples, reconstruction: Samples) -> float:
    return GAIN.score(GAIN.prepare(reference, RATE), reconstruction, RATE, ["gain_db"])["gain_db"]


def delayed(samples: Samples, steps: float) -> Samples:
    """Delay by any number of samples, circularly, by turning the phases of the spectrum."""
    frequencies = np.fft.rfftfreq(len(samples))
    turned = np.fft.rfft(samples) * np.exp(-2j * np.pi * frequencies * steps)
    return np.fft.irfft(turned, n=len(samples))


@pytest.mark.parametrize("steps", [0, 1, -8, 7.5, -0.3, 480, -1200, 2390])
def test_a_known_delay_is_found_to_a_part_of_a_sample(steps: float, speech_24k: Samples) -> None:
    assert lag(speech_24k, delayed(speech_24k, steps)) == pytest.approx(
        steps * 1000 / RATE, abs=0.005
    )


def test_late_is_positive(speech_24k: Samples) -> None:
    late = np.concatenate([np.zeros(240), speech_24k[:-240]])
    assert lag(speech_24k, late) == pytest.approx(10, abs=0.01)


def test_level_and_polarity_do_not_matter(speech_24k: Samples) -> None:
    assert lag(speech_24k, -0.1 * delayed(speech_24k, 24)) == pytest.approx(1, abs=0.01)


def test_without_common_phases_the_envelopes_give_the_lag(speech_24k: Samples) -> None:
    noise = np.random.default_rng(0).standard_normal(len(speech_24k))
    vocoded = np.abs(hilbert(speech_24k)) * noise
    assert lag(speech_24k, delayed(vocoded, 1200)) == pytest.approx(50, abs=2)


def test_without_envelopes_the_waveforms_give_the_lag() -> None:
    seconds = np.arange(2 * RATE) / RATE
    sweep = np.sin(2 * np.pi * (100 * seconds + 2000 * seconds**2))  # of constant energy
    late = np.concatenate([np.zeros(36), sweep[:-36]])
    assert lag(sweep, late) == pytest.approx(1.5, abs=0.02)


def test_sounds_that_have_nothing_in_common_are_refused() -> None:
    draw = np.random.default_rng(0).standard_normal
    with pytest.raises(MetricUndefined, match="no clear correlation"):
        lag(draw(2 * RATE), draw(2 * RATE))


def test_a_lag_out_of_range_is_refused_not_guessed() -> None:
    clicks = np.zeros(2 * RATE)
    clicks[[10_000, 17_000, 31_000]] = 0.5
    with pytest.raises(MetricUndefined, match="no clear correlation"):
        lag(clicks, np.roll(clicks, 3000))  # 125 ms


def test_a_lag_needs_a_quarter_of_a_second(speech_24k: Samples) -> None:
    with pytest.raises(MetricUndefined, match="too short"):
        lag(speech_24k[:10], speech_24k[:10])


@pytest.mark.parametrize(("factor", "expected"), [(1, 0), (0.1, -20), (-2, 6.0206)])
def test_gain_by_hand(factor: float, expected: float, speech_24k: Samples) -> None:
    assert gain(speech_24k, factor * speech_24k) == pytest.approx(expected, abs=1e-4)
    assert gain(speech_24k[-10:], factor * speech_24k[-10:]) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("measure", [lag, gain])
def test_silence_on_either_side_is_refused(
    measure: Callable[[Samples, Samples], float],
    speech_24k: Samples,
) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        measure(np.zeros_like(speech_24k), speech_24k)
    with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
        measure(speech_24k, np.zeros_like(speech_24k))
