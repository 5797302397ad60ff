"""What runs inside a scoring process. Light to import: the work loads what it needs."""

import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from almbench.audio import Samples
    from almbench.metrics.base import Family

MOST_SAMPLES = 2**25  # that are kept of sounds: 35 minutes at 16 kHz, 270 MB
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
SCORED = "ALMBENCH_SCORED"  # in the environment of `preload`: metrics, or domains for all default


@dataclass(frozen=True)
class MetricRequest:
    """A metric family to compute: its name, its settings as JSON, and the metrics wanted.

    `compiled_by` names the package whose functions it compiles on first use, if it does.
    """

    family: str
    settings: str
    metrics: tuple[str, ...]
    compiled_by: str = ""


@dataclass(frozen=True)
class ScoringJob:
    """An original and a reconstruction to be scored.

    Attributes:
        testset: Name of the test set.
        clip: Id of the clip.
        codec: Id of the codec.
        original: FLAC file of the original.
        reconstruction: FLAC file of the reconstruction.
        scoring_rate: Rate in Hz that both pass through first.
        requests: What to compute.
        duration_s: Seconds of the original.
        text: What is said in the clip, where that is known.
    """

    testset: str
    clip: str
    codec: str
    original: str
    reconstruction: str
    scoring_rate: int
    requests: tuple[MetricRequest, ...]
    duration_s: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class MetricResult:
    """One metric of a pair, with the seconds its family's own code took for all its metrics.

    One that failed and is `final` would fail again.
    """

    metric: str
    value: float | None
    status: Literal["ok", "failed", "skipped", "unavailable"]
    reason: str
    seconds: float
    final: bool = False


@dataclass
class PairResults:
    """What a process returns for a pair.

    Attributes:
        results: One for each metric requested.
        busy_s: Seconds spent on the pair.
        loading_s: Seconds of those that imports, models and compilation took.
        in_metrics_s: Seconds of those inside the metrics' own code.
    """

    results: list[MetricResult]
    busy_s: float = 0.0
    loading_s: float = 0.0
    in_metrics_s: float = 0.0


class _Recent:
    """Keeps what was made last: so many things, of so many samples together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()

    def get(
        self, key: tuple[Any, ...], make: Callable[[], Any], samples: Callable[[Any], int]
    ) -> Any:
        """Return what is kept by a key, or make it."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key][0]
        made = make()
        self._held[key] = made, samples(made)
        while len(self._held) > self._most or sum(n for _, n in self._held.values()) > MOST_SAMPLES:
            self._held.popitem(last=False)
        return made


_sounds = _Recent(16)
_references = _Recent(32)  # what metric families know of originals


def start(environment: Mapping[str, str]) -> None:
    """Set a new process up: one thread, deaf to Ctrl-C, gone when its parent is gone.

    Args:
        environment: Its environment variables.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def score_pair(job: ScoringJob) -> PairResults:
    """Compute all that is requested of a job."""
    begin = time.perf_counter()
    pair = PairResults([])
    for request in job.requests:
        of_family, loading_s = _compute(job, request)
        pair.results.extend(of_family)
        pair.loading_s += loading_s
        pair.in_metrics_s += of_family[0].seconds
    pair.busy_s = time.perf_counter() - begin
    return pair


def _compute(job: ScoringJob, request: MetricRequest) -> tuple[list[MetricResult], float]:
    """Compute the metrics of a family; returns them and the seconds that loading it took."""
    start = begin = time.perf_counter()
    from almbench.errors import MetricUndefined, NotApplicable, Unavailable

    values: dict[str, float] = {}
    status: Literal["failed", "skipped", "unavailable"] = "failed"
    reason, final = "", False
    loading_s = 0.0
    try:
        _load(request.family, request.settings)
        begin = time.perf_counter()
        loading_s = begin - start
        length, reconstruction = _cut(job, request)
        begin = time.perf_counter()
        values = _values(job, request, length, reconstruction)
    except NotApplicable as error:
        status, reason = "skipped", str(error)
    except MetricUndefined as error:
        reason, final = str(error), True
    except Unavailable as error:
        status, reason = "unavailable", str(error)
    except Exception as error:  # a metric's fault costs its rows, with the reason recorded
        reason = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - begin
    results = [
        MetricResult(name, values[name], "ok", "", seconds)
        if name in values
        else MetricResult(name, None, status, reason, seconds, final)
        for name in request.metrics
    ]
    return results, loading_s


def _cut(job: ScoringJob, request: MetricRequest) -> "tuple[int, Samples]":
    """Bring both sounds to the family's rate; returns the shorter length and the reconstruction."""
    from almbench.errors import MetricUndefined

    rate = _family(request.family, request.settings).rate or job.scoring_rate
    original = _at_rate(job.original, job.scoring_rate, rate)
    reconstruction = _at_rate(job.reconstruction, job.scoring_rate, rate)
    length = min(len(original), len(reconstruction))
    if not length:
        raise MetricUndefined(f"nothing is left of the clip at {job.scoring_rate} Hz")
    return length, reconstruction[:length]


def _values(
    job: ScoringJob, request: MetricRequest, length: int, reconstruction: "Samples"
) -> dict[str, float]:
    from math import isfinite

    from almbench.errors import MetricUndefined

    family = _family(request.family, request.settings)
    prepared = _prepared(
        request.family, request.settings, job.original, job.scoring_rate, length, job.text
    )
    rate = family.rate or job.scoring_rate
    values = family.score(prepared, reconstruction, rate, request.metrics)
    for name, value in values.items():
        if not isfinite(value):
            raise MetricUndefined(f"{name} came out as {value}")
    return values


@cache
def _load(name: str, settings: str) -> None:
    """Import and load what a family needs, once in a process."""
    import almbench.audio  # noqa: F401 - with numpy

    _family(name, settings).load()


@cache
def _family(name: str, settings: str) -> "Family[Any]":
    import json

    from almbench.metrics.registry import make_family

    return make_family(name, json.loads(settings))


def _at_rate(path: str, scoring_rate: int, rate: int) -> "Samples":
    """Read a sound, bring it to the scoring rate and then to the metric's; kept for the next."""
    key = path, scoring_rate, rate
    made: Samples = _sounds.get(key, lambda: _read_at_rate(path, scoring_rate, rate), len)
    return made


def _read_at_rate(path: str, scoring_rate: int, rate: int) -> "Samples":
    from almbench.audio import read, resample

    if rate != scoring_rate:
        return resample(_at_rate(path, scoring_rate, scoring_rate), scoring_rate, rate)
    sound = read(Path(path))
    return resample(sound.samples, sound.rate, scoring_rate)


def _prepared(
    name: str, settings: str, path: str, scoring_rate: int, length: int, text: str
) -> Any:
    """Do a family's work on the original once for all codecs whose output has this length."""
    family = _family(name, settings)
    rate = family.rate or scoring_rate

    def prepare() -> Any:
        return family.prepare_with_text(_at_rate(path, scoring_rate, rate)[:length], rate, text)

    return _references.get(
        (name, settings, path, scoring_rate, length, text), prepare, lambda _: length
    )
