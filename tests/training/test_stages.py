"""What each stage computes, and what of the model its gradients reach."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.almtokenizer.patchify import SpectralUnPatchify
from almbench.training.losses import magnitude_loss, spectral_loss, time_loss
from almbench.training.recipe import StageConfig, TrainConfig
from almbench.training.stages import Losses, Stage1, Stage2, make_stage

HOP, RATE = 320, 24_000
KINDS = ("conv", "spectral")
PARTS = ("patchify", "query_encoder", "quantizer", "query_decoder", "unpatchify")
Make = Callable[..., Stage1 | Stage2]


def sound(seconds: float = 0.4, batch: int = 2) -> Tensor:
    torch.manual_seed(3)
    frames = round(seconds * RATE / HOP)
    return 0.1 * torch.randn(batch, frames * HOP)


@pytest.fixture
def make(tiny: TrainConfig) -> Make:
    """Make a stage of the tiny recipe, with changes of the stage, its weights and the model."""

    def made(
        number: int, kind: str = "spectral", *, model: Any = (), weights: Any = (), **changes: Any
    ) -> Stage1 | Stage2:
        torch.manual_seed(0)
        stage: StageConfig = getattr(tiny, f"stage{number}")
        loads = stage.weights.model_copy(update=dict(weights))
        stage = stage.model_copy(update={"weights": loads, **changes})
        shape = tiny.model.model_copy(update={"patchify": kind, **dict(model)})
        recipe = tiny.model_copy(update={f"stage{number}": stage, "model": shape})
        return make_stage(number, ALMTokenizer(shape), recipe).train()

    return made


def total(losses: Losses, decoded: Tensor | None) -> Tensor:
    """All losses at once; the sum of the sound stands for what the discriminators make of it."""
    assert decoded is not None
    return torch.stack([*losses.values(), decoded.float().sum()]).sum()


def by_part(stage: Stage1 | Stage2) -> dict[str, set[bool]]:
    """Whether the parameters of each part of the model got a gradient."""
    reached: dict[str, set[bool]] = {}
    for name, parameter in stage.named_parameters():
        part = name.removeprefix("model.").split(".")[0]
        got = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        reached.setdefault(part, set()).add(got)
    return reached


@pytest.mark.parametrize("kind", KINDS)
def test_stage_1_trains_patchify_unpatchify_and_its_autoencoder(make: Make, kind: str) -> None:
    stage = make(1, kind)
    decoded, losses = stage(sound(0.2, 1), 0.25, 0)
    total(losses, decoded).backward()  # type: ignore[no-untyped-call]
    trained = {"patchify", "unpatchify", "mae"}
    assert by_part(stage) == {part: {part in trained} for part in {*PARTS, "mae"}}
    assert all(p.requires_grad == (p.grad is not None) for p in stage.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_stage_2_trains_all_but_patchify(make: Make, kind: str) -> None:
    stage = make(2, kind)
    decoded, losses = stage(sound(0.2, 1), 6, 4)
    total(losses, decoded).backward()  # type: ignore[no-untyped-call]
    assert by_part(stage) == {part: {part != "patchify"} for part in {*PARTS, "ar"}}
    assert not any(p.requires_grad for p in stage.model.patchify.parameters())


def test_before_the_quantizer_starts_queries_pass_as_they_are(make: Make) -> None:
    stage = make(2)
    decoded, losses = stage(sound(), 6, 3)
    assert set(losses) == {"magnitude", "time", "spectral"}
    total(losses, decoded).backward()  # type: ignore[no-untyped-call]
    trained = {"query_encoder", "query_decoder", "unpatchify"}
    assert by_part(stage) == {part: {part in trained} for part in {*PARTS, "ar"}}


@pytest.mark.parametrize(
    ("loss", "reached"),
    [
        ("mae", {"patchify", "mae"}),
        ("magnitude", {"patchify", "unpatchify"}),
        ("spectral", {"patchify", "unpatchify"}),
        ("time", {"patchify", "unpatchify"}),
    ],
)
def test_what_each_loss_of_stage_1_reaches(make: Make, loss: str, reached: set[str]) -> None:
    stage = make(1)
    stage(sound(), 0.25, 0)[1][loss].backward()
    assert by_part(stage) == {part: {part in reached} for part in {*PARTS, "mae"}}


def test_the_commitment_reaches_the_encoder_and_not_the_decoder(make: Make) -> None:
    stage = make(2)
    stage(sound(), 6, 4)[1]["commitment"].backward()
    found = by_part(stage)
    assert found["query_encoder"] == {True}
    assert found["quantizer"] == {True, False}  # no map out of the last codebook
    assert found["query_decoder"] == found["unpatchify"] == found["ar"] == {False}


def test_the_ar_loss_reaches_its_network_and_the_encoder(make: Make) -> None:
    stage = make(2)
    stage(sound(), 6, 4)[1]["ar"].backward()
    found = by_part(stage)
    assert found["ar"] == found["query_encoder"] == {True}
    assert found["query_decoder"] == found["unpatchify"] == {False}


def test_steps_move_what_is_trained_and_nothing_else(make: Make) -> None:
    stage = make(2)
    before = {name: value.clone() for name, value in stage.state_dict().items()}
    optimizer = torch.optim.AdamW([p for p in stage.parameters() if p.requires_grad], 1e-3)
    for _ in range(2):
        decoded, losses = stage(sound(), 2, 4)
        optimizer.zero_grad()
        total(losses, decoded).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    still = {n for n, value in stage.state_dict().items() if torch.equal(value, before[n])}
    fixed = "model.quantizer.codebooks.0.entries"
    assert still == {fixed, *(n for n in before if n.startswith("model.patchify."))}


def test_without_queries_their_encoder_has_nothing_to_learn(make: Make) -> None:
    stage = make(2, model={"compression": "drop"})
    decoded, losses = stage(sound(), 6, 4)
    total(losses, decoded).backward()  # type: ignore[no-untyped-call]
    found = by_part(stage)
    assert found["query_encoder"] == {False}
    assert found["quantizer"] == found["query_decoder"] == found["unpatchify"] == {True}


def test_losses_are_those_of_the_sound_and_its_decoding(make: Make) -> None:
    stage = make(1)
    original = sound()
    decoded, losses = stage(original, 0.25, 0)
    assert decoded is not None
    assert decoded.shape == original.shape
    torch.testing.assert_close(losses["time"], time_loss(original, decoded))
    torch.testing.assert_close(losses["spectral"], spectral_loss(original, decoded, RATE))
    model = stage.model
    assert isinstance(model.unpatchify, SpectralUnPatchify)
    made = model.unpatchify.magnitudes(model.patchify(original))
    true = model.unpatchify.spectrum(original).abs()
    torch.testing.assert_close(losses["magnitude"], magnitude_loss(true, made, RATE))


@pytest.mark.parametrize("number", [1, 2])
def test_a_loss_of_weight_0_is_not_computed(make: Make, number: int) -> None:
    nothing = dict.fromkeys(("time", "spectral", "adversarial", "feature", "mae", "ar"), 0)
    stage = make(number, weights=nothing)
    decoded, losses = stage(sound(), 0.25 if number == 1 else 6, 4)
    assert decoded is None  # and so there is no transform back to sound
    assert set(losses) == ({"magnitude"} if number == 1 else {"magnitude", "commitment"})
    assert not any(name.startswith(("mae", "ar")) for name, _ in stage.named_parameters())


def test_convolutions_have_no_magnitude_loss(make: Make) -> None:
    _, losses = make(1, "conv")(sound(0.1, 1), 0.25, 0)
    assert set(losses) == {"time", "spectral", "mae"}


def test_one_codebook_leaves_nothing_to_foresee(make: Make) -> None:
    _, losses = make(2, model={"codebooks": 1})(sound(), 6, 4)
    assert "ar" not in losses
    assert "commitment" in losses


@pytest.mark.parametrize("w", range(2, 11))
def test_stage_2_cuts_to_whole_groups(make: Make, w: int) -> None:
    decoded, losses = make(2)(sound(0.4), w, 4)
    assert decoded is not None
    assert decoded.shape == (2, 30 // w * w * HOP)
    assert all(torch.isfinite(loss) for loss in losses.values())


@pytest.mark.parametrize("share", [0.0, 1e-9, 1.0])
def test_masks_of_nothing_and_of_everything(make: Make, share: float) -> None:
    decoded, losses = make(1)(sound(), share, 0)
    loss = total(losses, decoded)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)


def masks_of(stage: nn.Module) -> list[Tensor]:
    seen: list[Tensor] = []
    stage.mae.register_forward_hook(lambda _, given, __: seen.append(given[1]))  # type: ignore[union-attr]
    return seen


def test_the_share_of_masked_frames(make: Make) -> None:
    stage = make(1)
    seen = masks_of(stage)
    with torch.no_grad():
        for share in (0.0, 0.25, 1.0):
            stage(sound(1, 4), share, 0)
    assert seen[0].sum(1).tolist() == [1, 1, 1, 1]  # one at least
    assert float(seen[1].float().mean()) == pytest.approx(0.25, abs=0.06)
    assert seen[2].all()


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("frames", [2, 10])
def test_silence_and_the_shortest_sound(make: Make, number: int, frames: int) -> None:
    stage = make(number)
    for batch in (torch.zeros(1, frames * HOP), torch.ones(1, frames * HOP)):
        decoded, losses = stage(batch, 0.25 if number == 1 else 2, 4)
        total(losses, decoded).backward()  # type: ignore[no-untyped-call]
        assert all(torch.isfinite(loss) for loss in losses.values())
        grads = [p.grad for p in stage.parameters() if p.grad is not None]
        assert all(torch.isfinite(grad).all() for grad in grads)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_for_the_networks_and_not_for_the_losses(
    make: Make, kind: str, number: int
) -> None:
    stage = make(number, kind)
    given = 0.25 if number == 1 else 6
    state = {name: value.clone() for name, value in stage.state_dict().items()}
    found = []
    for half in (False, True):
        stage.load_state_dict(state)
        stage.zero_grad()
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            decoded, losses = stage(sound(0.2, 1), given, 3)
        total(losses, decoded).backward()  # type: ignore[no-untyped-call]
        assert all(torch.isfinite(p.grad).all() for p in stage.parameters() if p.grad is not None)
        found.append({name: float(loss.detach()) for name, loss in losses.items()})
        assert decoded is not None
        again = spectral_loss(sound(0.2, 1)[:, : decoded.shape[1]], decoded.detach().float(), RATE)
        assert float(again) == pytest.approx(found[-1]["spectral"], rel=1e-4)
    assert found[1] == pytest.approx(found[0], rel=0.1)
