import numpy as np
import pytest
import torch
from auraloss.freq import MultiResolutionSTFTLoss
from librosa import stft
from librosa.filters import mel

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.spectral import LogSpectralDistance, MelDistance, MrstftDistance

MEL, MRSTFT = MelDistance(Settings()), MrstftDistance(Settings())
LSD = LogSpectralDistance(Settings())
BOTH = pytest.mark.parametrize("family", [MEL, MRSTFT], ids=["mel", "mrstft"])
Both = MelDistance | MrstftDistance | LogSpectralDistance


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
    filters = mel(sr=rate, n_fft=1024, n_mels=80, dtype=np.float64)
    logs = [
        np.log10(np.maximum(filters @ np.abs(stft(s, n_fft=1024, pad_mode="reflect")), 1e-5))
        for s in (x, y)
    ]
    expected = np.mean(np.abs(logs[0] - logs[1]))
    assert score(MEL, x, y, rate) == pytest.approx(expected, abs=1e-12)


def test_versions_say_what_is_computed() -> None:
    assert MEL.version() == "80 Slaney bands, 1024/256, floor 1e-05"
    assert MRSTFT.version() == (
        "as auraloss 0.4 in double precision, 1024/120/600, 2048/240/1200, 512/50/240, floor 0.0001"
    )


def test_silence_of_the_reconstruction_is_as_far_as_the_floor() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000)
    far = score(MEL, noise, np.zeros_like(noise))
    assert 4 < far < 7  # log10 of the noise's magnitudes, about 0, above the floor's -5
    assert far == pytest.approx(score(MEL, noise, np.full_like(noise, 1e-12)), abs=1e-6)


def auraloss(reference: Samples, reconstruction: Samples, dtype: torch.dtype) -> float:
    """The package's value, reconstruction first; its windows are single precision by default."""
    loss = MultiResolutionSTFTLoss()
    for resolution in loss.stft_losses:
        resolution.window = torch.hann_window(resolution.win_length, dtype=dtype)
    output, target = (
        torch.from_numpy(samples).to(dtype)[None, None] for samples in (reconstruction, reference)
    )
    return float(loss(output, target))


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_mrstft_is_auraloss_with_the_reconstruction_first(
    rate: int, speech: Samples, damaged: Samples
) -> None:
    x, y = (resample(s, 16_000, rate) for s in (speech, 0.5 * damaged))
    found = score(MRSTFT, x, y, rate)
    assert found == pytest.approx(auraloss(x, y, torch.float64), abs=1e-9)
    # In single precision, rounding shows in the logarithm of bins that hold next to nothing.
    assert found == pytest.approx(auraloss(x, y, torch.float32), abs=1e-4)
    assert auraloss(y, x, torch.float64) != pytest.approx(found, abs=0.1)


def test_mrstft_of_sounds_below_its_floor_is_auraloss(speech: Samples) -> None:
    faint = 1e-9 * speech
    assert score(MRSTFT, speech, faint) == pytest.approx(
        auraloss(speech, faint, torch.float64), abs=1e-9
    )
    assert score(MRSTFT, faint, 2 * faint) == auraloss(faint, 2 * faint, torch.float64) == 0


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


def test_ten_times_the_amplitude_is_a_log_spectral_distance_of_20_db() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000)
    assert score(LSD, noise, 10 * noise) == pytest.approx(20, abs=1e-9)
    assert score(LSD, noise, noise) == 0


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_log_spectral_distance_is_that_of_librosas_spectra(
    rate: int, speech: Samples, damaged: Samples
) -> None:
    x, y = (resample(s, 16_000, rate) for s in (speech, damaged))
    powers = [np.abs(stft(s, n_fft=2048, hop_length=512, pad_mode="reflect")) ** 2 for s in (x, y)]
    decibels = [10 * np.log10(np.maximum(p, powers[0].max() * 1e-10)) for p in powers]
    expected = np.mean(np.sqrt(np.mean((decibels[0] - decibels[1]) ** 2, axis=0)))
    assert score(LSD, x, y, rate) == pytest.approx(expected, abs=1e-9)


def test_log_spectral_distance_of_odd_sounds(speech: Samples) -> None:
    assert 20 < score(LSD, speech, np.zeros_like(speech)) < 100
    assert 1 < score(LSD, speech, np.clip(20 * speech, -1, 1)) < 60
    assert score(LSD, speech[:4800], speech[:4800]) == 0  # 0.3 s
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        score(LSD, np.zeros(16_000), speech[:16_000])
    with pytest.raises(MetricUndefined, match="2000 samples are less than a window of 2048"):
        score(LSD, speech[:2000], speech[:2000])
