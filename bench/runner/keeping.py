"""Which sounds stay in a run folder, and the removal of the others once nothing needs them.

A run may keep the sounds of all clips, of a sample, or of none. Codes and rows always stay, so that
the tables are the same. A sound that is not kept goes when all its scores are there; where one
failed and may go better another time, it stays. Originals that are not kept go at the end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from almbench.names import ORIGINAL
from almbench.results.records import OriginalRow, ReconstructionRow, unchanged
from almbench.results.runfolder import RunFolder
from almbench.runner.ledger import Ledger
from almbench.runner.plan import PlannedTestSet
from almbench.runner.reconstruct import Reconstructor
from almbench.runner.scoring import Scorer
from almbench.suite.testsets import Clip


@dataclass
class Kept:
    """What is there, at a run's end, of sounds of clips that need not keep them.

    Attributes:
        gone: Sounds that are not there any more.
        held: Sounds that are there, because scores of them failed or another codec needs them.
    """

    gone: int = 0
    held: int = 0


class Keeping:
    """Removes sounds of a run that need not stay.

    Args:
        folder: The run folder.
        testsets: The test sets, which say what stays.
        ledger: What is done.
        scorer: Knows which scores hold.
        reconstructor: Knows which reconstructions hold.
    """

    def __init__(
        self,
        folder: RunFolder,
        testsets: list[PlannedTestSet],
        ledger: Ledger,
        scorer: Scorer,
        reconstructor: Reconstructor,
    ) -> None:
        """Remove nothing yet."""
        self._folder = folder
        self._testsets = {testset.name: testset for testset in testsets}
        self._ledger = ledger
        self._scorer = scorer
        self._reconstructor = reconstructor

    @property
    def keeps_all(self) -> bool:
        """Whether every sound stays."""
        return all(testset.kept is None for testset in self._testsets.values())

    def remove_scored(self, rows: Iterable[ReconstructionRow]) -> None:
        """Remove the sounds of reconstructions that are scored, but for those that stay."""
        for row in rows:
            if row.codec != ORIGINAL and self._scorer.is_settled(row):
                self._folder.audio(row.testset, row.codec, row.clip).unlink(missing_ok=True)

    def is_spared(self, row: OriginalRow, clip: Clip) -> bool:
        """Whether an original need not be there: it is not kept, and all is done with it."""
        if not self._scorer.is_settled(unchanged(row)):
            return False
        testset = self._testsets[row.testset]
        done = [self._reconstructor.kept(testset.name, codec, clip) for codec in testset.usable]
        return all(one and (one.status != "ok" or self._scorer.is_settled(one)) for one in done)

    def redone(self) -> int:
        """Count the reconstructions that are made again, as their sounds are needed and gone."""
        return sum(
            row is not None
            and row.status == "ok"
            and not self._scorer.is_settled(row)
            and not self._folder.audio(testset.name, row.codec, row.clip).is_file()
            for testset in self._testsets.values()
            for row in self._rows(testset)
        )

    def _rows(self, testset: PlannedTestSet) -> Iterator[ReconstructionRow | None]:
        rows = self._ledger.reconstructions
        for clip in testset.clips:
            for codec in testset.usable:
                yield rows.get((testset.name, clip.id, codec.record.id))

    def tidy(self) -> Kept:
        """Remove all that need not stay, while nobody else works on the run; say what is there."""
        kept = Kept()
        self._ledger.refresh()
        for testset in self._testsets.values():
            if testset.kept is None:
                continue
            self.remove_scored(filter(None, self._rows(testset)))
            for clip in testset.clips:
                row = self._ledger.originals.get((testset.name, clip.id))
                if row and row.status == "ok" and self.is_spared(row, clip):
                    self._folder.original(testset.name, clip.id).unlink(missing_ok=True)
                if clip.id not in testset.kept:
                    self._count(testset, clip, kept)
        return kept

    def _count(self, testset: PlannedTestSet, clip: Clip, kept: Kept) -> None:
        for codec in [ORIGINAL, *(planned.record.id for planned in testset.usable)]:
            is_there = self._folder.audio(testset.name, codec, clip.id).is_file()
            kept.held += is_there
            kept.gone += not is_there
