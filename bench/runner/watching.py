"""The progress of a run that other processes do, by what they write."""

from collections.abc import Callable
from pathlib import Path

from almbench.names import ORIGINAL
from almbench.progress import Stage
from almbench.results.records import OriginalRow, ReconstructionRow, Row, ScoreRow
from almbench.results.row_files import part_files
from almbench.runner.plan import PlannedTestSet
from almbench.runner.scoring import Scorer

Begin = Callable[[str, int, str], Stage]


def begin_stages(begin: Begin, testsets: list[PlannedTestSet]) -> dict[type[Row], Stage]:
    """Show the stages of a run, by the kind of the rows that they make.

    Args:
        begin: Begins a stage, as `progress.display` has it.
        testsets: The test sets.
    """
    titles = {OriginalRow: "Originals", ReconstructionRow: "Reconstructing", ScoreRow: "Scoring"}
    return {
        kind: begin(titles[kind], steps, "scores" if kind is ScoreRow else "clips")
        for kind, steps in _steps(testsets).items()
    }


def _steps(testsets: list[PlannedTestSet]) -> dict[type[Row], int]:
    """How many clips and scores the stages have."""
    sizes = [(testset, len(testset.clips)) for testset in testsets]
    return {
        OriginalRow: sum(n for _, n in sizes),
        ReconstructionRow: sum(n * len(t.usable) for t, n in sizes),
        ScoreRow: sum(
            n * (len(t.usable) * Scorer.scores_of(t) + Scorer.scores_of(t, ORIGINAL))
            for t, n in sizes
        ),
    }


class Watch:
    """Shows how far other processes are with a run.

    Args:
        root: The run folder.
        begin: Begins a stage.
        testsets: The test sets.
    """

    def __init__(self, root: Path, begin: Begin, testsets: list[PlannedTestSet]) -> None:
        """Take note of what is there."""
        self._root = root
        self._stages = begin_stages(begin, testsets)
        self._left = _steps(testsets)
        self._seen = {path for kind in self._left for _, path in part_files(root, kind)}

    def look(self) -> None:
        """Show what was written since the last look."""
        for kind, stage in self._stages.items():
            for _, path in part_files(self._root, kind):
                if path not in self._seen:
                    self._seen.add(path)
                    with path.open("rb") as file:
                        self._show(kind, sum(1 for _ in file), stage.advance)

    def end(self) -> None:
        """Show that all is done: what nobody wrote was there."""
        self.look()
        for kind, stage in self._stages.items():
            self._show(kind, self._left[kind], stage.keep)

    def _show(self, kind: type[Row], steps: int, show: Callable[[int], None]) -> None:
        steps = min(steps, self._left[kind])
        self._left[kind] -= steps
        show(steps)
