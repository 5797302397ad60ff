"""Stage three: judge each reconstruction against its original, in processes that may die."""

import json
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from multiprocessing import get_context
from queue import SimpleQueue

from pebble import ProcessExpired, ProcessPool

from almbench import policies
from almbench.results.records import ReconstructionRow, ScoreRow, Writer, read_rows, signature
from almbench.results.runfolder import RunFolder
from almbench.runner import worker
from almbench.runner.plan import Judge, TestSet
from almbench.runner.worker import Answer, Ask, Pair, Result

POLL_S = 0.5  # seconds between looks for new pairs
TIMEOUT_S = 600.0  # for one pair; covers the one-time compilation that some metrics need


def score_signature(reconstruction: str, judge: Judge, metric: str, scoring_rate: int) -> str:
    """Hash what can change a score."""
    family = judge.family
    settings = family.settings.model_dump()
    return signature(
        policies.VERSION, reconstruction, metric, family.version(), settings, scoring_rate
    )


@dataclass
class Times:
    """Where the workers' time went, in seconds: in all, and inside the metrics' own code."""

    busy: float = 0.0
    inside: float = 0.0
    pairs: int = 0


class Scorer:
    """Scores the reconstructions of a run as they come.

    Args:
        folder: The run folder.
        testsets: The test sets.
        workers: How many processes, each with one thread.
        shard: Suffix of the rows file.
        advance: Called with the number of scores that are settled.
    """

    def __init__(
        self,
        folder: RunFolder,
        testsets: list[TestSet],
        workers: int,
        shard: str,
        advance: Callable[[int], None],
    ) -> None:
        """Read what earlier runs did."""
        self._folder = folder
        self._testsets = {testset.name: testset for testset in testsets}
        self._workers = workers
        self._shard = shard
        self._advance = advance
        self._known = read_rows(folder.root, ScoreRow)
        self._reconstructions: dict[tuple[str, ...], ReconstructionRow] = {}
        self._offered: SimpleQueue[Pair | None] = SimpleQueue()
        self.times = Times()

    @staticmethod
    def scores_of(testset: TestSet) -> int:
        """How many scores a reconstruction in this test set has."""
        return sum(len(judge.metrics) for judge in testset.judges)

    def offer(self, row: ReconstructionRow) -> None:
        """Take a reconstruction; what is not scored yet is queued. May be called by any thread."""
        testset = self._testsets[row.testset]
        asks = self._asks(testset, row) if row.status == "ok" else []
        self._advance(self.scores_of(testset) - sum(len(ask.metrics) for ask in asks))
        if asks:
            self._reconstructions[row.key] = row
            self._offered.put(self._pair(testset, row, asks))

    def close(self) -> None:
        """Say that no more will be offered."""
        self._offered.put(None)

    def _pair(self, testset: TestSet, row: ReconstructionRow, asks: list[Ask]) -> Pair:
        return Pair(
            testset=testset.name,
            clip=row.clip,
            codec=row.codec,
            original=str(self._folder.original(testset.name, row.clip)),
            reconstruction=str(self._folder.audio(testset.name, row.codec, row.clip)),
            scoring_rate=testset.scoring_rate,
            asks=tuple(asks),
        )

    def _asks(self, testset: TestSet, row: ReconstructionRow) -> list[Ask]:
        asks = []
        for judge in testset.judges:
            if judge.missing:
                continue
            wanted = tuple(
                m.name for m in judge.metrics if not self._is_known(testset, judge, row, m.name)
            )
            if wanted:
                settings = json.dumps(judge.family.settings.model_dump(), sort_keys=True)
                asks.append(Ask(judge.family.name, settings, wanted))
        return asks

    def _is_known(
        self, testset: TestSet, judge: Judge, row: ReconstructionRow, metric: str
    ) -> bool:
        known = self._known.get((*row.key, metric))
        return (
            known is not None
            and known.status in {"ok", "skipped"}
            and known.audio_sha256 == row.audio_sha256
            and known.signature
            == score_signature(row.signature, judge, metric, testset.scoring_rate)
        )

    def run(self) -> None:
        """Score what is offered until `close`.

        A process that dies or hangs costs the metric that it was computing.
        """
        with Writer(self._folder.root, ScoreRow, self._shard) as rows:
            for pair, results in self._results():
                for result in results:
                    rows.write(self._row(self._testsets[pair.testset], pair, result))
                self._advance(len(results))

    def _row(self, testset: TestSet, pair: Pair, result: Result) -> ScoreRow:
        row = self._reconstructions[pair.testset, pair.clip, pair.codec]
        judge = next(j for j in testset.judges if any(m.name == result.metric for m in j.metrics))
        return ScoreRow(
            testset=pair.testset,
            clip=pair.clip,
            codec=pair.codec,
            metric=result.metric,
            value=result.value,
            status=result.status,
            reason=result.reason,
            seconds=result.seconds,
            signature=score_signature(row.signature, judge, result.metric, testset.scoring_rate),
            audio_sha256=row.audio_sha256,
        )

    def _results(self) -> Iterator[tuple[Pair, list[Result]]]:
        """Send pairs to the processes, a few ahead, and yield the answers as they come."""
        queue: deque[Pair] = deque()
        under_way: dict[Future[Answer], Pair] = {}
        closed = False
        pool = ProcessPool(
            max_workers=self._workers, initializer=worker.start, context=get_context("spawn")
        )
        try:
            while not closed or queue or under_way:
                closed = closed or self._take(queue, wait=not (queue or under_way))
                while queue and len(under_way) < 2 * self._workers:
                    pair = queue.popleft()
                    future = pool.schedule(worker.score_pair, args=[pair], timeout=TIMEOUT_S)
                    under_way[future] = pair
                for done in wait(under_way, POLL_S, return_when=FIRST_COMPLETED).done:
                    pair = under_way.pop(done)
                    try:
                        answer = done.result()
                    except (ProcessExpired, TimeoutError) as error:
                        if len(pair.asks) > 1:  # ask one by one, to learn which metric it was
                            queue.extendleft(replace(pair, asks=(ask,)) for ask in pair.asks)
                            continue
                        answer = Answer(_lost(pair.asks[0], error), 0.0, 0.0)
                    self.times.busy += answer.busy
                    self.times.inside += answer.inside
                    self.times.pairs += 1
                    yield pair, answer.results
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _take(self, queue: deque[Pair], *, wait: bool) -> bool:
        """Move what was offered into the queue; True once no more will come."""
        while wait or not self._offered.empty():
            pair = self._offered.get()
            if pair is None:
                return True
            queue.append(pair)
            wait = False
        return False


def _lost(ask: Ask, error: ProcessExpired | TimeoutError) -> list[Result]:
    if isinstance(error, TimeoutError):
        reason = f"no answer within {TIMEOUT_S:.0f} s; the scoring process was ended"
    else:
        reason = f"the scoring process died ({_cause(error.exitcode)})"
    return [Result(name, None, "failed", reason, 0.0) for name in ask.metrics]


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"
