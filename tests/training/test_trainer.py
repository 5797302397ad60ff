"""Training with the real trainer on real speech: exact resuming, refusals, and that it learns."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from almbench.codecs.almtokenizer.checkpoint import save_checkpoint
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.errors import UserError
from almbench.training.data import Crops, batches, open_folders
from almbench.training.recipe import TrainConfig, load_config
from almbench.training.state import read_state
from almbench.training.trainer import Task, Trainer

pytest.importorskip("accelerate", reason="training needs the extra 'train'")
pytestmark = pytest.mark.usefixtures("short_start")

Edit = Callable[..., TrainConfig]
PAPER_PARAMETERS = 111_100_130  # the paper says 174 M, and leaves heads and widths inside open
SMALLEST = (
    "steps=1",
    "batch=1",
    "warmup=0",  # else the step is too small for float32
    "min_seconds=0.2",
    "max_seconds=0.2",
    "adversarial_from=0",
)


@pytest.fixture
def edit(toml: Path) -> Edit:
    """The tiny recipe with settings as `--set` takes them."""
    return lambda *settings: load_config(str(toml), settings)


def task(recipe: TrainConfig, number: int, clips: Path, output: Path) -> Task:
    folders = open_folders(recipe.data, {"speech": clips})
    return Task(recipe, number, folders, output, "cpu", 0)


def take(trainer: Trainer, steps: int) -> list[dict[str, Tensor]]:
    """Take steps as `run` does, but no more than `steps`."""
    crops = Crops(trainer.task.folders, trainer.task.recipe, trainer.config)
    return [trainer.train(sound) for sound in islice(batches(crops, trainer.step), steps)]


def finish(*arguments: Any) -> Trainer:
    trainer = Trainer(task(*arguments))
    trainer.run([])
    trainer.save()
    return trainer


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, tiny: TrainConfig, clips: Path) -> Path:
    """A folder in which stage 1 is done."""
    output = tmp_path_factory.mktemp("first")
    finish(tiny, 1, clips, output)
    return output


@pytest.fixture
def second(tmp_path: Path, first: Path) -> Path:
    """A fresh folder with its state."""
    (tmp_path / "stage1.pt").write_bytes((first / "stage1.pt").read_bytes())
    return tmp_path


def flat(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """All that a state holds, by its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{where}/{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{where}/{number}")
    else:
        yield where, value


def assert_equal(one: Path, other: Path) -> int:
    """Check that two states are the same to the last bit; returns how many tensors they hold."""
    first, second = (dict(flat(read_state(path))) for path in (one, other))
    assert first.keys() == second.keys()
    for where, value in first.items():
        if isinstance(value, Tensor):
            assert torch.equal(value, second[where]), where
        else:
            assert value == second[where], where
    return sum(isinstance(value, Tensor) for value in first.values())


@pytest.mark.parametrize("stop", [3, 4, 5])
@pytest.mark.parametrize("number", [1, 2])
def test_a_resumed_run_ends_as_one_without_a_stop(
    tiny: TrainConfig, clips: Path, second: Path, first: Path, number: int, stop: int
) -> None:
    # In stage 2 the quantizer starts with step 4: these stop before, just at and after it.
    straight = second / "straight"
    straight.mkdir()
    (straight / "stage1.pt").write_bytes((first / "stage1.pt").read_bytes())
    broken = second if number == 2 else second / "broken"
    if number == 1:
        straight = first
    else:
        finish(tiny, 2, clips, straight)

    begun = Trainer(task(tiny, number, clips, broken))
    take(begun, stop)
    begun.save()
    torch.manual_seed(99)  # whatever the next process begins with
    going_on = Trainer(task(tiny, number, clips, broken))
    assert going_on.step == stop
    going_on.run([])
    going_on.save()
    name = f"stage{number}.pt"
    state = read_state(broken / name)
    assert state["step"] == 6
    assert assert_equal(straight / name, broken / name) > 100


def test_the_state_holds_everything(first: Path, tiny: TrainConfig) -> None:
    state = read_state(first / "stage1.pt")
    assert set(state) == {"recipe", "step", "stage", "average", "discriminators", "optimizers"}
    assert TrainConfig.model_validate_json(state["recipe"]) == tiny
    assert any(name.startswith("mae.") for name in state["stage"])
    assert all(optimizer["state"] for optimizer in state["optimizers"])


def test_the_average_of_the_weights_by_hand(edit: Edit, clips: Path, tmp_path: Path) -> None:
    decay = 0.6
    recipe = edit(f"stage1.average={decay}")
    trainer = Trainer(task(recipe, 1, clips, tmp_path))
    take(trainer, 1)
    wanted = {n: p.detach().clone() for n, p in trainer.model.named_parameters()}
    for steps in (1, 2):  # the second time after a stop
        take(trainer, steps) if steps == 1 else None
        if steps == 2:
            trainer.save()
            trainer = Trainer(task(recipe, 1, clips, tmp_path))
            take(trainer, 1)
        for name, p in trainer.model.named_parameters():
            wanted[name] = decay * wanted[name] + (1 - decay) * p.detach()
        for name, p in trainer.averaged.named_parameters():
            torch.testing.assert_close(p.detach(), wanted[name], rtol=1e-4, atol=1e-6)


def test_stage_2_begins_with_the_averages_of_stage_1(
    tiny: TrainConfig, clips: Path, second: Path
) -> None:
    average = read_state(second / "stage1.pt")["average"]
    trainer = Trainer(task(tiny, 2, clips, second))
    fresh = ALMTokenizer(tiny.model).state_dict()
    for weights in (trainer.model.state_dict(), trainer.averaged.state_dict()):
        for name, weight in weights.items():
            if name.startswith(("patchify.", "unpatchify.")):
                assert torch.equal(weight, average[name]), name
    assert not torch.equal(average["patchify.project.weight"], fresh["patchify.project.weight"])


def test_stage_2_never_touches_patchify_nor_the_prior_once_it_is_set(
    tiny: TrainConfig, clips: Path, second: Path
) -> None:
    trainer = Trainer(task(tiny, 2, clips, second))
    frozen = {n: p.clone() for n, p in trainer.model.patchify.state_dict().items()}
    books = list(trainer.model.quantizer.codebooks)
    take(trainer, 4)
    begun = [book.entries.clone() for book in books]
    take(trainer, 1)  # the quantizer starts
    started = [book.entries.clone() for book in books]
    assert not any(torch.equal(a, b) for a, b in zip(begun, started, strict=True))
    take(trainer, 1)
    still = [torch.equal(book.entries, e) for book, e in zip(books, started, strict=True)]
    assert still == [True, False, False]
    for weights in (trainer.model.patchify.state_dict(), trainer.averaged.patchify.state_dict()):
        assert all(torch.equal(weights[name], weight) for name, weight in frozen.items())


def test_the_averages_are_of_what_the_quantizer_was_fitted_to(
    tiny: TrainConfig, clips: Path, second: Path
) -> None:
    trainer = Trainer(task(tiny, 2, clips, second))
    take(trainer, 5)
    for part, average in zip(
        trainer.model.quantizer.parameters(),
        trainer.averaged.quantizer.parameters(),
        strict=True,
    ):
        assert torch.equal(part, average)


@pytest.mark.parametrize("settings", [(), ("model.prior_width=0",), ("model.compression=drop",)])
def test_variants_of_stage_2_run(
    edit: Edit, clips: Path, second: Path, settings: tuple[str, ...]
) -> None:
    trainer = Trainer(task(edit(*settings), 2, clips, second))
    last = take(trainer, 6)[-1]
    wanted = {"time", "spectral", "magnitude", "commitment", "ar", "adversarial", "feature"}
    assert set(last) == {*wanted, "gradient"}
    assert all(torch.isfinite(loss) for loss in last.values())


def test_sounds_and_speech_share_the_entries_of_one_prior(
    toml: Path, clips: Path, tmp_path: Path
) -> None:
    recipe = load_config(str(toml), ["stage2.quantize_from=0", "stage1.steps=1"])
    both = recipe.model_copy(
        update={
            "data": (
                recipe.data[0],
                recipe.data[0].model_copy(update={"name": "sound", "speech": False}),
            )
        }
    )
    folders = open_folders(both.data, {"speech": clips, "sound": clips})
    for number in (1, 2):
        trainer = Trainer(Task(both, number, folders, tmp_path, "cpu", 0))
        take(trainer, 1)
        trainer.save()
    prior = next(iter(trainer.model.quantizer.codebooks))
    assert len({tuple(entry) for entry in prior.entries.tolist()}) == 16


def test_discriminators_start_when_they_should(edit: Edit, clips: Path, tmp_path: Path) -> None:
    trainer = Trainer(task(edit("stage1.adversarial_from=2"), 1, clips, tmp_path))
    before = [p.detach().clone() for p in trainer.discriminators.parameters()]
    losses = take(trainer, 2)
    assert all("adversarial" not in step for step in losses)
    assert all(
        torch.equal(p, q) for p, q in zip(before, trainer.discriminators.parameters(), strict=True)
    )
    losses = take(trainer, 1)
    assert {"adversarial", "feature"} <= set(losses[0])
    assert not any(
        torch.equal(p, q) for p, q in zip(before, trainer.discriminators.parameters(), strict=True)
    )


def test_the_learning_rate_warms_up_and_falls_along_a_cosine(
    edit: Edit, clips: Path, tmp_path: Path
) -> None:
    trainer = Trainer(task(edit("stage1.warmup=2", "stage1.steps=6"), 1, clips, tmp_path))
    found = []
    for _ in range(6):
        take(trainer, 1)
        rates = {
            group["lr"]
            for optimizer in (trainer.optimizer, trainer.discriminator_optimizer)
            for group in optimizer.param_groups
        }
        assert len(rates) == 1
        found += [rate / 1e-3 for rate in rates]
        for codebook in trainer.model.quantizer.codebooks:
            assert float(codebook.decay) == pytest.approx(1 - 0.01 * found[-1])
    cosine = [0.1 + 0.9 * (1 + np.cos(np.pi * done / 4)) / 2 for done in range(4)]
    assert found == pytest.approx([0.5, 1.0, *cosine])


def test_the_learning_rate_is_held_until_the_cooldown(
    edit: Edit, clips: Path, tmp_path: Path
) -> None:
    settings = ["warmup=1", "steps=8", "cooldown=0.5", "last_rate=0"]
    trainer = Trainer(task(edit(*[f"stage1.{s}" for s in settings]), 1, clips, tmp_path))
    found = []
    for _ in range(8):
        take(trainer, 1)
        found.append(trainer.optimizer.param_groups[0]["lr"] / 1e-3)
    cosine = [(1 + np.cos(np.pi * done / 4)) / 2 for done in range(4)]
    assert found == pytest.approx([1, 1, 1, 1, *cosine])


def test_a_stage_may_be_made_longer_and_nothing_else_that_it_sees_changes(
    edit: Edit, clips: Path, tmp_path: Path
) -> None:
    begun = Trainer(task(edit(), 1, clips, tmp_path))
    take(begun, 2)
    begun.save()
    longer = Trainer(task(edit("stage1.steps=9", "save_every=2"), 1, clips, tmp_path))
    assert (longer.step, longer.config.steps) == (2, 9)
    for unseen in ("model.contrast=1.3", "model.match_level=true"):
        assert Trainer(task(edit(unseen), 1, clips, tmp_path)).step == 2
    for setting in ("stage1.batch=3", "stage1.weights.mae=0.5", "model.lookahead=2"):
        key, _, value = setting.partition("=")
        with pytest.raises(
            UserError, match=rf"another recipe: {re.escape(key)} was .* is {value}\."
        ):
            Trainer(task(edit(setting), 1, clips, tmp_path))


def test_stage_2_may_go_on_from_a_published_checkpoint(
    edit: Edit, clips: Path, first: Path, second: Path, tmp_path: Path
) -> None:
    recipe = edit("stage2.quantize_from=0")
    trainer = Trainer(task(recipe, 2, clips, second))
    take(trainer, 2)
    published = tmp_path / "published"
    save_checkpoint(trainer.model, published, "# Mine\n")
    before = {name: value.half().float() for name, value in trainer.model.state_dict().items()}

    recipe = edit("stage2.quantize_from=0", "stage2.learning_rate=1e-9", f"initial={published}")
    going_on = Trainer(task(recipe, 2, clips, tmp_path / "more"))  # without a stage 1
    after = going_on.model.state_dict()
    trained_only = {name for name in after if name.endswith((".counts", ".sums"))}
    for name in after.keys() - trained_only:
        assert torch.equal(after[name], before[name]), name
    take(going_on, 1)
    for old, codebook in zip(
        trainer.model.quantizer.codebooks, going_on.model.quantizer.codebooks, strict=True
    ):
        # Fitted anew they would have nothing in common.
        torch.testing.assert_close(codebook.entries, old.entries, rtol=0.05, atol=0.05)
    going_on.save()
    assert Trainer(task(recipe, 2, clips, tmp_path / "more")).step == 1


def test_a_checkpoint_of_another_shape_is_refused(edit: Edit, clips: Path, tmp_path: Path) -> None:
    recipe = edit("stage2.quantize_from=0", "initial=almtokenizer-large")
    with pytest.raises(UserError, match="almtokenizer-large is of a model of another shape"):
        Trainer(task(recipe, 2, clips, tmp_path))


@pytest.mark.parametrize("number", [1, 2])
def test_products_in_bfloat16_come_near_to_those_in_float32(
    edit: Edit, clips: Path, first: Path, tmp_path: Path, number: int
) -> None:
    from accelerate.state import AcceleratorState

    losses = []
    for n, setting in enumerate(("bfloat16=false", "bfloat16=true")):
        place = tmp_path / str(n)
        place.mkdir()
        AcceleratorState._reset_state(reset_partial_state=True)  # one precision per process
        recipe = edit(setting, "stage1.steps=6")
        if number == 2:
            done = Trainer(task(recipe, 1, clips, place))
            take(done, 6)
            done.save()
        losses += take(Trainer(task(recipe, number, clips, place)), 1)
    AcceleratorState._reset_state(reset_partial_state=True)
    exact, rounded = losses
    assert exact != rounded
    for name, loss in exact.items():
        assert float(rounded[name]) == pytest.approx(float(loss), rel=0.1), name


def test_gradients_are_clipped_and_their_norm_is_told(
    edit: Edit, clips: Path, tmp_path: Path
) -> None:
    trainer = Trainer(task(edit("stage1.clip=1e-6"), 1, clips, tmp_path))
    [losses] = take(trainer, 1)
    assert float(losses["gradient"]) > 1e-3
    norms = [p.grad.norm() for p in trainer.model.parameters() if p.grad is not None]
    assert float(torch.stack(norms).norm()) <= 1.001e-6


def test_losses_fall_on_a_single_batch(edit: Edit, clips: Path, tmp_path: Path) -> None:
    settings = [f"stage{n}.{key}" for n in (1, 2) for key in ("steps=30", "learning_rate=3e-3")]
    recipe = edit(*settings, "stage2.quantize_from=0", "stage2.windows=[3]")
    for number, names in ((1, ("magnitude", "mae")), (2, ("magnitude", "ar"))):
        trainer = Trainer(task(recipe, number, clips, tmp_path))
        sound = next(batches(Crops(trainer.task.folders, recipe, trainer.config), 0))
        losses = [trainer.train(sound) for _ in range(30)]
        trainer.save()
        for name in (*names, "spectral"):
            early, late = (
                np.mean([float(step[name]) for step in steps])
                for steps in (losses[:3], losses[-3:])
            )
            assert late < 0.9 * early, (number, name, early, late)


def test_another_recipe_is_refused_in_the_same_folder(
    edit: Edit, clips: Path, second: Path
) -> None:
    with pytest.raises(UserError, match=r"stage1\.pt belongs to another recipe.*To fix: .*-o"):
        Trainer(task(edit("seed=6"), 1, clips, second))


@pytest.mark.parametrize("setting", ["model.width=64", "model.patchify=conv"])
def test_stage_1_of_another_shape_is_refused(
    edit: Edit, clips: Path, second: Path, setting: str
) -> None:
    with pytest.raises(UserError, match=r"stage1\.pt is of a model of another shape.*To fix"):
        Trainer(task(edit(setting), 2, clips, second))


def test_stage_2_is_refused_before_stage_1_is_done(
    tiny: TrainConfig, clips: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"has done 0 of \d+ steps.*--stage 1 first"):
        Trainer(task(tiny, 2, clips, tmp_path))
    begun = Trainer(task(tiny, 1, clips, tmp_path))
    take(begun, 5)
    begun.save()
    with pytest.raises(UserError, match=r"has done 5 of \d+ steps.*repeat what --set"):
        Trainer(task(tiny, 2, clips, tmp_path))


def test_a_prior_of_another_width_is_refused_at_once(edit: Edit, clips: Path, second: Path) -> None:
    with pytest.raises(UserError, match=r"prior_width = 81.*Set it to 80, or to 0"):
        Trainer(task(edit("model.prior_width=81"), 2, clips, second))


def test_an_interrupt_saves_and_going_on_ends_the_same(
    tiny: TrainConfig, clips: Path, tmp_path: Path, first: Path
) -> None:
    trainer = Trainer(task(tiny, 1, clips, tmp_path))

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.run([(2, interrupt)])
    assert read_state(tmp_path / "stage1.pt")["step"] == 2
    finish(tiny, 1, clips, tmp_path)
    assert_equal(first / "stage1.pt", tmp_path / "stage1.pt")


def test_functions_are_called_at_their_steps_and_after_the_last(
    tiny: TrainConfig, clips: Path, tmp_path: Path
) -> None:
    trainer = Trainer(task(tiny, 1, clips, tmp_path))
    called: list[tuple[str, int]] = []
    trainer.run(
        [
            (4, lambda _: called.append(("a", trainer.step))),
            (100, lambda _: called.append(("b", trainer.step))),
        ]
    )
    assert called == [("a", 4), ("a", 6), ("b", 6)]


@pytest.mark.slow
def test_ctrl_c_saves(toml: Path, clips: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="training needs the extra 'train'")
    command = [
        Path(sys.executable).with_name("bench"), "train", "almtokenizer", "--stage", "1",
        "--config", toml, "--data", f"speech={clips}", "-o", tmp_path, "--device", "cpu",
        "--workers", "0", "--set", "stage1.steps=100000", "--set", "save_every=5",
    ]  # fmt: skip
    with subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True) as process:
        state = tmp_path / "stage1.pt"
        for _ in range(600):
            if state.is_file() or process.poll() is not None:
                break
            time.sleep(0.2)
        saved = state.stat().st_mtime_ns
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert state.stat().st_mtime_ns > saved
    assert read_state(state)["step"] >= 5


def test_the_paper_preset_has_its_size() -> None:
    with torch.device("meta"):
        model = ALMTokenizer(load_config("paper").model)
    assert sum(p.numel() for p in model.parameters()) == PAPER_PARAMETERS


SHALLOW = (
    "model.encoder_layers=1",
    "model.decoder_layers=1",
    "stage1.auxiliary_layers=1",
    "stage2.auxiliary_layers=1",
)


@pytest.mark.slow
def test_the_paper_preset_takes_a_step_of_each_stage(clips: Path, tmp_path: Path) -> None:
    settings = [f"stage{n}.{key}" for n in (1, 2) for key in SMALLEST]
    recipe = load_config(
        "paper",
        [
            *settings,
            *SHALLOW,
            "stage2.windows=[6]",
            "stage2.quantize_from=0",
            'prior.kind="mel"',  # the only one that needs no other model
            "model.prior_width=80",
        ],
    )
    recipe = recipe.model_copy(update={"data": recipe.data[:1]})
    for number in (1, 2):
        trainer = Trainer(task(recipe, number, clips, tmp_path))
        before = {
            name: parameter.detach().clone()
            for name, parameter in trainer.stage.named_parameters()
            if parameter.requires_grad
        }
        [losses] = take(trainer, 1)
        trainer.save()
        assert {"adversarial", "feature", "spectral", "time"} < set(losses)
        assert all(torch.isfinite(loss) for loss in losses.values())
        after = dict(trainer.stage.named_parameters())
        assert not [name for name, was in before.items() if torch.equal(was, after[name])]
        assert all(torch.isfinite(parameter).all() for parameter in after.values())
