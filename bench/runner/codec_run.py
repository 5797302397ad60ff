"""Clips through one codec: read ahead, batched, and halved where a batch does not fit."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from almbench.audio import Samples, Sound, read, resample
from almbench.codecs.base import Codec, Encoded, from_codes
from almbench.devices import Device, out_of_memory, process_peak_mb, reset_process_peak
from almbench.errors import AudioError, CodecError
from almbench.results.manifest import UsageRecord
from almbench.results.runfolder import RunFolder
from almbench.runner.complexity import count_macs
from almbench.runner.plan import PlannedCodec
from almbench.runner.tasks import EncodeJob, Outcome, Task, batch_key, encode_jobs

A = TypeVar("A")
T = TypeVar("T")
AHEAD = 4  # batches read ahead


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
        load_s = round(time.perf_counter() - start, 3)
        try:
            warm = not codec.uses_device
            for jobs, sounds in self._read_ahead(self._batches()):
                if not warm:
                    self._encode(jobs[:1], sounds[:1])  # the first call sets things up
                    warm = True
                yield from self._encode(jobs, sounds)
        finally:
            facts: dict[str, Any] = {"load_s": load_s, "peak_device_mb": self._device.peak_mb()}
            facts["peak_process_mb"] = process_peak_mb()
            facts |= self._arithmetic()
            self.usage = self.usage.model_copy(update=facts)
            codec.unload()

    def _arithmetic(self) -> dict[str, float]:
        """What encoding and decoding takes, where that can be counted."""
        try:
            counted = count_macs(self._codec, self.leader.record.sample_rate or 0)
        except Exception:  # what an adapter does wrong is in its rows already
            return {}
        return {"encode_macs": counted.encode, "decode_macs": counted.decode} if counted else {}

    def _batches(self) -> Iterator[list[EncodeJob]]:
        """Batch clips of equal length and rate, the shortest first, where the codec allows it."""
        batched = self._codec.supports_batching and self._codec.uses_device
        most = self._device.batch if batched else 1
        for tasks in self._rounds:
            batch: list[EncodeJob] = []
            for job in sorted(encode_jobs(tasks), key=batch_key):
                if batch and (len(batch) == most or batch_key(job) != batch_key(batch[0])):
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

    def _encode(self, jobs: list[EncodeJob], sounds: list[Sound | Exception]) -> list[Outcome]:
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
            return bad + self._attempt([j for j, _ in good], [s for _, s in good])
        except Exception as error:  # an adapter's fault costs its rows, not the run
            if out_of_memory(error):
                self._device.free()
            if len(good) == 1:
                return bad + [Outcome(task, error=error) for task in good[0][0].tasks]
        half = len(good) // 2
        for part in (good[:half], good[half:]):
            bad += self._encode([j for j, _ in part], [s for _, s in part])
        return bad

    def _attempt(self, jobs: list[EncodeJob], sounds: list[Sound]) -> list[Outcome]:
        codec, leader = self._codec, self.leader
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
                "device": self.usage.device,
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


def depth(planned: PlannedCodec) -> int:
    """How many codebooks a codec has."""
    return len(planned.record.codebook_sizes)


def _truncate(encoded: Encoded, planned: PlannedCodec, leader: PlannedCodec) -> Encoded:
    """Keep the codebooks that a shallower codec has."""
    if planned is leader or encoded.codes is None:
        return encoded
    sizes, strides = planned.record.codebook_sizes, planned.record.codebook_strides
    return from_codes(encoded.codes[: len(sizes)], sizes, encoded.length, strides)
