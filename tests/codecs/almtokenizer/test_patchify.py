"""Sound to frames and back, and the whole model on odd input."""

import pytest
import torch
from torch import Tensor

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.almtokenizer.patchify import (
    ConvPatchify,
    ConvUnPatchify,
    SpectralPatchify,
    SpectralUnPatchify,
    log_magnitude,
    sharpen,
)
from almbench.training.recipe import TrainConfig

HOP = 320
KINDS = ("conv", "spectral")
SPECTRAL = ModelConfig(patchify="spectral", width=64, code_width=8)


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, torch.nn.Module]:
    torch.manual_seed(0)
    config = ModelConfig(patchify=request.param, width=64, code_width=8)
    if request.param == "conv":
        return ConvPatchify(config).eval(), ConvUnPatchify(config).eval()
    return SpectralPatchify(config).eval(), SpectralUnPatchify(config).eval()


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tiny: TrainConfig) -> ALMTokenizer:
    torch.manual_seed(0)
    config = tiny.model.model_copy(update={"patchify": request.param})
    return ALMTokenizer(config).eval()


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 30])
@torch.inference_mode()
def test_there_are_exactly_as_many_frames(
    pair: tuple[torch.nn.Module, torch.nn.Module], frames: int
) -> None:
    patchify, unpatchify = pair
    made = patchify(0.1 * torch.randn(2, frames * HOP))
    assert made.shape == (2, frames, 64)
    assert unpatchify(made).shape == (2, frames * HOP)


@torch.inference_mode()
def test_a_batch_is_as_its_members_alone(pair: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    patchify, unpatchify = pair
    sounds = 0.1 * torch.randn(3, 12 * HOP)
    frames = patchify(sounds)
    decoded = unpatchify(frames)
    for n in range(3):
        torch.testing.assert_close(patchify(sounds[n : n + 1])[0], frames[n], rtol=1e-4, atol=1e-4)
        alone = unpatchify(frames[n : n + 1])[0]
        torch.testing.assert_close(alone, decoded[n], rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_convolutions_look_back_only() -> None:
    torch.manual_seed(0)
    patchify = ConvPatchify(ModelConfig(width=64, code_width=8)).eval()
    sound = 0.1 * torch.randn(1, 16 * HOP)
    changed = sound.clone()
    changed[:, 12 * HOP :] = 0  # the first few frames see a mirror image of the next few
    moved = (patchify(changed) - patchify(sound)).abs().amax((0, 2)) > 1e-6
    assert moved.tolist() == [False] * 12 + [True] * 4


@torch.inference_mode()
def test_levels_have_a_floor_of_80_db() -> None:
    found = log_magnitude(torch.tensor([0.0, 1e-9, 1.0]))
    assert found.tolist() == pytest.approx([-9.2103, -9.2103, 1e-4], abs=1e-3)


def test_losses_of_the_sound_reach_the_magnitudes() -> None:
    unpatchify = SpectralUnPatchify(SPECTRAL)
    frames = torch.randn(1, 6, 64, requires_grad=True)
    decoded = unpatchify(frames, like=0.1 * torch.randn(1, 6 * HOP))
    decoded.square().sum().backward()
    assert frames.grad is not None
    assert (frames.grad.abs().sum(-1) > 0).all()


@torch.inference_mode()
def test_the_original_lends_its_phases() -> None:
    unpatchify = SpectralUnPatchify(SPECTRAL)
    spectrum = unpatchify.spectrum
    sound, frames = 0.1 * torch.randn(1, 6 * HOP), torch.randn(1, 6, 64)
    decoded = unpatchify(frames, like=sound)
    there = spectrum(sound)
    wanted = spectrum.inverse(unpatchify.magnitudes(frames) * there / there.abs())
    torch.testing.assert_close(decoded, wanted, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_magnitudes_are_bounded() -> None:
    unpatchify = SpectralUnPatchify(SPECTRAL)
    torch.nn.init.constant_(unpatchify.levels.bias, 1e4)
    assert unpatchify.magnitudes(torch.randn(1, 3, 64)).max() <= torch.tensor(3.0).exp() + 1e-3


def test_contrast_is_an_exponent_that_keeps_the_energy_of_each_sound() -> None:
    loud = torch.tensor([[4.0, 1.0], [2.0, 0.0]])
    both = torch.stack((loud, loud / 1000))
    found = sharpen(both, 2.0)
    # 16, 1, 4 and 0 have 273 of energy, 4, 1, 2 and 0 have 21.
    wanted = torch.tensor([[16.0, 1.0], [4.0, 0.0]]) * (21 / 273) ** 0.5
    torch.testing.assert_close(found, torch.stack((wanted, wanted / 1000)))
    assert torch.equal(sharpen(both, 1.0), both)
    assert torch.equal(sharpen(torch.zeros(1, 3, 2), 1.2), torch.zeros(1, 3, 2))


@torch.inference_mode()
def test_contrast_is_of_what_is_decoded_and_not_of_what_losses_see() -> None:
    torch.manual_seed(0)
    plain = SpectralUnPatchify(SPECTRAL)
    sharp = SpectralUnPatchify(SPECTRAL.model_copy(update={"contrast": 1.5}))
    sharp.load_state_dict(plain.state_dict())
    frames, sound = torch.randn(2, 6, 64), 0.1 * torch.randn(2, 6 * HOP)
    assert torch.equal(plain.magnitudes(frames), sharp.magnitudes(frames))
    assert torch.equal(plain(frames, like=sound), sharp(frames, like=sound))
    wanted = sharp.spectrum.find_phases(sharpen(plain.magnitudes(frames), 1.5))
    assert torch.equal(sharp(frames), wanted)


@pytest.mark.parametrize("w", [2, 3, 6, 10])
@pytest.mark.parametrize("length", [1, HOP, 6 * HOP, 6 * HOP + 1])
@torch.inference_mode()
def test_codes_cover_any_length(model: ALMTokenizer, w: int, length: int) -> None:
    groups = -(-length // (w * HOP))
    codes = model.encode(0.1 * torch.randn(2, length), w)
    assert codes.shape == (2, 3, groups)
    assert codes.dtype == torch.int64
    decoded = model.decode(codes, w)
    assert decoded.shape == (2, groups * w * HOP)
    assert torch.isfinite(decoded).all()
    assert model.decode(codes[:, :1], w).shape == decoded.shape


@torch.inference_mode()
def test_silence_has_finite_sound(model: ALMTokenizer) -> None:
    decoded = model.decode(model.encode(torch.zeros(1, 5000), 6), 6)
    assert torch.isfinite(decoded).all()


@torch.inference_mode()
def test_codes_of_a_batch_are_those_of_its_members(model: ALMTokenizer) -> None:
    sounds: Tensor = 0.1 * torch.randn(3, 4000)
    codes = model.encode(sounds, 2)
    for n in range(3):
        assert torch.equal(model.encode(sounds[n : n + 1], 2)[0], codes[n])


@torch.inference_mode()
def test_the_end_is_padded_with_zeros(model: ALMTokenizer) -> None:
    sound = 0.1 * torch.randn(1, 2000)
    padded = torch.nn.functional.pad(sound, (0, 3840 - 2000))
    assert torch.equal(model.encode(sound, 6), model.encode(padded, 6))
