"""Training in two stages, on a CPU, a GPU or several, that resumes exactly where it stopped."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.almtokenizer.rvq import DECAY
from almbench.progress import stage as progress
from almbench.training.auxiliary import Discriminators
from almbench.training.codebook_init import fit_quantizer, gather, with_features
from almbench.training.data import Crops, Folder, batches
from almbench.training.device_sound import DeviceSound, Draws
from almbench.training.graphs import RecordedStage
from almbench.training.losses import adversarial_loss, discriminator_loss, feature_loss
from almbench.training.prior import make_priors
from almbench.training.recipe import StageConfig, TrainConfig
from almbench.training.stages import Losses, Stage1, Stage2, make_stage
from almbench.training.state import (
    check_recipe,
    read_state,
    take_checkpoint,
    take_stage_1,
    write_state,
)


@dataclass(frozen=True)
class Task:
    """What to train, and where.

    Attributes:
        recipe: The recipe.
        number: The stage, 1 or 2.
        folders: The data.
        output: Folder for states, logs and checkpoints.
        device: auto, cpu or cuda.
        workers: Processes that read sound.
    """

    recipe: TrainConfig
    number: int
    folders: list[Folder]
    output: Path
    device: str = "auto"
    workers: int = 1

    @property
    def config(self) -> StageConfig:
        """The stage's part of the recipe."""
        return self.recipe.stage1 if self.number == 1 else self.recipe.stage2

    def state(self, number: int) -> Path:
        """Where the state of a stage lies."""
        return self.output / f"stage{number}.pt"


class Trainer:
    """One stage of training, from its last saved state on."""

    def __init__(self, task: Task) -> None:
        """Make the networks, or load them.

        Raises:
            UserError: Stage 2 is asked for before stage 1 is done, or the folder holds the state
                of another recipe.
        """
        from accelerate import Accelerator
        from accelerate.utils import DistributedDataParallelKwargs

        self.task, self.config = task, task.config
        cuda = task.device != "cpu" and torch.cuda.is_available()
        bfloat16 = torch.cuda.is_bf16_supported() if cuda else task.recipe.bfloat16
        self.accelerator = Accelerator(
            cpu=not cuda,
            mixed_precision="bf16" if bfloat16 else "no",
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        torch.manual_seed(task.recipe.seed)
        self.model = ALMTokenizer(task.recipe.model)
        self.stage: nn.Module = make_stage(task.number, self.model, task.recipe)
        self.discriminators: nn.Module = Discriminators(
            task.recipe.discriminator, task.recipe.model.sample_rate
        )
        self.average = AveragedModel(
            self.model,
            multi_avg_fn=get_ema_multi_avg_fn(self.config.average),  # type: ignore[no-untyped-call]
        )
        self.step = 0
        self._resume()
        self.average.to(self.accelerator.device)
        self.average.n_averaged = self.average.n_averaged.cpu()  # asked at each step
        trained = [p for p in self.stage.parameters() if p.requires_grad]
        self.optimizer = self._optimizer(trained)
        self.discriminator_optimizer = self._optimizer(self.discriminators.parameters())
        self._restore_optimizers()
        # Made now, so that what is missing is said before hours of training.
        waits = self._fits_codebooks and self.step <= self.config.quantize_from
        asked = waits or (task.number == 1 and not self.step)
        priors = make_priors(task.recipe.prior, task.recipe.model) if asked else []
        self._priors = priors if waits else []
        self.stage, self.optimizer = self.accelerator.prepare(self.stage, self.optimizer)
        self.discriminators, self.discriminator_optimizer = self.accelerator.prepare(
            self.discriminators, self.discriminator_optimizer
        )
        self._recorded = self._recording()

    def run(
        self, every: Sequence[tuple[int, Callable[[Losses], None]]], seconds: float = inf
    ) -> None:
        """Train to the last step; a state is saved where Ctrl-C stops it.

        Args:
            every: Functions of a step's losses, each with the number of steps between its calls;
                all are called after the last step.
            seconds: Stop when so many have passed, after a whole step.
        """
        begun = monotonic()
        accelerator = self.accelerator
        rank, processes = accelerator.process_index, accelerator.num_processes
        crops = Crops(self.task.folders, self.task.recipe, self.config, processes)
        source = self._source(crops, rank, processes)
        left = self.config.steps - self.step
        with progress(f"Stage {self.task.number}", left, "steps") as bar:
            try:
                for sound in source:
                    losses = self.train(sound)
                    bar.advance()
                    for steps, call in every:
                        if self.step % steps == 0 or self.step == self.config.steps:
                            call(losses)
                    if self._over(monotonic() - begun > seconds):
                        break
            except KeyboardInterrupt:
                self.save()
                raise

    def _source(self, crops: Crops, rank: int, processes: int) -> Iterator[Tensor]:
        """Batches `[B, S]` on the device, from the next step on."""
        device, workers = self.accelerator.device, self.task.workers
        if device.type != "cuda":
            return batches(crops, self.step, rank, processes, workers)
        held = DeviceSound(self.task.folders, device)
        draws = Draws(crops, held.starts)
        rows = batches(draws, self.step, rank, processes, workers, pinned=True)
        return held.batches(rows, (self.task.recipe.seed + 5) * 1_000_003 + rank, self.step)

    def _over(self, over: bool) -> bool:
        """Whether time is over for any of the processes, so that all stop at the same step."""
        if self.accelerator.num_processes == 1:
            return over
        told = torch.tensor([float(over)], device=self.accelerator.device)
        return bool(self.accelerator.reduce(told, "sum").item())

    def train(self, sound: Tensor) -> Losses:
        """Take a step with a batch `[B, S]`; returns the losses."""
        step, recipe = self.step, self.task.recipe
        # Everything random follows from the step, so that a resumed run draws the same.
        torch.manual_seed(recipe.seed + 1_000_003 * (step + 1) + self.accelerator.process_index)
        if self._fits_codebooks and step == self.config.quantize_from:
            self._start_quantizer()
        self._set_rate()
        self.stage.train()
        draw = np.random.default_rng((recipe.seed, 3, self.task.number, step))
        total, losses = self._losses(sound, self._argument(draw))
        self.optimizer.zero_grad()
        self.accelerator.backward(total)
        trained = [p for p in self.stage.parameters() if p.requires_grad]
        losses["gradient"] = self.accelerator.clip_grad_norm_(trained, self.config.clip)
        self.optimizer.step()
        self.average.update_parameters(self.model)
        self.step += 1
        return {name: loss.detach() for name, loss in losses.items()}

    def _losses(self, sound: Tensor, argument: float | int) -> tuple[Tensor, Losses]:
        """The weighted sum of the losses of a batch, and the losses."""
        if self._recorded:
            return self._recorded(sound, argument, self.step)
        with self.accelerator.autocast():
            decoded, losses = self.stage(sound, argument, self.step)
        if decoded is not None and self._adversarial:
            losses |= self._adversarial_step(sound[:, : decoded.shape[1]], decoded.float())
        return self._bare_stage.total(losses), losses

    @property
    def averaged(self) -> ALMTokenizer:
        """The model with the moving average of its weights."""
        module = self.average.module
        assert isinstance(module, ALMTokenizer)  # noqa: S101
        return module

    @property
    def quantized(self) -> bool:
        """Whether the last step was taken with codebooks."""
        return self.task.number == 2 and self.step > self.config.quantize_from

    @property
    def _fits_codebooks(self) -> bool:
        return self.task.number == 2 and not self.task.recipe.initial

    @property
    def _has_adversary(self) -> bool:
        return bool(self.config.weights.adversarial or self.config.weights.feature)

    @property
    def _adversarial(self) -> bool:
        return self._has_adversary and self.step >= self.config.adversarial_from

    def _recording(self) -> RecordedStage | None:
        """The stage as CUDA graphs, where one GPU takes steps that are all alike."""
        accelerator, config = self.accelerator, self.config
        alike = config.min_seconds == config.max_seconds and not self._has_adversary
        alone = accelerator.device.type == "cuda" and accelerator.num_processes == 1
        if not (alike and alone and self.task.number == 2):
            return None
        bfloat16 = accelerator.mixed_precision == "bf16"

        def autocast() -> torch.autocast:
            return torch.autocast("cuda", torch.bfloat16, enabled=bfloat16, cache_enabled=False)

        return RecordedStage(self._bare_stage, autocast)

    @property
    def _bare_stage(self) -> Stage1 | Stage2:
        stage: Stage1 | Stage2 = self.accelerator.unwrap_model(self.stage)
        return stage

    def _adversarial_step(self, sound: Tensor, decoded: Tensor) -> Losses:
        """Train the discriminators on a batch; returns the losses that they give the model."""
        real, _ = self.discriminators(sound)
        fake, _ = self.discriminators(decoded.detach())
        lost = discriminator_loss(real, fake)
        self.discriminator_optimizer.zero_grad()
        self.accelerator.backward(lost)
        self.discriminator_optimizer.step()
        with torch.no_grad():
            _, real_features = self.discriminators(sound)
        logits, features = self.discriminators(decoded)
        return {
            "adversarial": adversarial_loss(logits),
            "feature": feature_loss(real_features, features),
        }

    def _argument(self, draw: np.random.Generator) -> float | int:
        if self.task.number == 1:
            return float(draw.uniform(*self.config.masked))
        return int(draw.choice(self.config.windows))

    @torch.no_grad()
    def _start_quantizer(self) -> None:
        priors: list[tuple[Callable[[Folder], bool], nn.Module | None]]
        priors = [*self._priors] or [(lambda _: True, None)]
        folders = self.task.folders
        groups = [
            gather(
                with_features(self.model, self.task.recipe, [f for f in folders if takes(f)], prior)
            )
            for takes, prior in priors
            if any(takes(folder) for folder in folders)
        ]
        fit_quantizer(self.model.quantizer, groups)
        self._priors = []
        # The average begins anew: what the quantizer was before would only spoil it.
        self.average.n_averaged.zero_()

    def _set_rate(self) -> None:
        share = self.config.rate_share(self.step)
        for optimizer in (self.optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * share
        # The slower the vectors move, the longer the entries may average over them.
        for codebook in self.model.quantizer.codebooks:
            codebook.decay.fill_(1 - (1 - DECAY) * share)

    def _optimizer(self, parameters: Iterable[nn.Parameter]) -> Any:
        cuda = self.accelerator.device.type == "cuda"
        rate = self.config.learning_rate
        return torch.optim.AdamW(parameters, lr=rate, betas=(0.8, 0.99), fused=cuda)

    def save(self) -> None:
        """Save the state."""
        if not self.accelerator.is_main_process:
            return
        bare = self.accelerator.unwrap_model
        state = {
            "recipe": self.task.recipe.model_dump_json(),
            "step": self.step,
            "stage": self._bare_stage.state_dict(),
            "average": self.average.module.state_dict(),
            "discriminators": bare(self.discriminators).state_dict(),
            "optimizers": [self.optimizer.state_dict(), self.discriminator_optimizer.state_dict()],
        }
        write_state(self.task.state(self.task.number), state)

    def _resume(self) -> None:
        self._optimizer_states = None
        path = self.task.state(self.task.number)
        if path.is_file():
            state = read_state(path)
            check_recipe(path, state, self.task.recipe.model_dump_json())
            self.stage.load_state_dict(state["stage"])
            self.average.module.load_state_dict(state["average"])
            self.discriminators.load_state_dict(state["discriminators"])
            self.step = state["step"]
            # Else the average would begin anew with the weights of the next step.
            self.average.n_averaged.fill_(self.step)
            self._optimizer_states = state["optimizers"]
            return
        if self.task.recipe.initial:
            take_checkpoint(self.model, self.task.recipe.initial)
        elif self.task.number == 2:
            take_stage_1(self.model, self.task.state(1), self.task.recipe.stage1.steps)
        self.average.module.load_state_dict(self.model.state_dict())

    def _restore_optimizers(self) -> None:
        if self._optimizer_states:
            optimizers = self.optimizer, self.discriminator_optimizer
            for optimizer, state in zip(optimizers, self._optimizer_states, strict=True):
                optimizer.load_state_dict(state)
