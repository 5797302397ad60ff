"""The networks that only losses use."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from almbench.training.auxiliary import (
    DepthPredictor,
    Discriminators,
    MaskedAutoencoder,
)
from almbench.training.losses import (
    adversarial_loss,
    discriminator_loss,
    feature_loss,
)
from almbench.training.recipe import DiscriminatorConfig

RATE = 24_000


def every_gradient(module: nn.Module) -> dict[str, bool]:
    """Whether each parameter has a gradient that is finite and not all zero."""
    return {
        name: p.grad is not None and bool(torch.isfinite(p.grad).all()) and bool(p.grad.any())
        for name, p in module.named_parameters()
    }


def outputs_of(module: nn.Module) -> list[Tensor]:
    """A list that gets what `module` returns, call by call."""
    seen: list[Tensor] = []
    module.register_forward_hook(lambda _, __, output: seen.append(output.detach()))
    return seen


def test_the_autoencoder_never_sees_what_is_masked() -> None:
    torch.manual_seed(0)
    mae = MaskedAutoencoder(32, 1, 16)
    frames = torch.randn(2, 9, 32, requires_grad=True)
    masked = torch.zeros(2, 9, dtype=torch.bool)
    masked[0, 3], masked[1, :4] = True, True
    mae(frames, masked).backward()
    assert frames.grad is not None
    moved = frames.grad.abs().sum(-1) > 0
    assert torch.equal(moved, ~masked)
    assert all(every_gradient(mae).values())


def test_the_autoencoder_loss_by_hand() -> None:
    torch.manual_seed(0)
    mae = MaskedAutoencoder(32, 1, 16)
    made = outputs_of(mae.out)
    frames, masked = torch.randn(1, 5, 32), torch.tensor([[True, False, True, False, False]])
    loss = mae(frames, masked)
    x, y = frames.numpy()[0, [0, 2]], made[0].numpy()[0, [0, 2]]
    target = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    assert loss.item() == pytest.approx(float(np.mean((target - y) ** 2)), rel=1e-5)


@pytest.mark.parametrize("length", [1, 6])
def test_the_autoencoder_with_everything_masked(length: int) -> None:
    mae = MaskedAutoencoder(32, 1, 16)
    for frames in (torch.randn(1, length, 32), torch.zeros(1, length, 32)):
        loss = mae(frames, torch.ones(1, length, dtype=torch.bool))
        loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(p.grad).all() for p in mae.parameters() if p.grad is not None)


def test_a_codebook_is_foreseen_from_those_before_it_only() -> None:
    torch.manual_seed(0)
    predictor = DepthPredictor(32, 2, 16)
    made = outputs_of(predictor.out)
    parts = [torch.randn(2, 3, 32) for _ in range(4)]
    predictor(parts)
    for changed in range(4):
        other = [p + (k == changed) for k, p in enumerate(parts)]
        predictor(other)
        moved = (made[-1] - made[0]).abs().amax((0, 2)) > 1e-6
        # What stands at depth k foresees part k + 1 from parts 0 to k; the last is no input.
        assert moved.tolist() == [changed <= k for k in range(3)]


def test_groups_are_foreseen_each_for_itself() -> None:
    torch.manual_seed(0)
    predictor = DepthPredictor(32, 1, 16)
    made = outputs_of(predictor.out)
    parts = [torch.randn(1, 4, 32) for _ in range(3)]
    predictor(parts)
    parts[0] = parts[0].clone()
    parts[0][:, 2] += 1
    predictor(parts)
    moved = (made[1] - made[0]).view(4, 2, 32).abs().amax((1, 2)) > 1e-6
    assert moved.tolist() == [False, False, True, False]


def test_the_depth_loss_by_hand() -> None:
    torch.manual_seed(0)
    predictor = DepthPredictor(32, 1, 16)
    made = outputs_of(predictor.out)
    parts = [torch.randn(2, 3, 32) for _ in range(3)]
    loss = float(predictor(parts).detach())

    def unit(x: np.ndarray) -> np.ndarray:
        return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))

    predicted = made[0].numpy().reshape(2, 3, 2, 32)
    gaps = [unit(parts[k + 1].numpy()) - unit(predicted[:, :, k]) for k in range(2)]
    assert loss == pytest.approx(np.mean([np.mean(np.sum(g**2, -1)) for g in gaps]), rel=1e-5)
    # Vectors go in with unit length, so that their size says nothing.
    assert float(predictor([parts[0] * 9, *parts[1:]]).detach()) == pytest.approx(loss, rel=1e-5)


def test_the_depth_loss_of_nothing_but_zeros_is_finite() -> None:
    predictor = DepthPredictor(32, 1, 16)
    loss = predictor([torch.zeros(1, 1, 32)] * 3)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in predictor.parameters() if p.grad is not None)


def test_gradients_reach_the_predictor_and_what_it_is_given() -> None:
    torch.manual_seed(0)
    predictor = DepthPredictor(32, 1, 16)
    parts = [torch.randn(2, 3, 32, requires_grad=True) for _ in range(3)]
    predictor(parts).backward()
    assert all(every_gradient(predictor).values())
    assert parts[0].grad is not None
    assert parts[2].grad is None  # only predicted


def test_discriminators_judge_every_scale() -> None:
    config = DiscriminatorConfig(widths=(4, 4, 6))
    discriminators = Discriminators(config, RATE)
    sound = 0.1 * torch.randn(2, 6000)
    logits, features = discriminators(sound)
    assert len(logits) == len(features) == 6
    for hop, found, maps in zip(config.hops, logits, features, strict=True):
        bands, columns = max(8, min(64, hop // 2)), 6000 // hop + 1
        shapes = []
        for n, width in enumerate(config.widths):
            bands = -(-bands // 2) if n % 2 else bands
            columns = -(-columns // 2)
            shapes.append((2, width, bands, columns))
        assert [tuple(m.shape) for m in maps] == shapes
        assert found.shape == (2, 1, *shapes[-1][2:])


@pytest.mark.parametrize("length", [1, 320, 4000])
def test_discriminators_bear_silence(length: int) -> None:
    discriminators = Discriminators(DiscriminatorConfig(widths=(4, 4)), RATE)
    sound = torch.zeros(1, length, requires_grad=True)
    logits, features = discriminators(sound)
    with torch.no_grad():
        _, real = discriminators(torch.zeros(1, length))
    (adversarial_loss(logits) + feature_loss(real, features)).backward()  # type: ignore[no-untyped-call]
    assert sound.grad is not None
    assert torch.isfinite(sound.grad).all()


def test_discriminators_learn_to_tell_and_gradients_reach_all_of_them() -> None:
    torch.manual_seed(0)
    discriminators = Discriminators(DiscriminatorConfig(hops=(64, 256), widths=(6, 6)), RATE)
    optimizer = torch.optim.Adam(discriminators.parameters(), 0.02)
    time = torch.arange(4000) / RATE
    tone = 0.3 * torch.sin(2 * torch.pi * 500 * time)[None]
    noise = 0.1 * torch.randn(1, 4000)
    for _ in range(30):
        loss = discriminator_loss(discriminators(tone)[0], discriminators(noise)[0])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert all(every_gradient(discriminators).values())
    assert float(loss) < 0.5
    for real, fake in zip(discriminators(tone)[0], discriminators(noise)[0], strict=True):
        assert real.mean() > fake.mean()
