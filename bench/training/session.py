"""A training session as a user sees it: progress, logs, saved states, validation, a checkpoint."""

from collections.abc import Mapping, Sequence
from itertools import islice
from math import ceil, inf
from pathlib import Path
from statistics import mode

from almbench.codecs.almtokenizer.checkpoint import is_saved, save_checkpoint
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
    train(task, validation, seconds)


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
    begun, recipe, folder = trainer.step, task.recipe, task.output / "checkpoint"
    session = _Session(task, trainer, validation)
    if task.number == 2 and task.config.steps <= task.config.quantize_from:
        session.say(
            f"Codebooks are trained from step {task.config.quantize_from + 1} on, of "
            f"{task.config.steps} (stage2.quantize_from, stage2.steps): this makes no tokenizer."
        )
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
    done = trainer.step > begun
    stands = not done and is_saved(recipe.model, folder, trainer.quantized)
    if session.main and not stands:
        if trainer.quantized:
            _correct_level(task, session.averaged)
        card = training_card(task, trainer.step, quantized=trainer.quantized)
        save_checkpoint(session.averaged, folder, card, trainer.quantized)
        draw_curves(session.logs, folder / CURVES)
    if not done:
        session.say(
            f"Stage {task.number} was done already, to step {trainer.step}; its checkpoint "
            f"{'stays as it is' if stands else 'is written anew'}."
        )
    session.say(_told(task, trainer, folder))
    return folder


def _told(task: Task, trainer: Trainer, folder: Path) -> str:
    """How far it is, and what to do next."""
    left, told = task.config.steps - trainer.step, ""
    if left > 0:
        told = f"Stopped at step {trainer.step} of {task.config.steps}; the same command goes on. "
    if task.number == 1:
        return f"{told}The autoencoder is in {folder}{'' if left > 0 else '; go on with --stage 2'}"
    if not trainer.quantized:
        return f"{told}What is in {folder} is no tokenizer yet: its codebooks are not trained."
    return f"{told}The checkpoint is in {folder}; use it with --checkpoint almtokenizer={folder}"


def _correct_level(task: Task, model: ALMTokenizer) -> None:
    crops = Crops(task.folders, task.recipe, task.config)
    device = next(model.parameters()).device
    wanted = ceil(LEVEL_CROPS / task.config.batch)
    sounds = (sound.to(device) for sound in islice(batches(crops, 0), wanted))
    gap_db = correct_level(model, sounds, mode(task.config.windows))
    too = "loud" if gap_db > 0 else "quiet"
    console.print(f"The model was {abs(gap_db):.1f} dB too {too}; that is put right.")


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

    def say(self, text: str) -> None:
        """Print a line, once for all processes."""
        if self.main:
            console.print(text)

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
