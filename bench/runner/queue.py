"""In which order pairs are scored: the costliest first, and those of a clip one after the other."""

from collections import defaultdict
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from math import inf

from almbench.runner.worker import MetricResult, ScoringJob


class Queue:
    """Jobs that wait for a process.

    Long sounds and slow metrics come first, so that none is left at the end for one process alone.
    What a second of sound costs a metric is measured as results come; until then its test set comes
    first. Processes keep the sounds that they read last, and what they know of the original;
    therefore the codecs of a clip follow one another.

    Where a metric's functions are compiled on first use, one job goes ahead with it, and the other
    jobs do without until that is done.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._heaps: dict[str, list[tuple[float, str, int, ScoringJob]]] = {}
        self._numbers = count()
        self._spent: defaultdict[str, float] = defaultdict(float)  # seconds by family
        self._heard: defaultdict[str, float] = defaultdict(float)  # seconds of sound by family
        self._compiling: dict[str, ScoringJob] = {}
        self._compiled: set[str] = set()
        self._held: list[ScoringJob] = []

    def __len__(self) -> int:
        """How many can be taken, or held back again."""
        return sum(map(len, self._heaps.values()))

    def put(self, job: ScoringJob) -> None:
        """Add a job."""
        entry = -job.duration_s, job.clip, next(self._numbers), job
        heappush(self._heaps.setdefault(job.testset, []), entry)

    def get(self) -> ScoringJob | None:
        """Take the job that is to be done next; None where all wait for a compilation."""
        while len(self):
            heap = max(filter(None, self._heaps.values()), key=lambda heap: self.cost(heap[0][-1]))
            job = self._without_compiled_elsewhere(heappop(heap)[-1])
            if job.requests:
                return job
        return None

    def cost(self, job: ScoringJob) -> float:
        """Seconds that a job takes; infinite where a metric has not been measured."""
        return job.duration_s * sum(
            self._spent[request.family] / self._heard[request.family]
            if self._heard[request.family]
            else inf
            for request in job.requests
        )

    def measured(self, family: str, seconds: float, duration_s: float) -> None:
        """Take note of what a pair cost a metric family."""
        self._spent[family] += seconds
        self._heard[family] += duration_s

    def done(self, job: ScoringJob, results: list[MetricResult]) -> None:
        """Take note of a job's end; without results if its process died."""
        seconds = {result.metric: result.seconds for result in results}
        for request in job.requests:
            if results:
                self.measured(request.family, seconds[request.metrics[0]], job.duration_s)
            if self._compiling.get(request.compiled_by) is job:
                del self._compiling[request.compiled_by]
                self._compiled.add(request.compiled_by)
        if self._held and not self._compiling:
            held, self._held = self._held, []
            for one in held:
                self.put(one)

    def _without_compiled_elsewhere(self, job: ScoringJob) -> ScoringJob:
        """Hold back what another job compiles just now."""
        held = tuple(r for r in job.requests if r.compiled_by in self._compiling)
        if held:
            self._held.append(replace(job, requests=held))
            job = replace(job, requests=tuple(r for r in job.requests if r not in held))
        for request in job.requests:
            if request.compiled_by and request.compiled_by not in self._compiled:
                self._compiling[request.compiled_by] = job
        return job
