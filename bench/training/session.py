"""A training session as a user sees it: progress, logs, saved states, validation, a checkpoint."""

from collections.abc import Mapping, Sequence
from itertools import islice
from math import ceil, inf
from pathlib import Path
from statistics import mode

from almbench.codecs.almtokenizer.checkpoint import save_checkpoint
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.devices import choose
from almbench.progress import console
from almbench.training.curves import CURVES, draw_curves
from almbench.training.data import Crops, batches, open_folders
from almbench.training.level import correct_level
from almbench.training.model_card import training_card
from almbench.training.recipe import load_config
from almbench.training.stages import Losses
from almbench.training.trainer import Task, Trainer
from almbench.training.validation import Validation

LOG_EVERY = 50
LEVEL_CROPS = 64  # crops that the level is corrected by


def start(
    config: str,
    settings: Sequence[str],
    number: int,
    data: Mapping[str, Path],
    output: Path | None,
    validation: Path | None,
    device: str,
    workers: int,
    seconds: float = inf,
) -> None:
    """Train a stage as the command line asks.

    Raises:
        UserError: As of `load_config`, `open_folders` and `train`.
    """
    recipe = load_config(config, settings).with_data(data)
    folders = open_folders(recipe.data, data)
    place = output or Path("runs") / f"almtokenizer-{Path(config).stem}"
    task = Task(recipe, number, folders, place, choose(device, used=True).kind, workers)
    folder = train(task, validation, seconds)
    if number == 1:
        console.print(f"The autoencoder is in {folder}; go on with --stage 2")
    else:
        use = f"use it with --checkpoint almtokenizer={folder}"
        console.print(f"The checkpoint is in {folder}; {use}")


def train(task: Task, validation: Path | None, seconds: float = inf) -> Path:
    """Train a stage to its end, or for some time, from where it stopped.

    Args:
        task: What to train and where.
        validation: Folder of held-out clips, or None.
        seconds: Stop when so many have passed.

    Returns:
        The folder of the checkpoint that `--checkpoint almtokenizer=FOLDER` takes.

    Raises:
        UserError: The output folder is another recipe's, stage 1 is missing, or the like.
    """
    trainer = Trainer(task)
    session = _Session(task, trainer, validation)
    recipe = task.recipe
    trainer.run(
        [
            (LOG_EVERY, session.log),
            (recipe.save_every, lambda _: trainer.save()),
            (recipe.validate_every, session.validate),
        ],
        seconds,
    )
    trainer.save()
    session.writer.close()
    folder = task.output / "checkpoint"
    if trainer.accelerator.is_main_process:
        if trainer.quantized:
            _correct_level(task, session.averaged)
        card = training_card(task, trainer.step)
        save_checkpoint(session.averaged, folder, card, trainer.quantized)
        draw_curves(session.logs, folder / CURVES)
    return folder


def _correct_level(task: Task, model: ALMTokenizer) -> None:
    crops = Crops(task.folders, task.recipe, task.config)
    device = next(model.parameters()).device
    wanted = ceil(LEVEL_CROPS / task.config.batch)
    sounds = (sound.to(device) for sound in islice(batches(crops, 0), wanted))
    gap_db = correct_level(model, sounds, mode(task.config.windows))
    console.print(f"The model was {gap_db:+.1f} dB too loud; that is put right.")


class _Session:
    def __init__(self, task: Task, trainer: Trainer, validation: Path | None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.task, self.trainer = task, trainer
        self.main = trainer.accelerator.is_main_process
        self.logs = task.output / "logs" / f"stage{task.number}"
        self.writer = SummaryWriter(str(self.logs))
        samples = task.output / "samples" / f"stage{task.number}"
        rate = task.recipe.model.sample_rate
        self.validation = Validation(validation, samples, rate) if validation else None

    @property
    def averaged(self) -> ALMTokenizer:
        """The model with averaged weights, ready for use."""
        return self.trainer.averaged.eval()

    def log(self, losses: Losses) -> None:
        """Log the losses of a step."""
        if not self.main:
            return
        step, values = self.trainer.step, {name: float(v) for name, v in losses.items()}
        for name, value in values.items():
            self.writer.add_scalar(f"loss/{name}", value, step)
        words = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        console.print(f"[dim]step {step}: {words}[/dim]")

    def validate(self, losses: Losses) -> None:
        """Score the held-out clips, and keep what they sound like."""
        del losses
        if not (self.main and self.validation):
            return
        step, stage = self.trainer.step, self.task.config
        for w in sorted(set(stage.windows)) if self.trainer.quantized else [None]:
            name = f"w{w}" if w else "unquantized"
            means = self.validation(self.averaged, w, name)
            for metric, value in means.items():
                self.writer.add_scalar(f"{metric}/{name}", value, step)
            words = ", ".join(f"{metric} {value:.3f}" for metric, value in means.items())
            console.print(f"step {step}, {name}: {words}")
