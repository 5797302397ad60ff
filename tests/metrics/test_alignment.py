from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import hilbert

from almbench.audio import Samples, read, resample
from almbench.errors import MetricUndefined, NotApplicable
from almbench.metrics.alignment import GainDb, LagMs
from almbench.metrics.base import Settings
from almbench.samples import folder

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


SECONDS = np.arange(2 * RATE) / RATE
TONE = 0.5 * np.sin(2 * np.pi * 440 * SECONDS)
SWEEP = np.sin(2 * np.pi * (100 * SECONDS + 2000 * SECONDS**2))  # of constant energy
CLICKS = np.zeros(2 * RATE)
CLICKS[[10_000, 17_000, 31_000]] = 0.5
NOISE = np.random.default_rng(0).standard_normal(2 * RATE)


@pytest.mark.parametrize("steps", [120, 7.3, -8.5, -1200.4, 2300])
@pytest.mark.parametrize("sound", [SWEEP, CLICKS, NOISE], ids=["sweep", "clicks", "noise"])
def test_without_envelopes_the_waveforms_give_the_lag(sound: Samples, steps: float) -> None:
    assert lag(sound, delayed(sound, steps)) * RATE / 1000 == pytest.approx(steps, abs=0.1)


@pytest.mark.parametrize("name", ["music/drums", "music/electric-piano", "sound/bell"])
def test_a_known_delay_of_music_and_sounds(name: str) -> None:
    sound = read(folder() / f"{name}.flac")
    samples = resample(sound.samples, sound.rate, RATE)
    for steps in (7.3, -1200.4):
        found = lag(samples, delayed(samples, steps)) * RATE / 1000
        assert found == pytest.approx(steps, abs=0.1)


@pytest.mark.parametrize("sound", [TONE, TONE * np.hanning(len(TONE))], ids=["steady", "swelling"])
@pytest.mark.parametrize("steps", [0, 7.3, 120])
def test_a_tone_fits_at_every_half_period_so_that_its_lag_is_refused(
    sound: Samples, steps: float
) -> None:
    with pytest.raises(NotApplicable, match=r"rivals, as of a steady tone: .* fit alike"):
        lag(sound, delayed(sound, steps))


def test_clicks_that_recur_within_the_range_are_refused() -> None:
    train = np.zeros(2 * RATE)
    train[::1000] = 0.5
    with pytest.raises(NotApplicable, match="rivals"):
        lag(train, delayed(train, 5))


def test_sounds_that_have_nothing_in_common_are_refused() -> None:
    draw = np.random.default_rng(0).standard_normal
    with pytest.raises(MetricUndefined, match="no clear correlation"):
        lag(draw(2 * RATE), draw(2 * RATE))


def test_a_lag_out_of_range_is_refused_not_guessed() -> None:
    with pytest.raises(MetricUndefined, match="no clear correlation"):
        lag(CLICKS, np.roll(CLICKS, 3000))  # 125 ms


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
