"""What of a run is done, by whomever, and what this worker has claimed."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import RLock
from typing import cast

from almbench.results.records import OriginalRow, ReconstructionRow, Row, ScoreRow
from almbench.results.row_files import R, iter_rows, part_files, read_part, write_part
from almbench.results.runfolder import RunFolder
from almbench.runner.claims import Claims
from almbench.runner.units import Unit

KINDS: tuple[type[Row], ...] = (OriginalRow, ReconstructionRow, ScoreRow)


class Ledger:
    """The rows of a run folder, kept up to date, and the units that are taken from it.

    Several threads may use it.

    Args:
        folder: The run folder.
        claims: The claims of this worker; none where it is alone with the folder.
        limit: How many units it takes at most, originals not counted; any number by default.

    Attributes:
        done: How many it took that needed work, originals not counted.
    """

    def __init__(
        self, folder: RunFolder, claims: Claims | None = None, limit: int | None = None
    ) -> None:
        """Read what is done."""
        self._folder = folder
        self._claims = claims
        self._limit = limit
        self.done = 0
        self._lock = RLock()
        self._read: set[str] = set()
        self._number = 0
        self._rows: dict[type[Row], dict[tuple[str, ...], Row]] = {kind: {} for kind in KINDS}
        self._fresh: set[tuple[str, ...]] = set()
        self.refresh()
        self._fresh.clear()

    @property
    def originals(self) -> dict[tuple[str, ...], OriginalRow]:
        """The latest row of each original."""
        return self._of(OriginalRow)

    @property
    def reconstructions(self) -> dict[tuple[str, ...], ReconstructionRow]:
        """The latest row of each reconstruction."""
        return self._of(ReconstructionRow)

    @property
    def scores(self) -> dict[tuple[str, ...], ScoreRow]:
        """The latest row of each score."""
        return self._of(ScoreRow)

    def _of(self, kind: type[R]) -> dict[tuple[str, ...], R]:
        return cast("dict[tuple[str, ...], R]", self._rows[kind])

    def is_fresh(self, row: Row) -> bool:
        """Whether a row was written while this worker was there: it need not be tried again."""
        return row.key in self._fresh

    @property
    def is_spent(self) -> bool:
        """Whether this worker has taken all the units that it may."""
        return self._limit is not None and self._limit <= 0

    def refresh(self) -> None:
        """Read what other workers wrote since."""
        with self._lock:
            for kind in KINDS:
                for number, path in part_files(self._folder.root, kind):
                    self._number = max(self._number, number)
                    if path.name not in self._read:
                        self._read.add(path.name)
                        self._learn(kind, self._rows_of(path, kind))

    def _rows_of(self, path: Path, kind: type[Row]) -> Iterator[Row]:
        try:
            yield from read_part(path, kind)
        except FileNotFoundError:  # joined with others, where this worker has claimed nothing
            yield from iter_rows(self._folder.root, kind)

    def _learn(self, kind: type[Row], rows: Iterable[Row]) -> None:
        of_kind = self._rows[kind]
        for row in rows:
            of_kind[row.key] = row
            self._fresh.add(row.key)

    def take(self, unit: Unit) -> bool:
        """Claim a unit, and learn what others made of it; False where it cannot be had."""
        with self._lock:
            if self.is_spent or (self._claims and not self._claims.take(unit.id)):
                return False
            self._count(unit, -1)
            if self._claims:
                self.refresh()
            return True

    def drop(self, unit: Unit) -> None:
        """Give a unit up that needs no work."""
        with self._lock:
            self._count(unit, 1)
            if self._claims:
                self._claims.release(unit.id)

    def finish(self, unit: Unit, rows: Iterable[Row]) -> None:
        """Keep the rows of a unit, all that there are of it, and give it up."""
        with self._lock:
            if written := list(rows):
                path = write_part(self._folder.root, written, self._number + 1, unit.id)
                self._number += 1
                self._read.add(path.name)
                self._learn(unit.row, written)
            if self._claims:
                self._claims.release(unit.id)

    def _count(self, unit: Unit, step: int) -> None:
        if unit.row is OriginalRow:
            return
        self.done -= step
        if self._limit is not None:
            self._limit += step
