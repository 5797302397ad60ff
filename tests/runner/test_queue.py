"""In which order pairs are scored."""

from almbench.runner.queue import Queue
from almbench.runner.worker import MetricRequest, MetricResult, ScoringJob

STOI = MetricRequest("stoi", "{}", ("stoi", "estoi"))
PESQ = MetricRequest("pesq_wb", "{}", ("pesq_wb",))
VISQOL = MetricRequest("visqol_speech", "{}", ("visqol_speech",), compiled_by="visqol")


def job(
    clip: str, codec: str, seconds: float, *requests: MetricRequest, testset: str = "t"
) -> ScoringJob:
    return ScoringJob(testset, clip, codec, "", "", 16_000, requests or (STOI,), seconds)


def took(job: ScoringJob, seconds: float) -> list[MetricResult]:
    return [
        MetricResult(metric, 1.0, "ok", "", seconds) for r in job.requests for metric in r.metrics
    ]


def emptied(queue: Queue) -> list[str]:
    order = []
    while one := queue.get():
        order.append(f"{one.testset}/{one.clip}/{one.codec}")
    return order


def test_long_clips_come_first_and_the_codecs_of_a_clip_together() -> None:
    queue = Queue()
    for codec in ("x", "y"):
        for clip, seconds in (("short", 1.0), ("long", 9.0), ("same", 9.0)):
            queue.put(job(clip, codec, seconds))
    assert len(queue) == 6
    assert emptied(queue) == [
        "t/long/x", "t/long/y", "t/same/x", "t/same/y", "t/short/x", "t/short/y"
    ]  # fmt: skip
    assert len(queue) == 0
    assert queue.get() is None


def test_what_is_slow_as_measured_comes_before_what_is_long() -> None:
    queue = Queue()
    queue.put(job("long", "x", 10.0, STOI, testset="fast"))
    queue.put(job("short", "x", 5.0, PESQ, testset="slow"))
    queue.measured("stoi", 1.0, 10.0)
    assert queue.cost(job("c", "x", 10.0, PESQ)) == float("inf")
    queue.done(job("c", "x", 4.0, PESQ), took(job("c", "x", 4.0, PESQ), 2.0))
    queue.measured("pesq_wb", 2.0, 4.0)
    assert queue.cost(job("c", "x", 10.0, PESQ)) == 5.0
    assert queue.cost(job("c", "x", 10.0, PESQ, STOI)) == 6.0
    assert emptied(queue) == ["slow/short/x", "fast/long/x"]


def test_what_was_never_measured_is_tried_first() -> None:
    queue = Queue()
    queue.measured("stoi", 100.0, 1.0)
    queue.put(job("c", "x", 10.0, STOI, testset="known"))
    queue.put(job("c", "x", 1.0, PESQ, testset="unknown"))
    assert emptied(queue) == ["unknown/c/x", "known/c/x"]


def test_one_job_compiles_and_the_others_do_without_meanwhile() -> None:
    queue = Queue()
    for clip in "abc":
        queue.put(job(clip, "x", 1.0, STOI, VISQOL))
    queue.put(job("d", "x", 1.0, VISQOL))
    first = queue.get()
    assert first is not None
    assert first.requests == (STOI, VISQOL)
    others = [one for one in iter(queue.get, None) if one]
    assert [one.requests for one in others] == [(STOI,), (STOI,)]
    assert len(queue) == 0
    queue.done(others[0], took(others[0], 1.0))
    assert queue.get() is None  # still compiling
    queue.done(first, took(first, 1.0))
    rest = [one for one in iter(queue.get, None) if one]
    assert [(one.clip, one.requests) for one in rest] == [(clip, (VISQOL,)) for clip in "bcd"]


def test_a_process_that_dies_compiling_holds_nothing_back() -> None:
    queue = Queue()
    queue.put(job("a", "x", 1.0, VISQOL))
    queue.put(job("b", "x", 1.0, VISQOL))
    first = queue.get()
    assert first is not None
    assert queue.get() is None
    queue.done(first, [])
    assert emptied(queue) == ["t/b/x"]
