"""A case of `bench conformance`: a value of a metric that is known, and how to compute it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from almbench.audio import Samples, read, resample
from almbench.errors import Unavailable
from almbench.metrics.registry import family_of, make_family
from almbench.samples import folder

Pair = tuple[float, float]
"""The expected value, and the one that the metric gives."""


class Sounds:
    """The sounds of the cases: speech of the sample set, and files of the user's.

    Args:
        files: Folder of files that a metric's source publishes; None for none.
    """

    def __init__(self, files: Path | None) -> None:
        """Keep where the files are; a sound is read when it is asked for."""
        self._files = files

    @cached_property
    def speech(self) -> Samples:
        """Four seconds of speech at 16 kHz."""
        sound = read(min((folder() / "speech").glob("*.flac")))
        return resample(sound.samples, sound.rate, 16_000)[: 4 * 16_000]

    @cached_property
    def noisy(self) -> Samples:
        """The speech in white noise at 15 dB."""
        noise = np.random.default_rng(0).standard_normal(len(self.speech))
        level = np.sqrt(np.mean(self.speech**2) / 10**1.5)
        return np.asarray(self.speech + noise * level, np.float64)

    def file(self, name: str, rate: int) -> Samples:
        """A file of the user's, at a rate in Hz.

        Raises:
            Unavailable: It is not there.
        """
        if self._files is None:
            raise Unavailable(f"needs {name} (--files)")
        found = sorted(self._files.rglob(name))
        if not found:
            raise Unavailable(f"{name} is missing below --files {self._files}")
        sound = read(found[0])
        return resample(sound.samples, sound.rate, rate)


@dataclass(frozen=True)
class Case:
    """A value of a metric that is known.

    Attributes:
        metric: Name of the metric.
        name: What is computed.
        source: Where the expected value is from.
        tolerance: How far the value may lie from it.
        compute: Computes both from the sounds; raises `Unavailable` where something is missing.
    """

    metric: str
    name: str
    source: str
    tolerance: float
    compute: Callable[[Sounds], Pair]


def score(metric: str, reference: Samples, reconstruction: Samples, rate: int) -> float:
    """Compute a metric as a run does.

    Args:
        metric: Name of the metric.
        reference: **Shape** `[T]`.
        reconstruction: **Shape** `[T]`, or longer or shorter: both are cut.
        rate: Sample rate in Hz that the metric works at.

    Raises:
        Unavailable: A package is missing.
    """
    family = make_family(family_of(metric), {})
    if missing := family.missing():
        raise Unavailable(missing)
    length = min(len(reference), len(reconstruction))
    prepared = family.prepare(reference[:length], rate)
    return family.score(prepared, reconstruction[:length], rate, [metric])[metric]
