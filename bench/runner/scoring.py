"""Stage three: score each reconstruction against its original, in processes that may die."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from queue import SimpleQueue

from pebble import ProcessExpired

from almbench.names import ORIGINAL
from almbench.results.manifest import MetricRecord
from almbench.results.records import (
    OriginalRow,
    ReconstructionRow,
    ScoreRow,
    Writer,
    read_rows,
)
from almbench.results.runfolder import RunFolder
from almbench.runner import worker
from almbench.runner.plan import PlannedTestSet
from almbench.runner.processes import finished, scoring_processes
from almbench.runner.queue import Queue
from almbench.runner.warm import WarmServer
from almbench.runner.worker import MetricRequest, MetricResult, PairResults, ScoringJob

TIMEOUT_S = 600.0  # for one pair; covers the one-time compilation that some metrics need


@dataclass
class Times:
    """Where the workers' time went, in seconds: in all, for loading, inside the metrics' code."""

    busy: float = 0.0
    loading: float = 0.0
    in_metrics: float = 0.0
    pairs: int = 0


class Scorer:
    """Scores the reconstructions of a run as they come.

    Args:
        folder: The run folder.
        testsets: The test sets.
        workers: How many processes, each with one thread.
        shard: Suffix of the rows file.
        advance: Called with the number of scores that are settled.
        keep: Called with the number of scores that an earlier run settled.
    """

    def __init__(
        self,
        folder: RunFolder,
        testsets: list[PlannedTestSet],
        workers: int,
        shard: str,
        advance: Callable[[int], None],
        keep: Callable[[int], None],
    ) -> None:
        """Read what earlier runs did."""
        self._folder = folder
        self._testsets = {testset.name: testset for testset in testsets}
        self._workers = workers
        self._shard = shard
        self._advance = advance
        self._keep = keep
        self._known = read_rows(folder.root, ScoreRow)
        self._originals = read_rows(folder.root, OriginalRow)
        self._reconstructions: dict[tuple[str, ...], ReconstructionRow] = {}
        self._offered: SimpleQueue[ScoringJob | None] = SimpleQueue()
        self.times = Times()

    @staticmethod
    def scores_of(testset: PlannedTestSet, codec: str = "") -> int:
        """How many scores a clip through a codec gets here, or an original, given as a codec."""
        return sum(
            codec != ORIGINAL or metric.no_reference
            for family in testset.families
            if not family.missing
            for metric in family.metrics
        )

    def offer(self, row: ReconstructionRow) -> None:
        """Take a reconstruction, or an original as one; what is not scored yet is queued.

        May be called by any thread.
        """
        testset = self._testsets[row.testset]
        if row.status != "ok":
            self._advance(self.scores_of(testset, row.codec))  # there is nothing to score
            return
        requests = self.requests(testset, row)
        self._keep(self.scores_of(testset, row.codec) - sum(len(r.metrics) for r in requests))
        if requests:
            self._reconstructions[row.key] = row
            self.times.pairs += 1
            self._offered.put(self._job(testset, row, requests))

    def close(self) -> None:
        """Say that no more will be offered."""
        self._offered.put(None)

    def _job(
        self, testset: PlannedTestSet, row: ReconstructionRow, requests: list[MetricRequest]
    ) -> ScoringJob:
        return ScoringJob(
            testset=testset.name,
            clip=row.clip,
            codec=row.codec,
            original=str(self._folder.original(testset.name, row.clip)),
            reconstruction=str(self._folder.audio(testset.name, row.codec, row.clip)),
            scoring_rate=testset.scoring_rate,
            requests=tuple(requests),
            duration_s=self._duration(testset.name, row.clip),
        )

    def _duration(self, testset: str, clip: str) -> float:
        original = self._originals.get((testset, clip))
        return original.duration_s or 0.0 if original else 0.0

    def requests(
        self, testset: PlannedTestSet, row: ReconstructionRow | None
    ) -> list[MetricRequest]:
        """What is left to compute of a reconstruction; all of it where there is none yet."""
        requests = []
        for planned in testset.families:
            if planned.missing:
                continue
            wanted = tuple(
                metric.name
                for metric in planned.metrics
                if row is None or row.codec != ORIGINAL or metric.no_reference
                if not self._is_known(testset, row, metric)
            )
            if wanted:
                chosen = planned.family.settings.model_dump(mode="json")
                settings = json.dumps(chosen, sort_keys=True)
                family = planned.family
                requests.append(MetricRequest(family.name, settings, wanted, family.compiled_by))
        return requests

    def _is_known(
        self, testset: PlannedTestSet, row: ReconstructionRow | None, metric: MetricRecord
    ) -> bool:
        if row is None:
            return False
        known = self._known.get((*row.key, metric.name))
        return (
            known is not None
            and (known.status in {"ok", "skipped"} or known.final)
            and known.audio_sha256 == row.audio_sha256
            and known.signature == metric.signature(row.signature, testset.scoring_rate)
        )

    def run(self, server: WarmServer) -> None:
        """Score what is offered until `close`.

        A process that dies or hangs costs the metric that it was computing.

        Args:
            server: Starts the processes.
        """
        with Writer(self._folder.root, ScoreRow, self._shard) as rows:
            for job, results in self._results(server):
                for result in results:
                    rows.write(self._row(self._testsets[job.testset], job, result))
                self._advance(len(results))

    def _row(self, testset: PlannedTestSet, job: ScoringJob, result: MetricResult) -> ScoreRow:
        row = self._reconstructions[job.testset, job.clip, job.codec]
        metric = next(m for m in testset.metrics if m.name == result.metric)
        return ScoreRow(
            testset=job.testset,
            clip=job.clip,
            codec=job.codec,
            metric=result.metric,
            value=result.value,
            status=result.status,
            reason=result.reason,
            seconds=result.seconds,
            signature=metric.signature(row.signature, testset.scoring_rate),
            audio_sha256=row.audio_sha256,
            final=result.final,
        )

    def _results(self, server: WarmServer) -> Iterator[tuple[ScoringJob, list[MetricResult]]]:
        """Send jobs to the processes, a few ahead, and yield the results as they come."""
        queue = self._new_queue()
        under_way: dict[Future[PairResults], ScoringJob] = {}
        closed = self._take(queue, wait=True)
        if not queue:
            return
        with scoring_processes(self._workers, server.context()) as pool:
            while not closed or queue or under_way:
                closed = closed or self._take(queue, wait=not (queue or under_way))
                while len(under_way) < 2 * self._workers and (job := queue.get()):
                    future = pool.schedule(worker.score_pair, args=[job], timeout=TIMEOUT_S)
                    under_way[future] = job
                for done in finished(pool, under_way):
                    job = under_way.pop(done)
                    try:
                        outcome = done.result()
                    except (ProcessExpired, TimeoutError) as error:
                        if len(job.requests) > 1:  # one by one, to learn which family it was
                            queue.done(job, [])
                            for request in job.requests:
                                queue.put(replace(job, requests=(request,)))
                            continue
                        outcome = PairResults(_lost(job.requests[0], error))
                    queue.done(job, outcome.results)
                    self.times.busy += outcome.busy_s
                    self.times.loading += outcome.loading_s
                    self.times.in_metrics += outcome.in_metrics_s
                    yield job, outcome.results

    def _new_queue(self) -> Queue:
        """Make a queue that knows what earlier runs measured."""
        queue = Queue()
        families = {
            metric.name: planned.family.name
            for testset in self._testsets.values()
            for planned in testset.families
            for metric in planned.metrics[:1]  # each row has the seconds of the whole family
        }
        for row in self._known.values():
            if row.status == "ok" and row.metric in families:
                heard = self._duration(row.testset, row.clip)
                queue.measured(families[row.metric], row.seconds, heard)
        return queue

    def _take(self, queue: Queue, *, wait: bool) -> bool:
        """Move what was offered into the queue; True once no more will come."""
        while wait or not self._offered.empty():
            job = self._offered.get()
            if job is None:
                return True
            queue.put(job)
            wait = False
        return False


def _lost(request: MetricRequest, error: ProcessExpired | TimeoutError) -> list[MetricResult]:
    final = False
    if isinstance(error, TimeoutError):
        reason = f"no answer within {TIMEOUT_S:.0f} s; the scoring process was ended"
    else:
        reason = f"the scoring process died ({_cause(error.exitcode)})"
        final = error.exitcode == -signal.SIGSEGV  # a fault of the code, not of the machine
    return [MetricResult(name, None, "failed", reason, 0.0, final) for name in request.metrics]


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"
