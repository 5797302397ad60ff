import numpy as np
import pytest

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.sisdr import SiSdr

FAMILY = SiSdr(Settings())


def score(reference: Samples, reconstruction: Samples) -> float:
    return FAMILY.score(FAMILY.prepare(reference, 24_000), reconstruction, 24_000, ["si_sdr"])[
        "si_sdr"
    ]


def orthogonal() -> tuple[Samples, Samples]:
    """A sine and a cosine over whole periods: zero mean, equal energy, orthogonal."""
    phase = 2 * np.pi * 10 * np.arange(24_000) / 24_000
    return np.sin(phase), np.cos(phase)


@pytest.mark.parametrize("level_db", [-20.0, 0.0, 6.0, 40.0])
def test_orthogonal_noise_gives_its_level(level_db: float) -> None:
    signal, noise = orthogonal()
    mixture = signal + 10 ** (-level_db / 20) * noise
    assert score(signal, mixture) == pytest.approx(level_db, abs=1e-9)


def test_gain_polarity_and_offset_do_not_matter() -> None:
    signal, noise = orthogonal()
    mixture = signal + 0.5 * noise
    expected = score(signal, mixture)
    for changed in (0.1 * mixture, -mixture, mixture + 0.3):
        assert score(signal, changed) == pytest.approx(expected, abs=1e-9)
    assert score(signal + 0.3, mixture) == pytest.approx(expected, abs=1e-9)


def test_it_is_the_projection_of_the_paper_on_real_speech(
    speech: Samples, damaged: Samples
) -> None:
    x, y = speech - speech.mean(), damaged - damaged.mean()
    scale = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
    expected = 20 * np.log10(np.linalg.norm(scale * x) / np.linalg.norm(y - scale * x))
    assert score(speech, damaged) == pytest.approx(expected, abs=1e-9)


def test_a_copy_at_any_level_is_refused(speech: Samples) -> None:
    for copy in (speech, 0.3 * speech, -speech):
        with pytest.raises(MetricUndefined, match="SI-SDR is infinite"):
            score(speech, copy)


def test_nothing_of_the_reference_is_refused() -> None:
    left, right = np.tile([1.0, -1.0, 0.0, 0.0], 100), np.tile([0.0, 0.0, 1.0, -1.0], 100)
    with pytest.raises(MetricUndefined, match="minus infinite"):
        score(left, right)


def test_silence_on_either_side_is_refused(speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        score(np.zeros_like(speech), speech)
    with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
        score(speech, np.zeros_like(speech))
    with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
        score(speech, np.full_like(speech, 0.1))  # a constant carries no sound


def test_ten_samples_suffice(speech: Samples) -> None:
    assert np.isfinite(score(speech[8000:8010], speech[8000:8010] ** 3 + 0.1 * speech[:10]))
