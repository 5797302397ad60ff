"""Stage two: send every clip through every codec and keep what comes out.

Codecs run one after the other, each loaded once; those that share an encoding run together. Threads
read ahead and write behind while the codec works.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from almbench import policies
from almbench.audio import Samples, Sound, read, resample, sha256, write_flac
from almbench.codecs.base import Codec, Encoded, from_codes
from almbench.codecs.reconstructions import Reconstructions
from almbench.devices import Device, out_of_memory
from almbench.errors import AudioError, CodecError, Unavailable
from almbench.results.manifest import UsageRecord
from almbench.results.records import OriginalRow, ReconstructionRow, Writer, read_rows, signature
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import PlannedCodec, PlannedTestSet
from almbench.suite.testsets import Clip

A = TypeVar("A")
T = TypeVar("T")
THREADS = 2
AHEAD = 4  # batches read ahead, and written behind


@dataclass(frozen=True)
class Task:
    """A clip that has to go through a codec."""

    testset: str
    clip: str
    planned: PlannedCodec
    original: OriginalRow
    signature: str

    def row(self, status: str, **facts: Any) -> ReconstructionRow:
        """Make the row that says what came of it."""
        return ReconstructionRow.model_validate(
            {
                "testset": self.testset,
                "clip": self.clip,
                "codec": self.planned.record.id,
                "signature": self.signature,
                "status": status,
                **facts,
            }
        )


@dataclass(frozen=True)
class EncodeJob:
    """A clip, and the tasks that one encoding of it serves."""

    tasks: list[Task]

    @property
    def original(self) -> OriginalRow:
        """The clip."""
        return self.tasks[0].original


@dataclass
class Outcome:
    """What came of a task: the sound, or the error."""

    task: Task
    sound: Sound | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    codes: np.ndarray[Any, np.dtype[np.int64]] | None = None
    error: Exception | None = None


class Reconstructor:
    """Runs the codecs of a plan.

    Args:
        folder: The run folder.
        device: Where neural codecs run.
        shard: Suffix of the rows file.
        on_row: Called with each row, whether written now or by an earlier run.
    """

    def __init__(
        self,
        folder: RunFolder,
        device: Device,
        shard: str,
        on_row: Callable[[ReconstructionRow], None],
    ) -> None:
        """Read what earlier runs did."""
        self._folder = folder
        self._device = device
        self._shard = shard
        self._on_row = on_row
        self._originals = read_rows(folder.root, OriginalRow)
        self._known = read_rows(folder.root, ReconstructionRow)
        self.usage: dict[str, UsageRecord] = {}

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
                    self._keep(map(self._ready, todo))
                else:
                    self._keep(self._through_codec(todo))

    def _groups(self, work: list[tuple[PlannedTestSet, list[Clip]]]) -> list[list[Task]]:
        """Sort the tasks by codec; codecs that share an encoding come together."""
        groups: dict[str, list[Task]] = {}
        for testset, clips in work:
            for planned in testset.codecs:
                codec = planned.codec
                shared = codec.encoding_key if isinstance(codec, Codec) else None
                name = f"shared {shared}" if shared else f"codec {planned.record.id} {id(codec)}"
                groups.setdefault(name, []).extend(
                    self._task(testset.name, planned, clip) for clip in clips
                )
        return list(groups.values())

    def _task(self, testset: str, planned: PlannedCodec, clip: Clip) -> Task:
        original = self._originals[testset, clip.id]
        facts = planned.record.model_dump(exclude={"label", "missing", "precomputed"})
        parts = [policies.VERSION, original.samples_sha256, facts]
        if isinstance(planned.codec, Reconstructions):
            parts.append(_hash_of_ready(planned.codec, clip.id))
        return Task(testset, clip.id, planned, original, signature(*parts))

    def _is_to_do(self, task: Task) -> bool:
        """Settle what needs no codec: done before, unavailable, or without an original."""
        if task.original.status != "ok":
            self._write(task.row("failed", reason=f"original: {task.original.reason}"))
        elif task.planned.record.missing:
            self._write(task.row("unavailable", reason=task.planned.record.missing))
        elif row := self._done(task):
            self._on_row(row)
        else:
            return True
        return False

    def _done(self, task: Task) -> ReconstructionRow | None:
        """The row of an earlier run, if it still holds and its sound is there."""
        row = self._known.get((task.testset, task.clip, task.planned.record.id))
        if row is None or row.status != "ok" or row.signature != task.signature:
            return None
        path = self._folder.audio(task.testset, row.codec, task.clip)
        codes = self._folder.codes(task.testset, row.codec, task.clip)
        has_codes = isinstance(task.planned.codec, Codec) and task.planned.record.codebook_sizes
        if (has_codes and not codes.is_file()) or not path.is_file():
            return None
        return row if sha256(path) == row.audio_sha256 else None

    def _ready(self, task: Task) -> Outcome:
        """Read a ready file."""
        assert isinstance(task.planned.codec, Reconstructions)  # noqa: S101 - for the type checker
        try:
            return Outcome(task, read(task.planned.codec.find(task.clip)))
        except (AudioError, CodecError) as error:
            return Outcome(task, error=error)

    def _through_codec(self, tasks: list[Task]) -> Iterator[Outcome]:
        """Load a codec, send the clips through it, and unload it."""
        leader = max((task.planned for task in tasks), key=_depth)
        codec = leader.codec
        assert isinstance(codec, Codec)  # noqa: S101 - for the type checker
        device = self._device.name if codec.uses_device else "cpu"
        usage = UsageRecord(device=device)
        self.usage[leader.record.id] = usage
        self._device.reset_peak()
        start = time.perf_counter()
        try:
            codec.load(self._device.kind if codec.uses_device else "cpu")
        except Exception as error:  # an adapter's fault costs its rows, not the run
            yield from (Outcome(task, error=error) for task in tasks)
            return
        load_s = round(time.perf_counter() - start, 3)
        try:
            warm = not codec.uses_device
            for jobs, sounds in self._read_ahead(self._batches(_jobs(tasks), codec)):
                if not warm:
                    self._encode(leader, jobs[:1], sounds[:1])  # the first call sets things up
                    warm = True
                yield from self._encode(leader, jobs, sounds)
        finally:
            peak = self._device.peak_mb()
            self.usage[leader.record.id] = usage.model_copy(
                update={"load_s": load_s, "peak_device_mb": peak}
            )
            codec.unload()

    def _batches(self, jobs: list[EncodeJob], codec: Codec[Any]) -> Iterator[list[EncodeJob]]:
        """Batch clips of equal length and rate, the shortest first, where the codec allows it."""
        most = self._device.batch if codec.supports_batching and codec.uses_device else 1
        batch: list[EncodeJob] = []
        for job in sorted(jobs, key=_size):
            if batch and (len(batch) == most or _size(job) != _size(batch[0])):
                yield batch
                batch = []
            batch.append(job)
        if batch:
            yield batch

    def _read_ahead(
        self, batches: Iterable[list[EncodeJob]]
    ) -> Iterator[tuple[list[EncodeJob], list[Sound | Exception]]]:
        """Read the originals of the next batches while the codec works on this one."""
        ahead: deque[tuple[list[EncodeJob], list[Future[Sound | Exception]]]] = deque()
        for batch in batches:
            ahead.append((batch, [self._threads.submit(self._source, job) for job in batch]))
            if len(ahead) > AHEAD:
                jobs, futures = ahead.popleft()
                yield jobs, [future.result() for future in futures]
        for jobs, futures in ahead:
            yield jobs, [future.result() for future in futures]

    def _source(self, job: EncodeJob) -> Sound | Exception:
        """Read a clip at the codec's rate; an error is returned, not raised."""
        task = job.tasks[0]
        codec = task.planned.codec
        assert isinstance(codec, Codec)  # noqa: S101 - for the type checker
        try:
            seconds = job.original.duration_s or 0.0
            if codec.max_duration_s and seconds > codec.max_duration_s:
                raise CodecError(
                    f"the clip lasts {seconds:.1f} s; this codec takes at most "
                    f"{codec.max_duration_s:.0f} s at a time"
                )
            sound = read(self._folder.original(task.testset, task.clip))
            rate = task.planned.record.sample_rate or sound.rate
            samples = resample(sound.samples, sound.rate, rate)
            if not len(samples):
                raise CodecError(f"the clip is shorter than one sample at {rate} Hz")
        except (AudioError, CodecError) as error:
            return error
        return Sound(samples, rate)

    def _encode(
        self, leader: PlannedCodec, jobs: list[EncodeJob], sounds: list[Sound | Exception]
    ) -> list[Outcome]:
        """Encode and decode a batch; where it fails, smaller batches tell which clip it was."""
        good = [(j, s) for j, s in zip(jobs, sounds, strict=True) if isinstance(s, Sound)]
        bad = [
            Outcome(task, error=sound)
            for job, sound in zip(jobs, sounds, strict=True)
            if isinstance(sound, Exception)
            for task in job.tasks
        ]
        if not good:
            return bad
        try:
            return bad + self._attempt(leader, [j for j, _ in good], [s for _, s in good])
        except Exception as error:  # an adapter's fault costs its rows, not the run
            if out_of_memory(error):
                self._device.free()
            if len(good) == 1:
                return bad + [Outcome(task, error=error) for task in good[0][0].tasks]
        half = len(good) // 2
        for part in (good[:half], good[half:]):
            bad += self._encode(leader, [j for j, _ in part], [s for _, s in part])
        return bad

    def _attempt(
        self, leader: PlannedCodec, jobs: list[EncodeJob], sounds: list[Sound]
    ) -> list[Outcome]:
        codec = leader.codec
        assert isinstance(codec, Codec)  # noqa: S101 - for the type checker
        rate = sounds[0].rate
        batch: list[Samples] = [sound.samples for sound in sounds]
        encoded, encode_s = self._timed(codec.encode, batch, rate)
        outcomes = []
        for position, first in enumerate(jobs[0].tasks):
            tasks = [job.tasks[position] for job in jobs]
            kept = [_truncate(item, first.planned, leader) for item in encoded]
            decoded, decode_s = self._timed(codec.decode, kept, rate)
            share = encode_s / len(jobs), decode_s / len(jobs)
            facts = {
                "batch": len(jobs),
                "encoded_with": "" if first.planned is leader else leader.record.id,
                "device": self.usage[leader.record.id].device,
            }
            for task, item, samples in zip(tasks, kept, decoded, strict=True):
                seconds = dict(zip(("encode_s", "decode_s"), item.seconds or share, strict=True))
                more = {**facts, **seconds, "bits": item.bits}
                outcomes.append(Outcome(task, Sound(samples, rate), more, item.codes))
        return outcomes

    def _timed(
        self, call: Callable[[list[A], int], T], batch: list[A], rate: int
    ) -> tuple[T, float]:
        self._device.synchronise()
        start = time.perf_counter()
        result = call(batch, rate)
        self._device.synchronise()
        return result, time.perf_counter() - start

    def _keep(self, outcomes: Iterable[Outcome]) -> None:
        """Store outcomes in threads, a few behind, and write their rows in order."""
        behind: deque[Future[ReconstructionRow]] = deque()
        for outcome in outcomes:
            behind.append(self._threads.submit(self._store, outcome))
            while len(behind) > AHEAD * self._device.batch:
                self._write(behind.popleft().result())
        for future in behind:
            self._write(future.result())

    def _write(self, row: ReconstructionRow) -> None:
        self._rows.write(row)
        self._on_row(row)

    def _store(self, outcome: Outcome) -> ReconstructionRow:
        """Store a sound and its codes; returns the row."""
        task, sound, error = outcome.task, outcome.sound, outcome.error
        path = self._folder.audio(task.testset, task.planned.record.id, task.clip)
        note = ""
        if sound is not None:
            try:
                note = _check_sound(sound, task.original)
            except CodecError as unfit:
                error = unfit
        if sound is None or error is not None:
            path.unlink(missing_ok=True)
            status = "unavailable" if isinstance(error, Unavailable) else "failed"
            return task.row(status, reason=_describe_error(error))
        clipped = write_flac(path, sound.samples, sound.rate)
        if outcome.codes is not None:
            self._store_codes(task, outcome.codes)
        stored = {"rate": sound.rate, "clipped": clipped, "audio_sha256": sha256(path)}
        return task.row("ok", note=note, **stored, **outcome.facts)

    def _store_codes(self, task: Task, codes: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        path = self._folder.codes(task.testset, task.planned.record.id, task.clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.stem}.part.npz")
        np.savez_compressed(part, codes=codes)
        part.replace(path)


def _depth(planned: PlannedCodec) -> int:
    return len(planned.record.codebook_sizes)


def _jobs(tasks: list[Task]) -> list[EncodeJob]:
    jobs: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        jobs.setdefault((task.testset, task.clip), []).append(task)
    return [EncodeJob(tasks_of_clip) for tasks_of_clip in jobs.values()]


def _size(job: EncodeJob) -> tuple[int, float, tuple[str, ...]]:
    """What jobs of one batch share: rate, duration, and the codecs still to run."""
    codecs = tuple(task.planned.record.id for task in job.tasks)
    return job.original.rate or 0, job.original.duration_s or 0.0, codecs


def _truncate(encoded: Encoded, planned: PlannedCodec, leader: PlannedCodec) -> Encoded:
    """Keep the codebooks that a shallower codec has."""
    if planned is leader or encoded.codes is None:
        return encoded
    return from_codes(encoded.codes, planned.record.codebook_sizes, encoded.length)


def _hash_of_ready(codec: Reconstructions, clip: str) -> str:
    try:
        return sha256(codec.find(clip))
    except CodecError:
        return ""


def _check_sound(sound: Sound, original: OriginalRow) -> str:
    """Check a reconstruction before it is stored; returns what to note of it."""
    if not np.isfinite(sound.samples).all():
        raise CodecError("the reconstruction holds NaN or infinite samples")
    fine, note = policies.check_length(original.duration_s or 0.0, sound.seconds)
    if not fine:
        raise CodecError(note)
    return note


def _describe_error(error: Exception | None) -> str:
    if isinstance(error, AudioError | CodecError | Unavailable):
        return str(error)
    return f"{type(error).__name__}: {error}"
