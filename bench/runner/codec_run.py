"""Clips through one codec: read ahead, batched, and halved where a batch does not fit."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any, TypeVar

from almbench.audio import Samples, Sound, read, resample
from almbench.codecs.base import Codec, Encoded, from_codes
from almbench.devices import Device, out_of_memory, process_peak_mb, reset_process_peak
from almbench.errors import AudioError, CodecError, describe, in_a_line
from almbench.results.run_record import UsageRecord
from almbench.results.runfolder import RunFolder
from almbench.runner.complexity import count_macs, runs_in_pytorch
from almbench.runner.planned_codecs import PlannedCodec
from almbench.runner.tasks import EncodeJob, Outcome, Task, encode_jobs

A = TypeVar("A")
T = TypeVar("T")
Heard = tuple[EncodeJob, Sound | Exception]  # what was read of a clip, or why it was not
AHEAD = 4  # batches read ahead
LEAST_FULL = 0.8  # of the longest clip of a padded batch
WARMING_UP = 1.0  # seconds of the first clip that warm a CPU up


class CodecRun:
    """Sends clips through a codec, and through shallower ones that share its encoding.

    Attributes:
        leader: The deepest of the codecs, which encodes for all.
        usage: What it took of the machine.
    """

    def __init__(
        self,
        rounds: Iterable[list[Task]],
        leader: PlannedCodec,
        folder: RunFolder,
        device: Device,
        threads: Executor,
    ) -> None:
        """Prepare; nothing is loaded.

        Args:
            rounds: The clips that have to go through codecs of one encoding; batches are made of
                those of one round.
            leader: The deepest of the codecs.
            folder: The run folder.
            device: Where neural codecs run.
            threads: Read ahead.
        """
        self.leader = leader
        codec = leader.codec
        assert isinstance(codec, Codec)  # noqa: S101 - for the type checker
        self._codec: Codec[Any] = codec
        self.usage = UsageRecord(device=device.name if codec.uses_device else "cpu")
        self._rounds = rounds
        self._folder = folder
        self._device = device
        self._threads = threads
        self._most = 1  # clips of a batch
        self._coding_s = 0.0

    def run(self) -> Iterator[Outcome]:
        """Load the codec, send the clips through it, and unload it."""
        codec = self._codec
        self._device.reset_peak()
        reset_process_peak()
        start = time.perf_counter()
        try:
            codec.load(self._device.kind if codec.uses_device else "cpu")
        except Exception as error:  # an adapter's fault costs its rows, not the run
            for tasks in self._rounds:
                yield from (Outcome(task, error=error) for task in tasks)
            return
        facts: dict[str, Any] = {"load_s": round(time.perf_counter() - start, 3)}
        if self._device.kind == "cpu" and runs_in_pytorch(codec):
            facts["threads"] = sys.modules["torch"].get_num_threads()
        if codec.supports_batching and codec.uses_device:
            facts["batch"] = self._most = self._device.batch
        try:
            warm = not codec.uses_device
            start = time.perf_counter()
            for batch in self._batches():
                if not warm:
                    # The first call sets things up; a GPU does so for each size.
                    self._encode(batch if self._device.kind == "cuda" else [_beginning(batch[0])])
                    warm, self._coding_s, start = True, 0.0, time.perf_counter()
                yield from self._encode(batch)
            facts |= self._busy(time.perf_counter() - start)
        finally:
            facts["peak_device_mb"] = self._device.peak_mb()
            facts["peak_process_mb"] = process_peak_mb()
            if self._most < facts.get("batch", 1):
                facts["batch_that_fits"] = self._most
            facts |= self._arithmetic()
            self.usage = self.usage.model_copy(update=facts)
            codec.unload()

    def _busy(self, seconds: float) -> dict[str, float]:
        """How much of the time went into coding."""
        if not (self._coding_s and seconds):
            return {}
        return {
            "coding_s": round(self._coding_s, 3),
            "busy_share": round(self._coding_s / seconds, 3),
        }

    def _arithmetic(self) -> dict[str, Any]:
        """What encoding and decoding takes, where that can be counted."""
        try:
            counted = count_macs(self._codec, self.leader.record.sample_rate or 0)
        except Exception as error:  # an adapter's fault, or the counter's, costs no rows
            return {"macs_reason": in_a_line(describe(error))}
        return {"encode_macs": counted.encode, "decode_macs": counted.decode} if counted else {}

    def _batches(self) -> Iterator[list[Heard]]:
        """Batch what was read, the shortest of a round first, as the codec allows it."""
        batch: list[Heard] = []
        for heard in self._read_ahead():
            if batch and (len(batch) >= self._most or not self._may_share(batch[0], heard)):
                yield batch
                batch = []
            batch.append(heard)
        if batch:
            yield batch

    def _may_share(self, first: Heard, other: Heard) -> bool:
        """Whether a clip may join a batch by its first."""
        (job, sound), (other_job, other_sound) = first, other
        if isinstance(sound, Exception) or isinstance(other_sound, Exception):
            return False
        if job.codecs != other_job.codecs or sound.rate != other_sound.rate:
            return False
        if any(self._codec.is_long(len(one.samples) / one.rate) for one in (sound, other_sound)):
            return False
        lengths = [self._codec.batch_length(len(one.samples)) for one in (sound, other_sound)]
        if self._codec.supports_padding:
            return min(lengths) >= LEAST_FULL * max(lengths)
        return lengths[0] == lengths[1]

    def _read_ahead(self) -> Iterator[Heard]:
        """Read the originals of the next batches while the codec works on this one."""
        ahead: deque[tuple[EncodeJob, Future[Sound | Exception]]] = deque()
        for tasks in self._rounds:
            jobs = encode_jobs(tasks)
            jobs.sort(key=lambda job: (job.codecs, job.original.duration_s or 0.0))
            for job in jobs:
                ahead.append((job, self._threads.submit(self._source, job)))
                if len(ahead) > AHEAD * self._most:
                    first, future = ahead.popleft()
                    yield first, future.result()
        for job, future in ahead:
            yield job, future.result()

    def _source(self, job: EncodeJob) -> Sound | Exception:
        """Read a clip at the codec's rate; an error is returned, not raised."""
        task = job.tasks[0]
        codec = self._codec
        try:
            codec.check_duration(job.original.duration_s or 0.0)
            sound = read(self._folder.original(task.testset, task.clip))
            rate = task.planned.record.sample_rate or sound.rate
            samples = resample(sound.samples, sound.rate, rate)
            if not len(samples):
                raise CodecError(f"the clip is shorter than one sample at {rate} Hz")
        except (AudioError, CodecError) as error:
            return error
        return Sound(samples, rate)

    def _encode(self, batch: list[Heard]) -> list[Outcome]:
        """Encode and decode a batch; where it fails, smaller batches tell which clip it was.

        Where it is memory that failed, no later batch is larger than what fits.
        """
        outcomes: list[Outcome] = []
        good: list[tuple[EncodeJob, Sound]] = []
        for job, sound in batch:
            if isinstance(sound, Sound):
                good.append((job, sound))
            else:
                outcomes += [Outcome(task, error=sound) for task in job.tasks]
        starts = range(0, len(good), self._most)
        parts = [good[start : start + self._most] for start in reversed(starts)]
        while parts:
            part = parts.pop()
            try:
                outcomes += self._attempt([job for job, _ in part], [sound for _, sound in part])
                continue
            except Exception as error:  # an adapter's fault costs its rows, not the run
                # Without the frames, which hold what was computed.
                failure = error.with_traceback(None)
            half = len(part) // 2
            if out_of_memory(failure):
                self._device.free()
                self._most = min(self._most, half or self._most)
            if not half:
                outcomes += [Outcome(task, error=failure) for task in part[0][0].tasks]
                continue
            starts = range(0, len(part), half)
            parts += [part[start : start + half] for start in reversed(starts)]
        return outcomes

    def _attempt(self, jobs: list[EncodeJob], sounds: list[Sound]) -> list[Outcome]:
        codec, leader = self._codec, self.leader
        rate = sounds[0].rate
        batch: list[Samples] = [sound.samples for sound in sounds]
        total = sum(map(len, batch))
        encoded, encode_s = self._timed(codec.encode, batch, rate)
        outcomes = []
        for position, first in enumerate(jobs[0].tasks):
            tasks = [job.tasks[position] for job in jobs]
            kept = [_truncate(item, first.planned, leader) for item in encoded]
            decoded, decode_s = self._timed(codec.decode, kept, rate)
            facts = {
                "batch": len(jobs),
                "encoded_with": "" if first.planned is leader else leader.record.id,
                "device": self.usage.device,
            }
            for task, heard, item, samples in zip(tasks, batch, kept, decoded, strict=True):
                share = len(heard) / total
                seconds = item.seconds or (share * encode_s, share * decode_s)
                more = {**facts, **dict(zip(("encode_s", "decode_s"), seconds, strict=True))}
                outcome = Outcome(task, Sound(samples, rate), {**more, "bits": item.bits})
                outcomes.append(replace(outcome, codes=item.codes))
        return outcomes

    def _timed(
        self, call: Callable[[list[A], int], T], batch: list[A], rate: int
    ) -> tuple[T, float]:
        self._device.synchronise()
        start = time.perf_counter()
        result = call(batch, rate)
        self._device.synchronise()
        seconds = time.perf_counter() - start
        self._coding_s += seconds
        return result, seconds


def _beginning(heard: Heard) -> Heard:
    """The first second of a clip."""
    job, sound = heard
    if isinstance(sound, Sound):
        sound = replace(sound, samples=sound.samples[: int(WARMING_UP * sound.rate)])
    return job, sound


def depth(planned: PlannedCodec) -> int:
    """How many codebooks a codec has."""
    return len(planned.record.codebook_sizes)


def _truncate(encoded: Encoded, planned: PlannedCodec, leader: PlannedCodec) -> Encoded:
    """Keep the codebooks that a shallower codec has."""
    if planned is leader or encoded.codes is None:
        return encoded
    sizes, strides = planned.record.codebook_sizes, planned.record.codebook_strides
    return from_codes(encoded.codes[: len(sizes)], sizes, encoded.length, strides)
