"""Each loss beside the same written out in plain numpy, or made with librosa."""

from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from almbench.training.losses import (
    SCALES,
    adversarial_loss,
    depth_prediction_loss,
    discriminator_loss,
    envelope_loss,
    feature_loss,
    level_loss,
    log_mel,
    magnitude_loss,
    masked_loss,
    mel_filters,
    spectral_loss,
    time_loss,
)

RATE = 24_000
Array = NDArray[Any]


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def mel(sound: Array, size: int, hop: int, bands: int) -> Array:
    """A mel spectrogram of magnitudes by librosa, scaled so that a sine of amplitude 1 has 1."""
    made: Array = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=size, hop_length=hop, n_mels=bands, power=1, norm=None,
        pad_mode="constant",
    )  # fmt: skip
    return made / (size / 4)


@pytest.mark.parametrize(("size", "bands"), [(64, 8), (512, 64), (1280, 40)])
def test_log_mel_is_that_of_librosa(size: int, bands: int) -> None:
    sound = 0.1 * noise(2, 5000)
    made, log = log_mel(torch.from_numpy(sound), size, size // 4, bands, RATE)
    theirs = mel(sound, size, size // 4, bands)
    assert made.shape == theirs.shape
    np.testing.assert_allclose(made.numpy(), theirs, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(log.numpy(), np.log(theirs + 1e-5), rtol=1e-3, atol=1e-4)


def test_no_band_of_any_scale_is_empty() -> None:
    sizes = [(size, min(64, size // 8)) for size in SCALES]
    sizes += [(4 * hop, max(8, min(64, hop // 2))) for hop in (32, 64, 128, 256, 512, 1024)]
    for size, bands in [*sizes, (1280, 80), (1280, 40)]:
        filters = mel_filters(size, bands, RATE, torch.device("cpu"))
        assert filters.shape == (bands, size // 2 + 1)
        assert filters.sum(1).min() > 0, (size, bands)


def test_time_loss_is_the_mean_absolute_difference() -> None:
    assert time_loss(torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([[0.0, 2.0, 0.5]])) == (
        pytest.approx((1 + 4 + 0) / 3)
    )


def test_spectral_loss_by_hand() -> None:
    first, second = 0.2 * noise(2, 6000), 0.1 * noise(2, 6000, seed=1)
    terms = []
    for size in (64, 128, 256, 512, 1024, 2048):
        bands = min(64, size // 8)
        x, y = (np.log(mel(s, size, size // 4, bands) + 1e-5) for s in (first, second))
        terms.append(np.mean(np.abs(x - y)) + np.sqrt(np.mean((x - y) ** 2)))
    found = spectral_loss(torch.from_numpy(first), torch.from_numpy(second), RATE)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-3)


def test_magnitude_loss_by_hand() -> None:
    true, made = np.abs(noise(2, 641, 7)), np.abs(noise(2, 641, 7, seed=1))
    filters = librosa.filters.mel(sr=RATE, n_fft=1280, n_mels=80, norm=None)
    bins = np.mean(np.abs(np.log(true + 1e-4) - np.log(made + 1e-4)))
    x, y = (np.einsum("mf,bft->bmt", filters, m**2) for m in (true, made))
    bands = np.mean(np.abs(np.log(x + 1e-8) - np.log(y + 1e-8))) / 2
    loudness = np.abs(x**0.3 - y**0.3).sum() / (x**0.3).sum()
    found = magnitude_loss(torch.from_numpy(true), torch.from_numpy(made), RATE)
    assert float(found) == pytest.approx(bins + 2 * bands + 2 * loudness, rel=1e-4)


def test_magnitude_loss_counts_a_change_of_level_in_full() -> None:
    true = torch.from_numpy(np.abs(noise(1, 641, 3))) + 1
    # Everything ten times as strong: log 10 for the bins, twice log 10 for the bands, and bands
    # that are 10^0.6 times as loud.
    expected = 3 * np.log(10) + 2 * (10**0.6 - 1)
    assert float(magnitude_loss(true, 10 * true, RATE)) == pytest.approx(expected, rel=1e-3)


def test_level_loss_by_hand() -> None:
    true, made = np.abs(noise(2, 641, 37)), np.abs(noise(2, 641, 37, seed=1))
    filters = librosa.filters.mel(sr=RATE, n_fft=1280, n_mels=80, norm=None)
    terms = []
    for size in (4, 16, 37):
        count = 37 // size
        x, y = (
            np.einsum("mf,bft->bmt", filters, m[..., : count * size] ** 2)
            .reshape(2, 80, count, size)
            .mean(-1)
            for m in (true, made)
        )
        terms.append(np.mean(np.abs(np.log(x + 1e-8) - np.log(y + 1e-8))) / 2)
    found = level_loss(torch.from_numpy(true), torch.from_numpy(made), RATE)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-4)


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_level_loss_of_the_shortest(frames: int) -> None:
    true = torch.from_numpy(np.abs(noise(1, 641, frames))) + 0.1
    assert float(level_loss(true, 10 * true, RATE)) == pytest.approx(np.log(10), rel=1e-3)


def test_level_loss_has_no_gain_from_the_median() -> None:
    # A steady guess is best at the mean of what it stands for, not at its median.
    true = torch.full((1, 641, 64), 0.01)
    true[..., ::4] = 1.0
    mean = true.square().mean().sqrt()
    median = true.median()
    losses = [float(level_loss(true, torch.ones_like(true) * g, RATE)) for g in (mean, median)]
    assert losses[0] < 0.5 * losses[1]


def estoi_of(true: np.ndarray, made: np.ndarray) -> float:
    """Intermediate intelligibility, one segment at a time, after Jensen and Taal's equations."""
    frequencies = np.arange(641) * RATE / 1280
    scores = []
    for x, y in zip(true, made, strict=True):
        bands = []
        for m in (x, y):
            rows = []
            for j in range(15):
                centre = 150 * 2 ** (j / 3)
                inside = (frequencies >= centre / 2 ** (1 / 6)) & (
                    frequencies < centre * 2 ** (1 / 6)
                )
                rows.append(np.sqrt((m[inside] ** 2).sum(0)))
            bands.append(np.array(rows))
        for start in range(0, x.shape[1] - 29 + 1, 7):
            first, second = (b[:, start : start + 29] for b in bands)
            for axis in (1, 0):
                first, second = (
                    (s - s.mean(axis, keepdims=True))
                    / np.linalg.norm(s - s.mean(axis, keepdims=True), axis=axis, keepdims=True)
                    for s in (first, second)
                )
            scores.append((first * second).sum() / 29)
    return float(np.mean(scores))


def test_envelope_loss_by_hand() -> None:
    true, made = np.abs(noise(2, 641, 60)), np.abs(noise(2, 641, 60, seed=1))
    made = 0.5 * made + 0.5 * true
    found = envelope_loss(torch.from_numpy(true), torch.from_numpy(made), RATE, 320)
    assert float(found) == pytest.approx(1 - estoi_of(true, made), abs=1e-3)


def test_envelope_loss_knows_no_level_and_counts_no_silence() -> None:
    true = torch.from_numpy(np.abs(noise(1, 641, 58)))
    assert float(envelope_loss(true, 3 * true, RATE, 320)) == pytest.approx(0, abs=1e-4)
    quiet = torch.cat((true, 1e-4 * true), dim=2)
    odd = torch.cat((true, 1e-4 * true.flip(2)), dim=2)
    both = [float(envelope_loss(quiet, m, RATE, 320)) for m in (quiet, odd)]
    assert both[1] < 0.3  # only the segments over the border know of what follows it


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_envelope_loss_of_what_does_not_vary_is_finite(value: float) -> None:
    made = torch.full((1, 641, 40), value, requires_grad=True)
    loss = envelope_loss(torch.zeros(1, 641, 40), made, RATE, 320)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert made.grad is not None
    assert torch.isfinite(made.grad).all()


def test_hinge_losses_by_hand() -> None:
    real = [torch.tensor([0.5, 2.0]), torch.tensor([[-1.0]])]
    fake = [torch.tensor([-2.0, 0.0, 1.0]), torch.tensor([[0.25]])]
    scales = [(0.5 + 0) / 2 + (0 + 1 + 2) / 3, 2 + 1.25]
    assert float(discriminator_loss(real, fake)) == pytest.approx(np.mean(scales))
    assert float(adversarial_loss(fake)) == pytest.approx(np.mean([(3 + 1 + 0) / 3, 0.75]))


def test_hinge_losses_rest_beyond_the_margin() -> None:
    sure = [torch.full((3,), 1.5)]
    assert discriminator_loss(sure, [-sure[0]]) == 0
    assert adversarial_loss(sure) == 0


def test_feature_loss_by_hand() -> None:
    real = [[torch.tensor([1.0, -3.0]), torch.tensor([4.0])], [torch.tensor([-2.0, 2.0])]]
    fake = [[torch.tensor([2.0, -1.0]), torch.tensor([1.0])], [torch.tensor([0.0, 1.0])]]
    terms = [1.5 / 2, 3 / 4, 1.5 / 2]
    assert float(feature_loss(real, fake)) == pytest.approx(np.mean(terms))


def test_feature_loss_trains_only_what_is_judged() -> None:
    real, fake = torch.ones(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    feature_loss([[real]], [[fake]]).backward()  # type: ignore[no-untyped-call]
    assert real.grad is None
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0


def test_feature_loss_of_dead_features_is_finite() -> None:
    assert torch.isfinite(feature_loss([[torch.zeros(4)]], [[torch.ones(4)]]))
    assert feature_loss([[torch.zeros(4)]], [[torch.zeros(4)]]) == 0


@pytest.mark.parametrize("masked", [[[0, 1, 1], [1, 0, 0]], [[1, 1, 1], [1, 1, 1]]])
def test_masked_loss_by_hand(masked: list[list[int]]) -> None:
    frames, predicted = 3 + 2 * noise(2, 3, 8), noise(2, 3, 8, seed=1)
    terms = []
    for b in range(2):
        for t in range(3):
            if masked[b][t]:
                frame = frames[b, t]
                target = (frame - frame.mean()) / np.sqrt(frame.var() + 1e-5)
                terms.append(np.mean((predicted[b, t] - target) ** 2))
    found = masked_loss(
        torch.from_numpy(frames), torch.from_numpy(predicted), torch.tensor(masked).bool()
    )
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)


def test_masked_loss_of_one_silent_frame() -> None:
    predicted = torch.ones(1, 1, 4, requires_grad=True)
    loss = masked_loss(torch.zeros(1, 1, 4), predicted, torch.ones(1, 1).bool())
    assert float(loss) == 1
    loss.backward()  # type: ignore[no-untyped-call]
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()


def test_masked_loss_takes_the_frames_as_given() -> None:
    frames = torch.from_numpy(noise(1, 2, 4)).requires_grad_()
    loss = masked_loss(frames, torch.zeros(1, 2, 4), torch.ones(1, 2).bool())
    assert not loss.requires_grad


def test_foreseen_loss_by_hand() -> None:
    parts, predicted = noise(2, 2, 3, 5), noise(2, 2, 3, 5, seed=1)
    gaps = parts / np.linalg.norm(parts, axis=-1, keepdims=True) - (
        predicted / np.linalg.norm(predicted, axis=-1, keepdims=True)
    )
    found = depth_prediction_loss(list(torch.from_numpy(parts)), list(torch.from_numpy(predicted)))
    assert float(found) == pytest.approx(np.mean(np.sum(gaps**2, axis=-1)), rel=1e-5)


def test_foreseen_loss_knows_only_directions() -> None:
    part = torch.from_numpy(noise(1, 4, 5))
    assert float(depth_prediction_loss([part], [7 * part])) == pytest.approx(0, abs=1e-6)
    assert float(depth_prediction_loss([part], [-part])) == pytest.approx(4)
    # A part of zero has no direction: the distance of a unit vector from it is 1.
    assert float(depth_prediction_loss([torch.zeros(1, 4, 5)], [part])) == pytest.approx(1)


def test_foreseen_loss_takes_the_parts_as_given() -> None:
    part = torch.from_numpy(noise(1, 2, 4)).requires_grad_()
    assert not depth_prediction_loss([part], [torch.ones(1, 2, 4)]).requires_grad


def mel_distance(x: Tensor, y: Tensor) -> Tensor:
    return spectral_loss(x, y, RATE)


@pytest.mark.parametrize("loss", [time_loss, mel_distance])
@pytest.mark.parametrize("length", [1, 300, 4000])
def test_silence_has_finite_losses_and_gradients(
    loss: Callable[[Tensor, Tensor], Tensor], length: int
) -> None:
    silence = torch.zeros(1, length)
    for level in (0.0, 1e-6, 0.5):
        decoded = (level * torch.from_numpy(noise(1, length))).requires_grad_()
        value = loss(silence, decoded)
        value.backward()  # type: ignore[no-untyped-call]
        assert decoded.grad is not None
        assert torch.isfinite(value)
        assert torch.isfinite(decoded.grad).all(), level
        assert (float(value) == 0) == (level == 0)


def test_equal_sounds_have_no_spectral_distance_and_finite_gradients() -> None:
    sound = torch.from_numpy(0.1 * noise(1, 4000))
    decoded = sound.clone().requires_grad_()
    value = spectral_loss(sound, decoded, RATE)
    value.backward()  # type: ignore[no-untyped-call]
    assert float(value) == 0
    assert decoded.grad is not None
    assert torch.isfinite(decoded.grad).all()


def test_silent_magnitudes_have_finite_losses_and_gradients() -> None:
    silence = torch.zeros(1, 641, 1)
    made = torch.zeros(1, 641, 1, requires_grad=True)
    value = magnitude_loss(silence, made, RATE)
    value.backward()  # type: ignore[no-untyped-call]
    assert value == 0
    assert made.grad is not None
    assert torch.isfinite(made.grad).all()
    assert torch.isfinite(magnitude_loss(silence, torch.ones(1, 641, 1), RATE))
