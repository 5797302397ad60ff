"""The Fourier transform beside scipy's and torch's, and the phases that it finds."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.signal
import soundfile as sf
import torch
from pystoi import stoi
from torch import Tensor

from almbench.codecs.almtokenizer.spectrum import Spectrum
from almbench.samples import folder

HOP, RATE = 320, 24_000


@pytest.fixture(scope="module")
def spectrum() -> Spectrum:
    return Spectrum(HOP)


@pytest.fixture(scope="module")
def talk() -> Tensor:
    samples, rate = sf.read(folder() / "speech" / "en-gb-harbour.flac", dtype="float32")
    assert rate == RATE
    return torch.from_numpy(samples[: 225 * HOP])[None]


def convergence(spectrum: Spectrum, sound: Tensor, magnitudes: Tensor) -> float:
    """Spectral convergence: how far the magnitudes of a sound are from those wanted, relatively."""
    return float((spectrum(sound).abs() - magnitudes).norm() / magnitudes.norm())


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 40])
@pytest.mark.parametrize("hop", [8, 320])
def test_the_inverse_gives_every_sample_back(frames: int, hop: int) -> None:
    sound = torch.randn(2, frames * hop)
    there = Spectrum(hop)
    made = there(sound)
    assert made.shape == (2, 2 * hop + 1, frames)
    torch.testing.assert_close(there.inverse(made), sound, rtol=1e-4, atol=1e-5)


def test_it_agrees_with_torch_inside(spectrum: Spectrum) -> None:
    sound = torch.randn(1, 30 * HOP)
    # Theirs has column t centred on sample t * hop; ours half a frame later.
    theirs = torch.stft(
        sound[:, HOP // 2 :], 4 * HOP, HOP, window=torch.hann_window(4 * HOP), return_complex=True
    )
    inside = slice(2, 27)
    torch.testing.assert_close(
        spectrum(sound)[..., inside], theirs[..., inside] / HOP, rtol=1e-4, atol=1e-5
    )


def test_it_agrees_with_scipy_inside(spectrum: Spectrum) -> None:
    sound = np.random.default_rng(0).standard_normal(30 * HOP)
    # With this scaling scipy halves what it gives both halves of the spectrum of a real sound.
    _, _, theirs = scipy.signal.stft(
        sound[HOP // 2 :], window="hann", nperseg=4 * HOP, noverlap=3 * HOP, scaling="spectrum"
    )
    ours = spectrum(torch.from_numpy(sound).float()[None])[0].numpy()
    np.testing.assert_allclose(ours[:, 2:27], 2 * theirs[:, 2:27], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("number", [5, 64, 333])
def test_a_sine_of_amplitude_1_has_magnitude_1(spectrum: Spectrum, number: int) -> None:
    time = torch.arange(20 * HOP)
    sound = torch.sin(2 * torch.pi * number / (4 * HOP) * time)[None].float()
    magnitudes = spectrum(sound).abs()[0, :, 3:-3]
    torch.testing.assert_close(magnitudes[number], torch.ones(14), rtol=1e-3, atol=1e-3)
    assert magnitudes.argmax(0).unique().tolist() == [number]


@pytest.mark.parametrize("frame", [0, 7, 19])
def test_a_column_is_centred_on_its_frame(spectrum: Spectrum, frame: int) -> None:
    click = torch.zeros(1, 20 * HOP)
    click[0, frame * HOP + HOP // 2] = 1
    power = spectrum(click)[0].abs().square().sum(0)
    assert power.argmax() == frame
    for near in range(1, min(frame, 19 - frame) + 1):
        torch.testing.assert_close(power[frame - near], power[frame + near])


def test_the_inverse_is_the_least_squares_fit(spectrum: Spectrum) -> None:
    # No sound has these columns; whichever sound is near must not fit better than the inverse.
    torch.manual_seed(0)
    columns = torch.randn(1, spectrum.bins, 6, dtype=torch.complex64)
    columns[:, [0, -1]] = columns[:, [0, -1]].real.to(torch.complex64)  # as of a real sound
    weights = torch.full((spectrum.bins, 1), 2.0)  # both halves of the spectrum
    weights[[0, -1]] = 1

    def gap(sound: Tensor) -> float:
        return float(((spectrum(sound) - columns).abs().square() * weights).sum())

    best = spectrum.inverse(columns)
    least = gap(best)
    for _ in range(5):
        assert gap(best + 0.05 * best.std() * torch.randn_like(best)) > least


def test_phases_of_speech_are_found(spectrum: Spectrum, talk: Tensor) -> None:
    magnitudes = spectrum(talk).abs()
    begun, found = (spectrum.find_phases(magnitudes, rounds) for rounds in (0, 32))
    assert found.shape == talk.shape
    first, last = (convergence(spectrum, sound, magnitudes) for sound in (begun, found))
    assert first > 0.5
    assert last < 0.2
    scores = [stoi(talk[0].numpy(), sound[0].numpy(), RATE) for sound in (begun, found)]
    assert scores[1] > 0.95
    assert scores[1] > scores[0] + 0.02


def test_more_rounds_come_nearer(spectrum: Spectrum, talk: Tensor) -> None:
    magnitudes = spectrum(talk[:, : 60 * HOP]).abs()
    gaps = [
        convergence(spectrum, spectrum.find_phases(magnitudes, rounds), magnitudes)
        for rounds in (0, 4, 16, 64)
    ]
    assert all(later < earlier for earlier, later in pairwise(gaps))


def test_phases_are_found_alike_each_time_and_in_batches(spectrum: Spectrum, talk: Tensor) -> None:
    pair = torch.cat((talk[:, : 40 * HOP], talk[:, 60 * HOP : 100 * HOP]))
    magnitudes = spectrum(pair).abs()
    both = spectrum.find_phases(magnitudes)
    assert torch.equal(both, spectrum.find_phases(magnitudes))
    for n in range(2):
        alone = spectrum.find_phases(magnitudes[n : n + 1])
        torch.testing.assert_close(both[n : n + 1], alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 10])
def test_silence_stays_silence(spectrum: Spectrum, frames: int) -> None:
    found = spectrum.find_phases(torch.zeros(1, spectrum.bins, frames))
    assert torch.equal(found, torch.zeros(1, frames * HOP))


def test_a_single_column_gives_a_frame(spectrum: Spectrum) -> None:
    found = spectrum.find_phases(torch.rand(1, spectrum.bins, 1))
    assert found.shape == (1, HOP)
    assert torch.isfinite(found).all()
