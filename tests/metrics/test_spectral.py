import numpy as np
import pytest
from auraloss.freq import MultiResolutionSTFTLoss
from librosa.feature import melspectrogram
from torch import Tensor, from_numpy

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.spectral import MelDistance, MrstftDistance

MEL, MRSTFT = MelDistance(Settings()), MrstftDistance(Settings())
BOTH = pytest.mark.parametrize("family", [MEL, MRSTFT], ids=["mel", "mrstft"])
Both = MelDistance | MrstftDistance


def score(family: Both, reference: Samples, reconstruction: Samples, rate: int = 16_000) -> float:
    prepared = family.prepare(reference, rate)
    return family.score(prepared, reconstruction, rate, [family.name])[family.name]


def test_ten_times_the_amplitude_is_a_mel_distance_of_one() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000)  # far above the floor everywhere
    assert score(MEL, 0.1 * noise, noise) == pytest.approx(1, abs=1e-9)
    assert score(MEL, noise, 0.1 * noise) == pytest.approx(1, abs=1e-9)
    assert score(MEL, noise, 0.5 * noise) == pytest.approx(np.log10(2), abs=1e-9)


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_mel_distance_is_that_of_librosas_mel_spectra(
    rate: int, speech: Samples, damaged: Samples
) -> None:
    x, y = (resample(s, 16_000, rate) for s in (speech, damaged))
    logs = [
        np.log10(
            np.maximum(
                melspectrogram(
                    y=s, sr=rate, n_fft=1024, hop_length=256, n_mels=80, power=1, pad_mode="reflect"
                ),
                1e-5,
            )
        )
        for s in (x, y)
    ]
    expected = np.mean(np.abs(logs[0] - logs[1]))
    assert score(MEL, x, y, rate) == pytest.approx(expected, rel=1e-5)  # its filters are single


def test_silence_of_the_reconstruction_is_as_far_as_the_floor() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000)
    far = score(MEL, noise, np.zeros_like(noise))
    assert 4 < far < 7  # log10 of the noise's magnitudes, about 0, above the floor's -5
    assert far == pytest.approx(score(MEL, noise, np.full_like(noise, 1e-12)), abs=1e-6)


def test_mrstft_is_auraloss_with_the_reconstruction_first(
    speech: Samples, damaged: Samples
) -> None:
    quieter = 0.5 * damaged

    def tensor(samples: Samples) -> Tensor:
        return from_numpy(samples).float().reshape(1, 1, -1)

    loss = MultiResolutionSTFTLoss()
    expected = float(loss(tensor(quieter), tensor(speech)))
    assert score(MRSTFT, speech, quieter) == pytest.approx(expected, abs=1e-6)
    assert float(loss(tensor(speech), tensor(quieter))) != pytest.approx(expected, abs=0.1)


def test_half_the_amplitude_by_hand_in_mrstft() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000)
    # Spectral convergence |0.5 X| / |X|, plus the natural logarithm of 2.
    assert score(MRSTFT, noise, 0.5 * noise) == pytest.approx(0.5 + np.log(2), abs=1e-3)


@BOTH
def test_an_exact_copy_has_no_distance(family: Both, speech: Samples) -> None:
    assert score(family, speech, speech) == 0


@BOTH
def test_a_silent_reference_is_refused_and_a_silent_reconstruction_is_far(
    family: Both, speech: Samples, damaged: Samples
) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        score(family, np.zeros_like(speech), speech)
    assert score(family, speech, np.zeros_like(speech)) > score(family, speech, damaged)


@BOTH
def test_too_short_is_refused(family: Both, speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="10 samples are less than a window"):
        score(family, speech[:10], speech[:10])
    least = {"mel_distance": 1024, "mrstft_distance": 2048}[family.name]
    with pytest.raises(MetricUndefined, match="less than a window"):
        score(family, speech[: least - 1], speech[: least - 1])
    assert score(family, speech[:least], 0.5 * speech[:least]) > 0
