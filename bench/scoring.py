"""Stage three: judge each reconstruction against its original, in processes that may die."""

import json
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from multiprocessing import get_context

from pebble import ProcessExpired, ProcessPool

from almbench import policies, worker
from almbench.plan import Judge, TestSet
from almbench.records import ReconstructionRow, ScoreRow, Writer, read_rows, signature
from almbench.runfolder import RunFolder
from almbench.testsets import Clip
from almbench.worker import Answer, Ask, Pair, Result

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


class Scorer:
    """Scores the reconstructions of a run.

    Args:
        folder: The run folder.
        workers: How many processes, each with one thread.
        shard: Suffix of the rows file.
    """

    def __init__(self, folder: RunFolder, workers: int, shard: str) -> None:
        """Read what earlier runs did."""
        self._folder = folder
        self._workers = workers
        self._shard = shard
        self._reconstructions = read_rows(folder.root, ReconstructionRow)
        self._known = read_rows(folder.root, ScoreRow)
        self.times = Times()

    def pending(self, work: list[tuple[TestSet, list[Clip]]]) -> list[Pair]:
        """List what is not scored yet, clip by clip, so that an original is read once a worker."""
        pairs = []
        for testset, clips in work:
            for clip in clips:
                for entry in testset.entries:
                    row = self._reconstructions.get((testset.name, clip.id, entry.spec.id))
                    if row and row.status == "ok" and (asks := self._asks(testset, row)):
                        pairs.append(self._pair(testset, row, asks))
        return pairs

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

    def run(
        self, plan: dict[str, TestSet], pairs: list[Pair], advance: Callable[[int], None]
    ) -> None:
        """Score pairs; a process that dies or hangs costs the metric that it was computing.

        Args:
            plan: The test sets by name.
            pairs: What `pending` listed.
            advance: Called with the number of rows written.
        """
        with Writer(self._folder.root, ScoreRow, self._shard) as rows:
            for pair, results in self._results(pairs):
                for result in results:
                    rows.write(self._row(plan[pair.testset], pair, result))
                advance(len(results))

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

    def _results(self, pairs: list[Pair]) -> Iterator[tuple[Pair, list[Result]]]:
        """Send pairs to the processes, a few ahead, and yield the answers as they come."""
        queue = deque(pairs)
        under_way: dict[Future[Answer], Pair] = {}
        pool = ProcessPool(
            max_workers=max(1, min(self._workers, len(pairs))),
            initializer=worker.start,
            context=get_context("spawn"),
        )
        try:
            while queue or under_way:
                while queue and len(under_way) < 2 * self._workers:
                    pair = queue.popleft()
                    future = pool.schedule(worker.score_pair, args=[pair], timeout=TIMEOUT_S)
                    under_way[future] = pair
                for done in wait(under_way, return_when=FIRST_COMPLETED).done:
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
                    yield pair, answer.results
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


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
