"""What the stage of reconstruction passes along: tasks, jobs and their outcomes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Sound
from almbench.results.records import OriginalRow, ReconstructionRow, Status
from almbench.runner.planned_codecs import PlannedCodec


@dataclass(frozen=True)
class Task:
    """A clip that has to go through a codec; precomputed files are found by its `name`."""

    testset: str
    clip: str
    planned: PlannedCodec
    original: OriginalRow
    signature: str
    name: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The key of its row."""
        return self.testset, self.clip, self.planned.record.id

    def row(self, status: Status, **facts: Any) -> ReconstructionRow:
        """Make the row that says what came of it."""
        return ReconstructionRow(
            testset=self.testset,
            clip=self.clip,
            codec=self.planned.record.id,
            signature=self.signature,
            status=status,
            **facts,
        )


@dataclass(frozen=True)
class EncodeJob:
    """A clip, and the tasks that one encoding of it serves."""

    tasks: list[Task]

    @property
    def original(self) -> OriginalRow:
        """The clip."""
        return self.tasks[0].original

    @property
    def codecs(self) -> tuple[str, ...]:
        """The ids of the codecs that it is for."""
        return tuple(task.planned.record.id for task in self.tasks)


@dataclass
class Outcome:
    """The outcome of a task: the sound, or the error."""

    task: Task
    sound: Sound | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    codes: NDArray[np.int64] | None = None
    note: str = ""
    error: Exception | None = None


def encode_jobs(tasks: list[Task]) -> list[EncodeJob]:
    """Bring the tasks of each clip together."""
    jobs: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        jobs.setdefault((task.testset, task.clip), []).append(task)
    return [EncodeJob(tasks_of_clip) for tasks_of_clip in jobs.values()]
