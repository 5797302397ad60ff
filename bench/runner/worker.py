"""What runs inside a scoring process. Light to import: the work loads what it needs."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from almbench.audio import Samples
    from almbench.metrics.base import Family

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Ask:
    """A metric family to compute: its name, its settings as JSON, and the metrics wanted."""

    family: str
    settings: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """An original and a reconstruction to be judged.

    Attributes:
        testset: Name of the test set.
        clip: Id of the clip.
        codec: Id of the codec.
        original: FLAC file of the original.
        reconstruction: FLAC file of the reconstruction.
        scoring_rate: Rate in Hz that both pass through first.
        asks: What to compute.
    """

    testset: str
    clip: str
    codec: str
    original: str
    reconstruction: str
    scoring_rate: int
    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Result:
    """One metric of a pair, with the seconds its family's own code took for all its metrics."""

    metric: str
    value: float | None
    status: Literal["ok", "failed", "skipped", "unavailable"]
    reason: str
    seconds: float


@dataclass(frozen=True)
class Answer:
    """What a process returns for a pair.

    Attributes:
        results: One for each metric asked.
        busy: Seconds spent on the pair.
        inside: Seconds of those inside the metrics' own code.
    """

    results: list[Result]
    busy: float
    inside: float


def start() -> None:
    """Set a new process up: one thread, deaf to Ctrl-C, gone when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def score_pair(pair: Pair) -> Answer:
    """Compute all that is asked of a pair."""
    begin = time.perf_counter()
    results, inside = [], 0.0
    for ask in pair.asks:
        of_family = _answer(pair, ask)
        results += of_family
        inside += of_family[0].seconds
    return Answer(results, time.perf_counter() - begin, inside)


def _answer(pair: Pair, ask: Ask) -> list[Result]:
    from almbench.errors import MetricUndefined, NotApplicable, Unavailable

    values: dict[str, float] = {}
    status: Literal["failed", "skipped", "unavailable"] = "failed"
    reason = ""
    begin = time.perf_counter()
    try:
        length, reconstruction = _cut(pair, ask)
        begin = time.perf_counter()
        values = _values(pair, ask, length, reconstruction)
    except NotApplicable as error:
        status, reason = "skipped", str(error)
    except MetricUndefined as error:
        reason = str(error)
    except Unavailable as error:
        status, reason = "unavailable", str(error)
    except Exception as error:  # a metric's fault costs its rows, with the reason recorded
        reason = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - begin
    return [
        Result(name, values[name], "ok", "", seconds)
        if name in values
        else Result(name, None, status, reason, seconds)
        for name in ask.metrics
    ]


def _cut(pair: Pair, ask: Ask) -> "tuple[int, Samples]":
    """Bring both sounds to the family's rate; returns the shorter length and the reconstruction."""
    from almbench.errors import MetricUndefined

    rate = _family(ask.family, ask.settings).rate or pair.scoring_rate
    original = _at_rate(pair.original, pair.scoring_rate, rate)
    reconstruction = _at_rate(pair.reconstruction, pair.scoring_rate, rate)
    length = min(len(original), len(reconstruction))
    if not length:
        raise MetricUndefined(f"nothing is left of the clip at {pair.scoring_rate} Hz")
    return length, reconstruction[:length]


def _values(pair: Pair, ask: Ask, length: int, reconstruction: "Samples") -> dict[str, float]:
    from math import isfinite

    from almbench.errors import MetricUndefined

    family = _family(ask.family, ask.settings)
    prepared = _prepared(ask.family, ask.settings, pair.original, pair.scoring_rate, length)
    rate = family.rate or pair.scoring_rate
    values = family.score(prepared, reconstruction, rate, ask.metrics)
    for name, value in values.items():
        if not isfinite(value):
            raise MetricUndefined(f"{name} came out as {value}")
    return values


@cache
def _family(name: str, settings: str) -> "Family[Any]":
    import json

    from almbench.metrics.registry import make_family

    return make_family(name, json.loads(settings))


@lru_cache(maxsize=16)
def _at_rate(path: str, scoring_rate: int, rate: int) -> "Samples":
    """Read a sound, bring it to the scoring rate and then to the metric's; kept for the next."""
    from almbench.audio import read, resample

    if rate != scoring_rate:
        return resample(_at_rate(path, scoring_rate, scoring_rate), scoring_rate, rate)
    sound = read(Path(path))
    return resample(sound.samples, sound.rate, scoring_rate)


@lru_cache(maxsize=32)
def _prepared(name: str, settings: str, path: str, scoring_rate: int, length: int) -> Any:
    """Do a family's work on the original once for all codecs whose output has this length."""
    family = _family(name, settings)
    rate = family.rate or scoring_rate
    return family.prepare(_at_rate(path, scoring_rate, rate)[:length], rate)
