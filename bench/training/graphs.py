"""Steps of training recorded as CUDA graphs, so that a GPU does not wait for Python."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from almbench.training.stages import Losses, Stage


class RecordedStage:
    """A stage that runs each kind of batch from a recording of its first one.

    Forward and backward are thousands of small kernels, and starting them takes Python longer than
    the GPU takes to run them.

    Args:
        stage: The stage.
        autocast: Makes the context of mixed precision.
    """

    def __init__(self, stage: Stage, autocast: Callable[[], torch.autocast]) -> None:
        self.stage, self.autocast = stage, autocast
        self._recordings: dict[tuple[object, ...], _Summed] = {}
        self._quantizes = False

    def __call__(self, sound: Tensor, argument: float | int, step: int) -> tuple[Tensor, Losses]:
        """Run a batch `[B, S]`; returns the weighted sum of its losses, and the losses."""
        quantizes = step >= self.stage.config.quantize_from
        if quantizes != self._quantizes:
            self._recordings, self._quantizes = {}, quantizes  # they will not be run again
        key = (tuple(sound.shape), argument)
        if key not in self._recordings:
            record: Any = torch.cuda.make_graphed_callables
            # It returns the module, whose `forward` then runs the recording.
            self._recordings[key] = record(
                _Summed(self, argument, step), (sound.clone(),), allow_unused_input=True
            )
        recording = self._recordings[key]
        total, values = recording(sound)
        return total, dict(zip(recording.names, values.unbind(), strict=True))


class _Summed(nn.Module):
    """The weighted sum of a stage's losses, and the losses `[N]`."""

    def __init__(self, recorded: RecordedStage, argument: float | int, step: int) -> None:
        super().__init__()
        self.stage, self.autocast = recorded.stage, recorded.autocast
        self.argument, self.step = argument, step
        self.names: list[str] = []

    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        with self.autocast():
            _, losses = self.stage(sound, self.argument, self.step)
        self.names = list(losses)
        return self.stage.total(losses), torch.stack(
            [loss.detach().float() for loss in losses.values()]
        )
