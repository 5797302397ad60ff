"""Steps of training recorded as CUDA graphs do what the same steps do without."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.training.data import open_folders
from almbench.training.graphs import RecordedStage
from almbench.training.recipe import TrainConfig, load_config
from almbench.training.stages import Stage2
from almbench.training.trainer import Task, Trainer

RECIPE = (
    "model.prior_width=0", "model.codebook_size=32", "model.width=32", "model.decoder_width=32",
    "model.head_width=16", "model.code_width=16", "model.encoder_layers=1",
    "model.decoder_layers=1", "stage1.steps=2", "stage1.batch=4", "stage2.steps=12",
    "stage2.batch=4", "stage2.quantize_from=4", "stage2.min_seconds=0.8", "stage2.max_seconds=0.8",
    "stage2.warmup=0", "stage2.auxiliary_layers=1", "stage2.windows=[3, 6]",
)  # fmt: skip
pytestmark = pytest.mark.usefixtures("short_start")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


@pytest.fixture(scope="module")
def recipe() -> TrainConfig:
    """The recipe medium, very small."""
    return load_config("medium", RECIPE)


def plain() -> torch.autocast:
    return torch.autocast("cuda", torch.bfloat16, enabled=False, cache_enabled=False)


@gpu
@pytest.mark.parametrize("step", [0, 9], ids=["before the quantizer", "with it"])
@pytest.mark.parametrize("w", [3, 6])
def test_a_recording_gives_the_losses_and_gradients_of_the_stage(
    recipe: TrainConfig, step: int, w: int
) -> None:
    torch.manual_seed(0)
    stage = Stage2(ALMTokenizer(recipe.model), recipe.stage2).cuda()
    for codebook in stage.model.quantizer.codebooks:
        codebook.learns = False  # else recording would move the entries
    recorded = RecordedStage(stage, plain)
    # First, as in a training: gradients of an earlier step must not wait for another stream.
    recorded(torch.randn(4, 19_200, device="cuda") / 10, w, step)
    for _ in range(3):
        sound = torch.randn(4, 19_200, device="cuda") / 10
        stage.zero_grad()
        _, wanted = stage(sound, w, step)
        torch.autograd.backward(stage.total(wanted))
        gradients = {n: p.grad.clone() for n, p in stage.named_parameters() if p.grad is not None}
        stage.zero_grad()
        total, losses = recorded(sound, w, step)
        torch.autograd.backward(total)
        assert list(losses) == list(wanted)
        for name, loss in losses.items():
            torch.testing.assert_close(loss, wanted[name].detach().float(), rtol=1e-3, atol=1e-5)
        for name, parameter in stage.named_parameters():
            if name in gradients:
                torch.testing.assert_close(
                    parameter.grad, gradients[name], rtol=2e-2, atol=1e-3, msg=name
                )


@gpu
def test_training_on_a_gpu_falls_and_goes_on_where_it_stopped(
    recipe: TrainConfig, tmp_path: Path
) -> None:
    time = np.arange(48_000) / 24_000
    for n in range(4):
        path = tmp_path / "sound" / f"{n}.wav"
        path.parent.mkdir(exist_ok=True)
        sf.write(path, 0.3 * np.sin(2 * np.pi * 200 * (n + 1) * time), 24_000)
    given = {data.name: tmp_path / "sound" for data in recipe.data}
    folders = open_folders(recipe.data, given)
    for number in (1, 2):
        trainer = Trainer(Task(recipe, number, folders, tmp_path / "out", "cuda", 1))
        found: list[float] = []
        trainer.run([(1, lambda losses: found.append(float(losses["magnitude"])))])  # noqa: B023
        trainer.save()
    assert trainer.accelerator.device.type == "cuda"
    assert trainer._recorded is not None
    assert len(found) == 12
    assert found[-1] < found[0]
    again = Trainer(Task(recipe, 2, folders, tmp_path / "out", "cuda", 1))
    assert again.step == 12
    for name, weight in again.model.state_dict().items():
        torch.testing.assert_close(weight, trainer.model.state_dict()[name])
