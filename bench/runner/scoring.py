"""Stage three: score each reconstruction against its original, in processes that may die."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from queue import SimpleQueue

from pebble import ProcessExpired

from almbench.names import ORIGINAL
from almbench.results.metric_record import MetricRecord
from almbench.results.records import ReconstructionRow, ScoreRow
from almbench.results.runfolder import RunFolder
from almbench.runner import worker
from almbench.runner.ledger import Ledger
from almbench.runner.plan import PlannedTestSet
from almbench.runner.processes import finished, scoring_processes
from almbench.runner.queue import Queue
from almbench.runner.units import Unit
from almbench.runner.warm import WarmServer
from almbench.runner.worker import MetricRequest, MetricResult, PairResults, ScoringJob

AHEAD = 64  # pairs a process that are claimed ahead; the longest of them are scored first
TIMEOUT_S = 600.0  # for one pair; covers the one-time compilation that some metrics need
MORE_S = 10.0  # for each second of it


@dataclass
class Times:
    """Where the workers' time went, in seconds: in all, for loading, inside the metrics' code."""

    busy: float = 0.0
    loading: float = 0.0
    in_metrics: float = 0.0
    pairs: int = 0


@dataclass
class Offer:
    """A unit of scoring: its reconstructions, and the rows that there are of it so far."""

    unit: Unit
    pairs: list[ReconstructionRow]
    missing: int = 0  # scores still to come
    rows: list[ScoreRow] = field(default_factory=list)


class Scorer:
    """Scores the reconstructions of a run as they come.

    Args:
        folder: The run folder.
        testsets: The test sets.
        workers: How many processes, each with one thread.
        ledger: What is done, and the claims.
        advance: Called with the number of scores that are settled.
        keep: Called with the number of scores that were settled already.
        on_scored: Called with the reconstructions of a unit, once its scores are written.
    """

    def __init__(
        self,
        folder: RunFolder,
        testsets: list[PlannedTestSet],
        workers: int,
        ledger: Ledger,
        advance: Callable[[int], None],
        keep: Callable[[int], None],
        on_scored: Callable[[list[ReconstructionRow]], None] = lambda _: None,
    ) -> None:
        """Begin with nothing to do."""
        self._folder = folder
        self._testsets = {testset.name: testset for testset in testsets}
        self._texts = {(t.name, clip.id): clip.text for t in testsets for clip in t.clips}
        self._workers = workers
        self._ledger = ledger
        self._advance = advance
        self._keep = keep
        self._on_scored = on_scored
        self._offered: SimpleQueue[Offer | None] = SimpleQueue()
        self._waiting: list[tuple[tuple[str, ...], int, Offer]] = []
        self._numbers = count()
        self._offer_of: dict[tuple[str, ...], Offer] = {}  # of what is claimed
        self._closed = False
        self.left: list[Offer] = []
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

    def offer(self, testset: str, codec: str, pairs: list[ReconstructionRow]) -> None:
        """Take the reconstructions of a unit, or originals as such; what is not scored is queued.

        May be called by any thread.
        """
        scores = self.scores_of(self._testsets[testset], codec)
        ok = [row for row in pairs if row.status == "ok"]
        self._advance(scores * (len(pairs) - len(ok)))  # there is nothing to score
        if ok and scores:
            unit = Unit(ScoreRow, testset, (codec,), tuple(row.clip for row in pairs))
            self._offer(Offer(unit, ok))

    def _offer(self, offer: Offer) -> None:
        """Queue a unit, or take note that nothing is left of it to do."""
        if any(self._wanted(row) for row in offer.pairs):
            self._offered.put(offer)
        else:
            testset = self._testsets[offer.unit.testset]
            self._keep(self.scores_of(testset, offer.unit.codecs[0]) * len(offer.pairs))

    def _wanted(self, row: ReconstructionRow) -> list[MetricRequest]:
        return self.requests(self._testsets[row.testset], row)

    def close(self) -> None:
        """Say that no more will be offered, until what is `left` is offered again."""
        self._offered.put(None)

    def offer_left(self) -> None:
        """Offer again what other workers had."""
        left, self.left = self.left, []
        for offer in left:
            self._offer(offer)

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
            text=self._texts.get((testset.name, row.clip), ""),
        )

    def _duration(self, testset: str, clip: str) -> float:
        original = self._ledger.originals.get((testset, clip))
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

    def is_settled(self, row: ReconstructionRow) -> bool:
        """Whether a sound is needed no more: it need not be kept, and has all its scores."""
        testset = self._testsets[row.testset]
        if testset.kept is None or row.clip in testset.kept:
            return False
        return all(
            self._is_known(testset, row, metric, retry=True)
            for planned in testset.families
            if not planned.missing
            for metric in planned.metrics
            if row.codec != ORIGINAL or metric.no_reference
        )

    def _is_known(
        self,
        testset: PlannedTestSet,
        row: ReconstructionRow | None,
        metric: MetricRecord,
        *,
        retry: bool = False,
    ) -> bool:
        """Whether a score holds; what failed just now does, where it is not to be tried again."""
        if row is None:
            return False
        known = self._ledger.scores.get((*row.key, metric.name))
        fresh = known is not None and not retry and self._ledger.is_fresh(known)
        return (
            known is not None
            and (known.status in {"ok", "skipped"} or known.final or fresh)
            and known.audio_sha256 == row.audio_sha256
            and known.signature == self._signature(testset, row, metric)
        )

    def _signature(
        self, testset: PlannedTestSet, row: ReconstructionRow, metric: MetricRecord
    ) -> str:
        text = self._texts.get((testset.name, row.clip), "")
        return metric.signature(row.signature, testset.scoring_rate, text)

    def run(self, server: WarmServer) -> None:
        """Score what is offered until `close`; what other workers have is `left`.

        A process that dies or hangs costs the metric that it was computing.

        Args:
            server: Starts the processes.
        """
        try:
            for job, results in self._results(server):
                self._keep_results(job, results)
                self._advance(len(results))
        finally:
            for offer in {id(offer): offer for offer in self._offer_of.values()}.values():
                self._ledger.finish(offer.unit, offer.rows)  # as far as it got
            self._offer_of.clear()

    def _keep_results(self, job: ScoringJob, results: list[MetricResult]) -> None:
        offer = self._offer_of[job.testset, job.clip, job.codec]
        pair = next(row for row in offer.pairs if row.clip == job.clip)
        testset = self._testsets[job.testset]
        offer.rows += [self._row(testset, job, pair, result) for result in results]
        offer.missing -= len(results)
        if not offer.missing:
            self._ledger.finish(offer.unit, offer.rows)
            self._on_scored(offer.pairs)
            for row in offer.pairs:
                self._offer_of.pop(row.key, None)

    def _row(
        self,
        testset: PlannedTestSet,
        job: ScoringJob,
        row: ReconstructionRow,
        result: MetricResult,
    ) -> ScoreRow:
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
            signature=self._signature(testset, row, metric),
            audio_sha256=row.audio_sha256,
            final=result.final,
        )

    def _results(self, server: WarmServer) -> Iterator[tuple[ScoringJob, list[MetricResult]]]:
        """Send jobs to the processes, a few ahead, and yield the results as they come."""
        queue = self._new_queue()
        under_way: dict[Future[PairResults], ScoringJob] = {}
        closed = False
        while not closed and not queue:
            closed = self._take(queue, wait=True)
        if not queue:
            return
        with scoring_processes(self._workers, server.context()) as pool:
            while not closed or queue or under_way:
                closed = closed or self._take(queue, wait=not (queue or under_way or self._waiting))
                while len(under_way) < 2 * self._workers and (job := queue.get()):
                    future = pool.schedule(worker.score_pair, args=[job], timeout=time_limit(job))
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
                        outcome = PairResults(_lost(job, error))
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
        for row in list(self._ledger.scores.values()):
            if row.status == "ok" and row.metric in families:
                heard = self._duration(row.testset, row.clip)
                queue.measured(families[row.metric], row.seconds, heard)
        return queue

    def _take(self, queue: Queue, *, wait: bool) -> bool:
        """Move what was offered, and can be claimed, into the queue; True once nothing is to come.

        No more is claimed than is done soon: the rest is there for other workers.
        """
        closed = self._closed
        while not closed and (wait or not self._offered.empty()):
            wait = False
            if (offer := self._offered.get()) is None:
                closed = True
            else:  # the codecs of a block follow one another
                unit = offer.unit
                heappush(self._waiting, ((unit.testset, *unit.clips), next(self._numbers), offer))
        self._closed = closed
        while self._waiting and len(queue) < AHEAD * self._workers:
            self._claim(heappop(self._waiting)[-1], queue)
        if closed and not self._waiting:
            self._closed = False
            return True
        return False

    def _claim(self, offer: Offer, queue: Queue) -> None:
        if not self._ledger.take(offer.unit):
            self.left.append(offer)
            return
        testset = self._testsets[offer.unit.testset]
        scores = self.scores_of(testset, offer.unit.codecs[0]) * len(offer.pairs)
        jobs = [
            self._job(testset, row, requests)
            for row in offer.pairs
            if (requests := self._wanted(row))
        ]
        offer.missing = sum(len(request.metrics) for job in jobs for request in job.requests)
        self._keep(scores - offer.missing)
        if not jobs:  # another worker did it meanwhile
            self._ledger.drop(offer.unit)
            return
        self._offer_of |= {row.key: offer for row in offer.pairs}
        self.times.pairs += len(jobs)
        for job in jobs:
            queue.put(job)


def time_limit(job: ScoringJob) -> float:
    """Seconds that a pair may take."""
    return TIMEOUT_S + MORE_S * job.duration_s


def _lost(job: ScoringJob, error: ProcessExpired | TimeoutError) -> list[MetricResult]:
    final = False
    if isinstance(error, TimeoutError):
        reason = f"no answer within {time_limit(job):.0f} s; the scoring process was ended"
    else:
        reason = f"the scoring process died ({_cause(error.exitcode)})"
        final = error.exitcode == -signal.SIGSEGV  # a fault of the code, not of the machine
    return [
        MetricResult(name, None, "failed", reason, 0.0, final) for name in job.requests[0].metrics
    ]


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"
