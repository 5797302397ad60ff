"""What a worker does on a run: its units, one after the other, until none is left."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread

from almbench.codecs.reconstructions import Reconstructions
from almbench.devices import Device, highest_process_peak_mb
from almbench.names import ORIGINAL
from almbench.progress import display, note
from almbench.results.records import ReconstructionRow, unchanged
from almbench.results.run_record import PeakMemory, RunRecord, UsageRecord
from almbench.results.runfolder import RunFolder
from almbench.runner.calls import recorded_call
from almbench.runner.claims import Claims
from almbench.runner.keeping import Keeping
from almbench.runner.ledger import KINDS, Ledger
from almbench.runner.originals import Importer, original_units
from almbench.runner.plan import Plan
from almbench.runner.reconstruct import Piece, Reconstructor
from almbench.runner.scoring import Scorer
from almbench.runner.units import blocks
from almbench.runner.warm import WarmServer
from almbench.runner.watching import begin_stages

POLL_S = 1.0  # between looks whether other workers have done what is left


@dataclass(frozen=True)
class Share:
    """What a worker may do of a run: all of it by default.

    Attributes:
        units: How many units at most.
        codecs: The codecs whose units it takes; `original` for the originals' own scores.
    """

    units: int | None = None
    codecs: frozenset[str] | None = None

    def has(self, *codecs: str) -> bool:
        """Whether a unit of these codecs is among it."""
        return self.codecs is None or not self.codecs.isdisjoint(codecs)


class Work:
    """The work of a plan, in a run folder that other workers may share.

    Args:
        plan: The plan.
        folder: The run folder, which holds its suite.
        device: Where neural codecs run.
        workers: Scoring processes.
        claims: The claims of this worker, which has begun.
        server: Starts the scoring processes; stopped when all is done.
        share: What it may do.

    Attributes:
        keeping: Removes sounds that need not stay; there once the work has begun.
    """

    keeping: Keeping

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        device: Device,
        workers: int,
        claims: Claims,
        server: WarmServer,
        share: Share = Share(),
    ) -> None:
        """Begin with nothing done."""
        self._plan = plan
        self._folder = folder
        self._device = device
        self._workers = workers
        self._worker = claims.worker
        self._server = server
        self._share = share
        self._ledger = Ledger(folder, claims, share.units)

    @property
    def done(self) -> int:
        """How many units it did, originals not counted."""
        return self._ledger.done

    def run(self) -> RunRecord:
        """Do what can be claimed until all is done, by whomever."""
        name = self._device.name
        with recorded_call(self._folder, name, self._workers, self._worker) as usage:
            return self._stages(usage)

    def _stages(self, usage: dict[str, UsageRecord]) -> RunRecord:
        begin_s = time.perf_counter()
        testsets = self._plan.testsets
        with display() as begin:
            stages = begin_stages(begin, testsets)
            bar, cases, scores = (stages[kind] for kind in KINDS)
            scorer = Scorer(
                self._folder,
                testsets,
                self._workers,
                self._ledger,
                scores.advance,
                scores.keep,
                self._on_scored,
            )
            out = {c.record.id for t in testsets for c in t.codecs if c.record.missing}

            def on_row(row: ReconstructionRow, kept: bool) -> None:
                if row.codec not in out:
                    (cases.keep if kept else cases.advance)()

            def on_unit(piece: Piece) -> None:
                for codec in piece.unit.codecs:
                    if codec not in out:
                        keys = ((piece.unit.testset, clip, codec) for clip in piece.unit.clips)
                        scorer.offer(piece.unit.testset, codec, [piece.rows[key] for key in keys])

            reconstructor = Reconstructor(
                self._folder, self._device, self._ledger, on_row, on_unit, scorer.is_settled
            )
            self.keeping = Keeping(self._folder, testsets, self._ledger, scorer, reconstructor)
            if redone := self.keeping.redone():
                note(
                    f"{redone} reconstructions are made again: their sounds are not there any "
                    "more, and are to be scored or kept"
                )
            self._import(lambda kept: (bar.keep if kept else bar.advance)())
            seconds = 0.0
            if not self._ledger.is_spent:
                seconds = self._compute(reconstructor, scorer, scores.begin)
        usage |= reconstructor.usage
        self._server.stop()  # whose processes count among the children then
        return RunRecord(
            device=self._device.name,
            workers=self._workers,
            seconds=round(time.perf_counter() - begin_s, 3),
            scored_pairs=scorer.times.pairs,
            scoring_s=round(seconds, 3),
            scoring_busy_s=round(scorer.times.busy, 3),
            scoring_loading_s=round(scorer.times.loading, 3),
            scoring_in_metrics_s=round(scorer.times.in_metrics, 3),
            codecs=reconstructor.usage,
            peak_memory_mb=_peak_memory(),
        )

    def _on_scored(self, rows: list[ReconstructionRow]) -> None:
        self.keeping.remove_scored(rows)

    def _import(self, advance: Callable[[bool], None]) -> None:
        units = {
            unit: clips
            for testset in self._plan.testsets
            for unit, clips in original_units(testset.name, testset.clips).items()
        }
        importer = Importer(self._folder, self._ledger, advance, self.keeping.is_spared)
        for _ in self._rounds(lambda: bool(units)):
            importer.run(units)

    def _compute(
        self, reconstructor: Reconstructor, scorer: Scorer, begin_scoring: Callable[[], None]
    ) -> float:
        """Reconstruct and score; returns the seconds of scoring."""
        groups = [
            [piece for piece in group if self._share.has(*piece.unit.codecs)]
            for group in reconstructor.pieces(self._plan.testsets)
        ]
        if self._share.has(ORIGINAL):
            self._offer_originals(scorer)
        seconds = 0.0
        apart = self._device.kind == "cpu" and _times_codecs(self._plan)
        begun = False
        for _ in self._rounds(lambda: bool(groups or scorer.left)):
            scorer.offer_left()
            if not apart:
                seconds += _beside(reconstructor, groups, scorer, self._server)
                continue
            # One after the other: scoring beside it would slow the codecs that are being timed.
            self._server.context()
            # Codec by codec where sounds go when they are scored, so that few are there at once.
            parts = [groups] if self.keeping.keeps_all else [[group] for group in groups]
            for part in parts or [[]]:
                reconstructor.run(part)
                scorer.close()
                if not begun:
                    begin_scoring()
                begun = True
                start = time.perf_counter()
                scorer.run(self._server)
                seconds += time.perf_counter() - start
            groups[:] = [group for group in groups if group]
        return seconds

    def _offer_originals(self, scorer: Scorer) -> None:
        for testset in self._plan.testsets:
            for block in blocks(testset.clips):
                rows = [self._ledger.originals[testset.name, clip.id] for clip in block]
                scorer.offer(testset.name, ORIGINAL, [unchanged(row) for row in rows])

    def _rounds(self, is_left: Callable[[], bool]) -> Iterator[None]:
        """Ask for rounds of work while something is left, which other workers may have."""
        yield
        while is_left() and not self._ledger.is_spent:
            time.sleep(POLL_S)
            self._ledger.refresh()
            yield


def _times_codecs(plan: Plan) -> bool:
    """Whether a codec runs, and not only ready files are read."""
    usable = (codec for testset in plan.testsets for codec in testset.usable)
    return any(not isinstance(codec.codec, Reconstructions) for codec in usable)


def _beside(
    reconstructor: Reconstructor, groups: list[list[Piece]], scorer: Scorer, server: WarmServer
) -> float:
    """Reconstruct in a thread, which waits for the device or for files, and score meanwhile.

    Returns:
        The seconds that it took.
    """
    start = time.perf_counter()
    errors: list[BaseException] = []

    def reconstruct() -> None:
        try:
            reconstructor.run(groups)
        except BaseException as error:
            errors.append(error)
        finally:
            scorer.close()

    thread = Thread(target=reconstruct, daemon=True)
    thread.start()
    scorer.run(server)
    thread.join()
    if errors:
        raise errors[0]
    return time.perf_counter() - start


def _peak_memory() -> PeakMemory | None:
    """Peak resident memory of this process, and of the largest of its children; none on Windows."""
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts in bytes, others in KiB
    return PeakMemory(
        main=highest_process_peak_mb()
        or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit,
        largest_worker=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // unit,
    )
