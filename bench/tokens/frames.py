"""Probes of single frames: what a code says of the sound at its time."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from almbench.audio import Sound, resample
from almbench.errors import MetricUndefined
from almbench.metrics import world
from almbench.metrics.base import Settings
from almbench.packages import missing_packages, release
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.tokens.folds import Task, cross_validate
from almbench.tokens.logmel import HOP, RATE, features, log_mels
from almbench.tokens.measure import ClipSet, Effort, Floats, Measure, TokenSet
from almbench.tokens.regression import PLAIN, regression, standardised

TARGETS = ("voicing", "f0_quartile", "energy_quartile")
QUARTILES = (0.25, 0.5, 0.75)
LEAST_CLUSTERS = 2
STEPS = 100  # of the regression, at most


class FrameSettings(Settings):
    """Settings of the probes of frames.

    Attributes:
        most_frames: Frames that take part, at most, drawn at random.
    """

    most_frames: int = Field(default=10_000, ge=100)


class FrameProbe(Measure[FrameSettings]):
    """Balanced accuracy of telling voicing, the quartile of F0 or that of energy from one frame.

    What is told is measured from the original at the middle of the frame: voicing and F0 by WORLD,
    energy as the power of 20 ms. Quartiles are those of all (voiced) frames that take part. The
    probe is a logistic regression on the one-hot codes of the frame alone, per book and for all
    books, tested on other clusters (speakers, recordings) than it learned from. The baseline takes
    the log-mel spectrum at that time.
    """

    name = "frame_probe"
    version = f"1, {release('pyworld')}"
    settings_type = FrameSettings
    uses_sound = True
    takes_labels = True

    def missing(self) -> str | None:
        """Say which packages are missing."""
        return missing_packages(["sklearn", "pyworld"], "'almbench[probe,world]'")

    def targets(self, clips: ClipSet, asked: Sequence[str]) -> list[str]:
        """All three, or those that were asked for; none without sound."""
        return [name for name in TARGETS if clips.read_sound and (not asked or name in asked)]

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Probe each book, and all books together.

        Raises:
            MetricUndefined: There is no frame rate, or there are not enough classes or clusters.
        """
        if not tokens.frame_rate:
            raise MetricUndefined("the frame rate is not known")
        lengths = [codes.shape[1] for codes in tokens.codes]
        task, places = self._task(tokens.clipset, lengths, tokens.frame_rate, 0.5, target, effort)
        codes = np.concatenate(tokens.codes, axis=1)[:, places]
        books = {str(k): codes[[k - 1]] for k in range(1, tokens.books + 1)}
        inputs = {**books, ALL_BOOKS: codes} if tokens.books > 1 else {ALL_BOOKS: codes}
        return [_probe(task, _one_hot(kept), book, effort) for book, kept in inputs.items()]

    def baseline(self, clips: ClipSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Probe log-mel spectra, whose frames are centred on their times.

        Raises:
            MetricUndefined: There are not enough classes or clusters.
        """
        spectra = log_mels(clips)
        lengths = [one.shape[1] for one in spectra]
        task, places = self._task(clips, lengths, RATE / HOP, 0.0, target, effort)
        x = standardised(np.concatenate(spectra, axis=1)[:, places].T)
        return [_probe(task, x, ALL_BOOKS, effort)]

    def _task(
        self,
        clips: ClipSet,
        lengths: Sequence[int],
        rate: float,
        middle: float,
        target: str,
        effort: Effort,
    ) -> tuple[Task, Any]:
        """The frames that take part, and their places among all frames, one clip after another."""
        heard = features(clips, contours)
        times = [(np.arange(length) + middle) / rate for length in lengths]
        pairs = list(zip(heard, times, strict=True))
        values = np.concatenate([one.at(when, target) for one, when in pairs])
        owners = np.repeat(clips.clusters, lengths)
        places = np.flatnonzero(np.isfinite(values))
        rng = np.random.default_rng(effort.seed)
        places = np.sort(rng.permutation(places)[: self.settings.most_frames])
        told = values[places]
        edges = [0.5] if target == "voicing" or not len(told) else np.quantile(told, QUARTILES)
        classes = np.searchsorted(edges, told, side="right")
        present = np.unique(classes)
        if len(present) < 2 or len(np.unique(owners[places])) < LEAST_CLUSTERS:
            raise MetricUndefined(f"{target}: it takes frames of two classes and of two clusters")
        labels = np.searchsorted(present, classes)
        names = tuple(str(one) for one in present)
        groups = owners[places]
        return Task(np.arange(len(places)), names, labels, groups, groups), places


class Contours(NamedTuple):
    """What is heard in a sound over time.

    Attributes:
        f0: F0 in Hz every 5 ms, 0 where unvoiced, **Shape** `[F]`.
        power: Power of 20 ms, centred, every 20 ms, **Shape** `[T]`.
    """

    f0: Floats
    power: Floats

    def at(self, times: Floats, target: str) -> Floats:
        """The values at times in seconds; NaN where there is none, as of F0 without voice."""
        held, step = (self.power, HOP / RATE) if target == "energy_quartile" else (self.f0, 0.005)
        found = held[np.minimum(np.round(times / step).astype(int), len(held) - 1)]
        if target == "f0_quartile":
            found = np.where(found > 0, found, np.nan)
        return np.asarray(found > 0 if target == "voicing" else found, np.float64)


def contours(sound: Sound) -> Contours:
    """Measure F0 by WORLD, and power, at 16 kHz."""
    samples = resample(sound.samples, sound.rate, RATE)
    padded = np.pad(samples, (HOP // 2, HOP + HOP // 2))
    power = (padded[: len(padded) // HOP * HOP].reshape(-1, HOP) ** 2).mean(axis=1)
    return Contours(world.pitch(samples).f0, power)


def _one_hot(codes: Any) -> Any:
    """Codes `[K, N]` as a sparse matrix of ones, **Shape** `[N, entries that occur]`."""
    from scipy.sparse import csr_matrix, hstack

    blocks = []
    for book in codes:
        used, columns = np.unique(book, return_inverse=True)
        ones = np.ones(len(book))
        blocks.append(csr_matrix((ones, (np.arange(len(book)), columns)), (len(book), len(used))))
    return hstack(blocks).tocsr()


def _probe(task: Task, x: Any, book: str, effort: Effort) -> ProbeValue:
    predict = regression(task, x, PLAIN, STEPS)
    return cross_validate(task, predict, "frame", book, effort.seed, "frame_accuracy")
