"""Spectra and mel filters beside librosa's."""

from typing import Literal

import librosa
import numpy as np
import pytest

from almbench.spectra import BLOCK, hann, magnitudes, mel_filters


@pytest.mark.parametrize(
    ("rate", "size", "bands"),
    [(16_000, 1024, 80), (24_000, 1024, 80), (44_100, 2048, 128), (16_000, 400, 40), (999, 64, 9)],
)
def test_filters_are_librosas(rate: int, size: int, bands: int) -> None:
    area = librosa.filters.mel(sr=rate, n_fft=size, n_mels=bands, dtype=np.float64)
    np.testing.assert_allclose(mel_filters(rate, size, bands), area, rtol=0, atol=1e-12)
    peak = librosa.filters.mel(sr=rate, n_fft=size, n_mels=bands, norm=None, dtype=np.float64)
    np.testing.assert_allclose(mel_filters(rate, size, bands, "peak"), peak, rtol=0, atol=1e-12)


def test_filters_that_are_kept_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(ValueError, match="read-only"):
        mel_filters(16_000, 512, 20)[0, 0] = 1


@pytest.mark.parametrize("ends", ["reflect", "constant"])
@pytest.mark.parametrize(
    ("length", "size", "hop", "window"),
    [
        (5000, 1024, 256, 1024),
        (5000, 512, 50, 240),
        (513, 1024, 120, 600),
        (900 * BLOCK, 64, 9, 64),
    ],
)
def test_magnitudes_are_librosas(
    length: int, size: int, hop: int, window: int, ends: Literal["reflect", "constant"]
) -> None:
    noise = np.random.default_rng(0).standard_normal(length)
    theirs = librosa.stft(noise, n_fft=size, hop_length=hop, win_length=window, pad_mode=ends)
    made = magnitudes(noise, size, hop, window, ends)
    np.testing.assert_allclose(made, np.abs(theirs).T, rtol=1e-10, atol=1e-12)
    if window == size:
        assert np.array_equal(made, magnitudes(noise, size, hop, ends=ends))


def test_a_tone_in_the_middle_of_a_bin_by_hand() -> None:
    tone = 0.5 * np.cos(2 * np.pi * 8 * np.arange(640) / 64)
    frame = magnitudes(tone, 64, 32)[5]
    assert frame[8] == pytest.approx(0.5 * 64 / 4)  # half its amplitude times the window's sum
    assert frame[[7, 9]] == pytest.approx(frame[8] / 2)
    assert frame[[0, 5, 11, 32]] == pytest.approx(0, abs=1e-12)


def test_the_window_is_periodic() -> None:
    assert hann(4).tolist() == pytest.approx([0, 0.5, 1, 0.5])
