"""Stage two: send every clip through every codec and keep what comes out.

Codecs run one after the other, each loaded once; those that share an encoding run together. Threads
read ahead and write behind while the codec works.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from almbench import policies
from almbench.audio import Sound, exact_bits, read, sha256, write_flac
from almbench.codecs.base import Codec, from_codes
from almbench.codecs.codes_file import CodesFacts, read_codes, write_codes
from almbench.codecs.reconstructions import Reconstructions
from almbench.devices import Device
from almbench.errors import AudioError, CodecError, Unavailable
from almbench.results.manifest import UsageRecord
from almbench.results.records import OriginalRow, ReconstructionRow, Writer, read_rows, signature
from almbench.results.runfolder import RunFolder
from almbench.runner.codec_run import CodecRun
from almbench.runner.plan import PlannedCodec, PlannedTestSet
from almbench.runner.ready import ready_notes
from almbench.runner.tasks import Outcome, Task
from almbench.suite.testsets import Clip

THREADS = 2
BEHIND = 4  # batches written behind


class Reconstructor:
    """Runs the codecs of a plan.

    Args:
        folder: The run folder.
        device: Where neural codecs run.
        shard: Suffix of the rows file.
        on_row: Called with each row, and with whether an earlier run wrote it.
    """

    def __init__(
        self,
        folder: RunFolder,
        device: Device,
        shard: str,
        on_row: Callable[[ReconstructionRow, bool], None],
    ) -> None:
        """Read what earlier runs did."""
        self._folder = folder
        self._device = device
        self._shard = shard
        self._on_row = on_row
        self._originals = read_rows(folder.root, OriginalRow)
        self._known = read_rows(folder.root, ReconstructionRow)
        self.usage: dict[str, UsageRecord] = {}
        self._facts_of: dict[int, dict[str, Any]] = {}
        # Ready files of a clip follow each other: their original is read once.
        self._read = lru_cache(maxsize=1)(read)

    def run(self, work: list[tuple[PlannedTestSet, list[Clip]]]) -> None:
        """Reconstruct the given clips of each test set by all its codecs."""
        with (
            Writer(self._folder.root, ReconstructionRow, self._shard) as self._rows,
            ThreadPoolExecutor(THREADS) as self._threads,
        ):
            for group in self._groups(work):
                todo = [task for task in group if self._is_to_do(task)]
                if not todo:
                    continue
                if isinstance(todo[0].planned.codec, Reconstructions):
                    todo.sort(key=lambda task: (task.testset, task.clip))
                    self._keep(map(self._ready, todo))
                else:
                    codec_run = CodecRun(todo, self._folder, self._device, self._threads)
                    self._keep(codec_run.run())
                    self.usage[codec_run.leader.record.id] = codec_run.usage

    def _groups(self, work: list[tuple[PlannedTestSet, list[Clip]]]) -> list[list[Task]]:
        """Sort the tasks by codec; those that share an encoding come together, and ready files."""
        groups: dict[str, list[Task]] = {}
        for testset, clips in work:
            for planned in testset.codecs:
                codec = planned.codec
                shared = codec.encoding_key if isinstance(codec, Codec) else None
                name = f"shared {shared}" if shared else f"codec {planned.record.id} {id(codec)}"
                if isinstance(codec, Reconstructions):
                    name = "ready"
                groups.setdefault(name, []).extend(
                    self._task(testset.name, planned, clip) for clip in clips
                )
        return list(groups.values())

    def _task(self, testset: str, planned: PlannedCodec, clip: Clip) -> Task:
        original = self._originals[testset, clip.id]
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

    def _is_to_do(self, task: Task) -> bool:
        """Settle what needs no codec: done before, unavailable, or without an original."""
        if task.original.status != "ok":
            self._write(task.row("failed", reason=f"original: {task.original.reason}"))
        elif task.planned.record.missing:
            self._write(task.row("unavailable", reason=task.planned.record.missing))
        elif row := self._done(task):
            self._on_row(row, True)
        else:
            return True
        return False

    def kept(self, testset: str, planned: PlannedCodec, clip: Clip) -> ReconstructionRow | None:
        """The row of an earlier run, if it still holds; its original must be imported."""
        return self._done(self._task(testset, planned, clip))

    def _done(self, task: Task) -> ReconstructionRow | None:
        """The row of an earlier run, if it still holds and its sound is there."""
        row = self._known.get((task.testset, task.clip, task.planned.record.id))
        if row is None or row.status != "ok" or row.signature != task.signature:
            return None
        path = self._folder.audio(task.testset, row.codec, task.clip)
        codes = self._folder.codes(task.testset, row.codec, task.clip)
        has_codes = task.planned.record.has_codes and row.bits is not None
        if (has_codes and not codes.is_file()) or not path.is_file():
            return None
        return row if sha256(path) == row.audio_sha256 else None

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
            return Outcome(task, sound, note="no codes beside its sound")
        try:
            encoded = from_codes(read_codes(path, sizes), sizes, len(sound.samples), strides)
        except CodecError as error:
            return Outcome(task, sound, note=f"no bitrate: {error}")
        return Outcome(task, sound, {"bits": encoded.bits}, encoded.codes)

    def _keep(self, outcomes: Iterable[Outcome]) -> None:
        """Store outcomes in threads, a few behind, and write their rows in order."""
        behind: deque[Future[ReconstructionRow]] = deque()
        for outcome in outcomes:
            behind.append(self._threads.submit(self._store, outcome))
            while len(behind) > BEHIND * self._device.batch:
                self._write(behind.popleft().result())
        for future in behind:
            self._write(future.result())

    def _write(self, row: ReconstructionRow) -> None:
        self._rows.write(row)
        self._on_row(row, False)

    def _store(self, outcome: Outcome) -> ReconstructionRow:
        """Store a sound and its codes; returns the row."""
        task, sound, error = outcome.task, outcome.sound, outcome.error
        path = self._folder.audio(task.testset, task.planned.record.id, task.clip)
        note = ""
        ready = isinstance(task.planned.codec, Reconstructions)
        if sound is not None:
            try:
                check = _check_sound(sound, task.original, cut_longer=_cuts_longer(task))
                note = "; ".join(filter(None, [outcome.note, sound.note, check]))
            except CodecError as unfit:
                error = unfit
        if sound is None or error is not None:
            path.unlink(missing_ok=True)
            status = "unavailable" if isinstance(error, Unavailable) else "failed"
            return task.row(status, reason=_describe_error(error))
        bit_depth = exact_bits(sound.samples) if ready else task.original.bit_depth
        try:
            clipped = write_flac(path, sound.samples, sound.rate, bit_depth)
        except AudioError as unfit:
            path.unlink(missing_ok=True)
            return task.row("failed", reason=str(unfit))
        if outcome.codes is not None:
            self._store_codes(task, outcome.codes, sound)
        stored = {"rate": sound.rate, "clipped": clipped, "audio_sha256": sha256(path)}
        return task.row("ok", note=note, **stored, **outcome.facts)

    def _store_codes(self, task: Task, codes: NDArray[np.int64], sound: Sound) -> None:
        record = task.planned.record
        bit_depth = task.original.bit_depth or 16
        facts = CodesFacts.of(record, sound.rate, len(sound.samples), bit_depth)
        write_codes(self._folder.codes(task.testset, record.id, task.clip), codes, facts)


def _hashes_of_ready(codec: Reconstructions, clip: str) -> list[str]:
    try:
        codes = codec.codes(clip) if codec.with_codes else None
        return [sha256(path) for path in (codec.find(clip), codes) if path]
    except (CodecError, OSError):
        return [""]  # reading it says why


def _check_sound(sound: Sound, original: OriginalRow, *, cut_longer: bool) -> str:
    """Check a reconstruction before it is stored; returns what to note of it."""
    if not np.isfinite(sound.samples).all():
        raise CodecError("the reconstruction holds NaN or infinite samples")
    fine, note = policies.check_length(
        original.duration_s or 0.0, sound.seconds, cut_longer=cut_longer
    )
    if not fine:
        raise CodecError(note)
    return note


def _cuts_longer(task: Task) -> bool:
    codec = task.planned.codec
    return isinstance(codec, Reconstructions) and codec.options.cut_longer


def _describe_error(error: Exception | None) -> str:
    if isinstance(error, AudioError | CodecError | Unavailable):
        return str(error)
    return f"{type(error).__name__}: {error}"
