"""Stage two: send every clip through every codec and keep what comes out.

Codecs run one after the other, each loaded once; those that share an encoding run together. Threads
read ahead and write behind while the codec works.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import Any

from almbench import policies
from almbench.audio import read, sha256
from almbench.codecs.base import from_codes
from almbench.codecs.codes_file import read_codes
from almbench.codecs.reconstructions import Reconstructions
from almbench.devices import Device
from almbench.errors import AudioError, CodecError
from almbench.results.records import ReconstructionRow, signature
from almbench.results.run_record import UsageRecord
from almbench.results.runfolder import RunFolder
from almbench.runner.codec_run import CodecRun, depth
from almbench.runner.ledger import Ledger
from almbench.runner.plan import PlannedTestSet
from almbench.runner.planned_codecs import PlannedCodec
from almbench.runner.ready import ready_notes
from almbench.runner.storing import store
from almbench.runner.tasks import Outcome, Task
from almbench.runner.units import Unit, blocks
from almbench.suite.testsets import Clip

BEHIND = 4  # batches written behind
ROUND = 16  # batches that are claimed at once


@dataclass
class Piece:
    """A unit of reconstruction: its tasks, and the rows that there are of it so far."""

    unit: Unit
    testset: PlannedTestSet
    tasks: list[Task]
    rows: dict[tuple[str, ...], ReconstructionRow] = field(default_factory=dict)
    new: list[ReconstructionRow] = field(default_factory=list)


class Reconstructor:
    """Runs the codecs of a plan.

    Args:
        folder: The run folder.
        device: Where neural codecs run.
        ledger: What is done, and the claims.
        on_row: Called with each row, and with whether it was there already.
        on_unit: Called with each unit that is done, by whomever, and the rows of it.
        is_settled: Whether the sound of a row is needed no more.
    """

    def __init__(
        self,
        folder: RunFolder,
        device: Device,
        ledger: Ledger,
        on_row: Callable[[ReconstructionRow, bool], None] = lambda *_: None,
        on_unit: Callable[[Piece], None] = lambda _: None,
        is_settled: Callable[[ReconstructionRow], bool] = lambda _: False,
    ) -> None:
        """Begin with nothing to do."""
        self._folder = folder
        self._device = device
        self._ledger = ledger
        self._on_row = on_row
        self._on_unit = on_unit
        self._is_settled = is_settled
        self.usage: dict[str, UsageRecord] = {}
        self._facts_of: dict[int, dict[str, Any]] = {}
        self._piece_of: dict[tuple[str, ...], Piece] = {}  # of what is claimed
        # Ready files of a clip follow each other: their original is read once.
        self._read = lru_cache(maxsize=1)(read)

    def pieces(self, testsets: Iterable[PlannedTestSet]) -> list[list[Piece]]:
        """The units of a plan, those of codecs that share an encoding together; ready files, too.

        All originals must be imported.
        """
        groups: dict[str, list[Piece]] = {}
        for testset in testsets:
            for codecs in sharing(testset):
                pieces = self._pieces_of(testset, codecs)
                groups.setdefault(_group(codecs[0]), []).extend(pieces)
        return list(groups.values())

    def _pieces_of(self, testset: PlannedTestSet, codecs: list[PlannedCodec]) -> Iterator[Piece]:
        for block in blocks(testset.clips):
            unit = reconstruction_unit(testset, codecs, block)
            tasks = [self._task(testset.name, one, clip) for one in codecs for clip in block]
            yield Piece(unit, testset, tasks)

    def run(self, groups: list[list[Piece]]) -> None:
        """Do what can be claimed; what other workers have is left in `groups`."""
        with ThreadPoolExecutor(self._device.threads) as self._threads:
            try:
                for group in groups:
                    self._run_group(group)
            finally:
                for piece in {id(piece): piece for piece in self._piece_of.values()}.values():
                    self._ledger.finish(piece.unit, piece.new)  # as far as it got
                self._piece_of.clear()
        groups[:] = [group for group in groups if group]

    def _run_group(self, group: list[Piece]) -> None:
        rounds = self._rounds(group)
        first = next(rounds, None)
        if first is None:
            return
        if isinstance(first[0].planned.codec, Reconstructions):
            for tasks in chain([first], rounds):
                tasks.sort(key=lambda task: (task.testset, task.clip))
                self._keep(map(self._ready, tasks))
            return
        # Rounds to come may hold no deeper codec than the group does now.
        left = [task.planned for piece in group for task in piece.tasks if not self._done(task)]
        leader = max((*left, *(task.planned for task in first)), key=depth)
        codec_run = CodecRun(
            chain([first], rounds), leader, self._folder, self._device, self._threads
        )
        self._keep(codec_run.run())
        self.usage[leader.record.id] = codec_run.usage

    def _rounds(self, group: list[Piece]) -> Iterator[list[Task]]:
        """Claim units, enough at once to make batches of; yields what is to do of them."""
        todo: list[Task] = []
        for piece in list(group):
            todo += self._claimed(group, piece)
            if len(todo) >= ROUND * self._device.batch:
                yield todo
                todo = []
        if todo:
            yield todo

    def _claimed(self, group: list[Piece], piece: Piece) -> list[Task]:
        """Settle what needs no codec of a unit; returns the tasks that do, once it is claimed."""
        settled = [self._done(task) for task in piece.tasks]
        if not all(settled):
            if not self._ledger.take(piece.unit):
                return []
            settled = [self._done(task) for task in piece.tasks]
            if all(settled):
                self._ledger.drop(piece.unit)
        group.remove(piece)
        pairs = list(zip(piece.tasks, settled, strict=True))
        self._piece_of |= {task.key: piece for task, row in pairs if row is None}
        todo = []
        for task, row in pairs:
            if row is not None:
                self._take_note(piece, row, kept=True)
            elif task.original.status != "ok":
                self._write(task.row("failed", reason=f"original: {task.original.reason}"))
            elif task.planned.record.missing:
                self._write(task.row("unavailable", reason=task.planned.record.missing))
            else:
                todo.append(task)
        return todo

    def _task(self, testset: str, planned: PlannedCodec, clip: Clip) -> Task:
        original = self._ledger.originals[testset, clip.id]
        parts = [policies.VERSION, original.samples_sha256, self._facts(planned)]
        if isinstance(planned.codec, Reconstructions):
            parts += _hashes_of_ready(planned.codec, clip.name or clip.id)
        return Task(testset, clip.id, planned, original, signature(*parts), clip.name or clip.id)

    def _facts(self, planned: PlannedCodec) -> dict[str, Any]:
        """A codec's facts with the paths among them, which its record does not have."""
        known = self._facts_of.get(id(planned))
        if known is None:
            spec = planned.codec.spec.model_copy(update={"id": planned.record.id})
            known = self._facts_of[id(planned)] = spec.model_dump(exclude={"label"})
        return known

    def kept(self, testset: str, planned: PlannedCodec, clip: Clip) -> ReconstructionRow | None:
        """The row of an earlier run, if it still holds; its original must be imported."""
        return self._done(self._task(testset, planned, clip))

    def _done(self, task: Task) -> ReconstructionRow | None:
        """The row that there is, if it still holds, and its sound is there or needed no more."""
        row = self._ledger.reconstructions.get(task.key)
        if row is None or row.signature != task.signature:
            return None
        if row.status != "ok":
            return row if self._ledger.is_fresh(row) else None
        path = self._folder.audio(task.testset, row.codec, task.clip)
        codes = self._folder.codes(task.testset, row.codec, task.clip)
        has_codes = task.planned.record.has_codes and row.bits is not None
        if has_codes and not codes.is_file():
            return None
        try:
            return row if sha256(path) == row.audio_sha256 else None
        except OSError:  # it is not there, or was removed just now
            return row if self._is_settled(row) else None

    def _ready(self, task: Task) -> Outcome:
        """Read a ready file."""
        codec = task.planned.codec
        assert isinstance(codec, Reconstructions)  # noqa: S101 - for the type checker
        try:
            sound = read(codec.find(task.name))
            original = self._read(self._folder.original(task.testset, task.clip))
        except (AudioError, CodecError) as error:
            return Outcome(task, error=error)
        notes = [sound.note, *ready_notes(sound, original, codec.options.sample_rate)]
        as_loud = sound.samples * task.original.gain
        sound = replace(sound, samples=as_loud, note="; ".join(filter(None, notes)))
        if not task.planned.record.with_codes:
            return Outcome(task, sound)
        record, path = task.planned.record, codec.codes(task.name)
        sizes, strides = record.codebook_sizes, record.codebook_strides
        if path is None:
            return Outcome(task, sound, note="no codes of it")
        try:
            encoded = from_codes(read_codes(path, sizes), sizes, len(sound.samples), strides)
        except CodecError as error:
            return Outcome(task, sound, note=f"no bitrate: {error}")
        return Outcome(task, sound, {"bits": encoded.bits}, encoded.codes)

    def _keep(self, outcomes: Iterable[Outcome]) -> None:
        """Store outcomes in threads, a few behind, and write their rows in order."""
        behind: deque[Future[ReconstructionRow]] = deque()
        for outcome in outcomes:
            behind.append(self._threads.submit(store, self._folder, outcome))
            while len(behind) > BEHIND * self._device.batch:
                self._write(behind.popleft().result())
        for future in behind:
            self._write(future.result())

    def _write(self, row: ReconstructionRow) -> None:
        piece = self._piece_of.pop(row.key)
        piece.new.append(row)
        self._take_note(piece, row, kept=False)

    def _take_note(self, piece: Piece, row: ReconstructionRow, *, kept: bool) -> None:
        """Take note of a row of a unit, and of the unit's end if it was the last."""
        piece.rows[row.key] = row
        self._on_row(row, kept)
        if len(piece.rows) == len(piece.tasks):
            if piece.new:
                self._ledger.finish(piece.unit, piece.new)
            self._on_unit(piece)


def sharing(testset: PlannedTestSet) -> list[list[PlannedCodec]]:
    """The codecs of a test set, those that run together together."""
    groups: dict[str, list[PlannedCodec]] = {}
    for planned in testset.codecs:
        groups.setdefault(_group(planned), []).append(planned)
    return list(groups.values())


def reconstruction_unit(
    testset: PlannedTestSet, codecs: Iterable[PlannedCodec], block: Iterable[Clip]
) -> Unit:
    """The unit of a block of clips through codecs that run together."""
    ids = tuple(planned.record.id for planned in codecs)
    return Unit(ReconstructionRow, testset.name, ids, tuple(clip.id for clip in block))


def _group(planned: PlannedCodec) -> str:
    """Name what runs together: codecs that share an encoding; ready files."""
    codec = planned.codec
    if isinstance(codec, Reconstructions):
        return "ready"
    shared = codec.encoding_key
    return f"shared {shared}" if shared else f"codec {planned.record.id} {id(codec)}"


def _hashes_of_ready(codec: Reconstructions, clip: str) -> list[str]:
    try:
        codes = codec.codes(clip) if codec.with_codes else None
        return [sha256(path) for path in (codec.find(clip), codes) if path]
    except (CodecError, OSError):
        return [""]  # reading it says why
