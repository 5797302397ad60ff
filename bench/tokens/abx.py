"""ABX: whether words are nearer to the same word than to another one, within and across speakers.

The task and its averages are those of the Zero Resource Speech Challenge: T. Schatz et al.,
"Evaluating speech features with the minimal-pair ABX task", Interspeech 2013; T. A. Nguyen et al.,
"The Zero Resource Speech Benchmark 2021", 2020. A is an utterance of a word, X another utterance of
it, and B one of another word: the error is the share of triples in which X is nearer to B than to
A, equal distances counting half.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations

import numpy as np
from pydantic import Field

from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.statistics.jackknife import jackknife_interval
from almbench.tokens.dtw import Distance, angular, dtw, hamming
from almbench.tokens.logmel import log_mels
from almbench.tokens.measure import ClipSet, Effort, Floats, Measure, TokenSet
from almbench.tokens.turns import in_turns

COLUMNS = ("word", "digit", "phone", "text")  # what ABX is computed of unless told
SPEAKER = "speaker"
CHANCE = 0.5


class AbxSettings(Settings):
    """Settings of ABX.

    Attributes:
        most_clips: Clips that take part at most, drawn at random, words alike: the work grows with
            their square.
        most_across: Speakers of X at most, drawn at random, for each speaker of A and B; 5 as in
            ZeroSpeech.
    """

    most_clips: int = Field(default=300, ge=3)
    most_across: int = Field(default=5, ge=1)


@dataclass(frozen=True)
class Cell:
    """Triples of one kind, whose errors are averaged first.

    Attributes:
        words: The word of A and X, and that of B.
        speakers: The speaker of A and B, and that of X.
        a: Numbers of the clips of A.
        b: Of B.
        x: Of X.
    """

    words: tuple[str, str]
    speakers: tuple[str, str]
    a: tuple[int, ...]
    b: tuple[int, ...]
    x: tuple[int, ...]

    def error(self, distances: Floats) -> float:
        """Share of the triples in which X is nearer to B, by distances **Shape** `[N, N]`."""
        to_a = distances[np.ix_(self.x, self.a)][:, :, None]
        to_b = distances[np.ix_(self.x, self.b)][:, None, :]
        wrong = (to_b < to_a) + 0.5 * (to_b == to_a)
        counts = np.array([[a != x for a in self.a] for x in self.x])[:, :, None]
        return float((wrong * counts).sum() / (counts.sum() * len(self.b)))


def make_cells(
    words: Sequence[str], speakers: Sequence[str], most_across: int, seed: int
) -> dict[str, list[Cell]]:
    """Lay out the triples of both tasks.

    Args:
        words: The word of each clip; empty for a clip that takes no part.
        speakers: The speaker of each clip; empty where unknown.
        most_across: Speakers of X at most, for each speaker of A and B.
        seed: Draws them.

    Returns:
        `within`: A, B and X of one speaker. `across`: A and B of one, X of another.
    """
    rng = np.random.default_rng(seed)
    said: dict[str, dict[str, list[int]]] = {}
    for i, (word, speaker) in enumerate(zip(words, speakers, strict=True)):
        if word and speaker:
            said.setdefault(word, {}).setdefault(speaker, []).append(i)
    cells: dict[str, list[Cell]] = {"within": [], "across": []}
    for first, second in permutations(sorted(said), 2):
        for speaker in sorted(set(said[first]) & set(said[second])):
            a, b = tuple(said[first][speaker]), tuple(said[second][speaker])
            if len(a) > 1:
                cells["within"].append(Cell((first, second), (speaker, speaker), a, b, a))
            others = [name for name in sorted(said[first]) if name != speaker]
            if len(others) > most_across:
                others = [others[i] for i in sorted(rng.permutation(len(others))[:most_across])]
            for other in others:
                x = tuple(said[first][other])
                cells["across"].append(Cell((first, second), (speaker, other), a, b, x))
    return cells


def mean_error(cells: Sequence[Cell], errors: Floats) -> float:
    """Average over the speakers of X, then those of A and B, then the pairs of words."""
    nested: dict[tuple[str, str], dict[str, list[float]]] = {}
    for cell, error in zip(cells, errors, strict=True):
        nested.setdefault(cell.words, {}).setdefault(cell.speakers[0], []).append(error)
    of_pairs = [np.mean([np.mean(e) for e in of.values()]) for of in nested.values()]
    return float(np.mean(of_pairs))


class Abx(Measure[AbxSettings]):
    """ABX error of words, within and across speakers, per book and of all books.

    Utterances are compared by dynamic time warping. Inputs: `one-hot`, where the distance of two
    frames is the share of the books whose codes differ, and `vectors`, the angle between
    dequantised vectors, for codecs that show them. The baseline is the angle between log-mel
    spectra, the mean of each band over the test set taken off.
    """

    name = "abx"
    version = "1"
    settings_type = AbxSettings
    uses_codec = True
    takes_labels = True

    def targets(self, clips: ClipSet, asked: Sequence[str]) -> list[str]:
        """The columns that were asked for, else those that hold words by their names."""
        there = [name for name in asked or COLUMNS if name != SPEAKER and any(clips.labels(name))]
        return there if asked else there[:1]

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Compute the errors of each book, of all books, and of the vectors.

        Raises:
            MetricUndefined: No two words are said by one speaker.
        """
        there = [i for i, codes in enumerate(tokens.codes) if codes.shape[1]]
        task = _Task(tokens.clipset, target, there, self.settings, effort)
        lengths = [codes.shape[1] for codes in tokens.codes]
        found: list[ProbeValue] = []
        if tokens.books > 1:
            for k in range(tokens.books):
                one = hamming([codes[k : k + 1] for codes in tokens.codes])
                found += task.values(lengths, one, "one-hot", str(k + 1))
        found += task.values(lengths, hamming(tokens.codes), "one-hot", ALL_BOOKS)
        try:
            distance = angular(tokens.vectors())
        except MetricUndefined as error:
            none = ProbeValue(measure="abx_error_across", input="vectors", reason=str(error))
            return [*found, none]
        return found + task.values(lengths, distance, "vectors", ALL_BOOKS)

    def baseline(self, clips: ClipSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Compute the errors of log-mel spectra.

        Raises:
            MetricUndefined: No two words are said by one speaker, or there is no sound.
        """
        spectra = log_mels(clips)
        task = _Task(clips, target, range(len(spectra)), self.settings, effort)
        centre = np.mean([one.mean(1) for one in spectra], axis=0)[:, None]
        distance = angular([one - centre for one in spectra])
        found = task.values([one.shape[1] for one in spectra], distance, "one-hot", ALL_BOOKS)
        return found + [value.model_copy(update={"input": "vectors"}) for value in found]


class _Task:
    """The triples of a test set, and the pairs of clips whose distances they need."""

    def __init__(
        self,
        clips: ClipSet,
        target: str,
        there: Sequence[int],
        settings: AbxSettings,
        effort: Effort,
    ) -> None:
        words, speakers = clips.labels(target), clips.labels(SPEAKER)
        places = [i for i in there if words[i]]
        turns = in_turns([words[i] for i in places], settings.most_clips, effort.seed)
        drawn = {places[turn] for turn in turns}
        kept = [word if i in drawn else "" for i, word in enumerate(words)]
        self._cells = make_cells(kept, speakers, settings.most_across, effort.seed)
        self._count = len(words)
        if not self._cells["across"] and not self._cells["within"]:
            raise MetricUndefined(
                f"{target}: no speaker says two of the words, one of which is said a second time"
            )
        self._pairs = sorted(
            {
                (min(x, other), max(x, other))
                for cells in self._cells.values()
                for cell in cells
                for x in cell.x
                for other in (*cell.a, *cell.b)
                if x != other
            }
        )

    def values(
        self, lengths: Sequence[int], distance: Distance, input_: str, book: str
    ) -> list[ProbeValue]:
        """The errors of both tasks by a distance of frames."""
        table = np.zeros((self._count, self._count))
        rows, columns = np.array(self._pairs).T
        table[rows, columns] = table[columns, rows] = dtw(self._pairs, lengths, distance)
        return [_value(name, cells, table, input_, book) for name, cells in self._cells.items()]


def _value(name: str, cells: list[Cell], distances: Floats, input_: str, book: str) -> ProbeValue:
    make = partial(ProbeValue, measure=f"abx_error_{name}", input=input_, book=book)
    if not cells:
        many = "says a word twice and another one" if name == "within" else "says two of the words"
        return make(reason=f"no speaker {many}")
    errors = np.array([cell.error(distances) for cell in cells])
    speakers = sorted({speaker for cell in cells for speaker in cell.speakers})
    value = mean_error(cells, errors)
    low, high = _interval(cells, errors, value, speakers)
    return make(
        value=value,
        ci95_low=low,
        ci95_high=high,
        n=sum(len(c.x) * len(c.b) * (len(c.a) - (c.a == c.x)) for c in cells),
        clusters=len(speakers),
        chance=CHANCE,
        reason="" if low is not None else "no interval: it takes two speakers",
        detail={"pairs_of_words": len({cell.words for cell in cells}) // 2, "cells": len(cells)},
    )


def _interval(
    cells: Sequence[Cell], errors: Floats, value: float, speakers: Sequence[str]
) -> tuple[float | None, float | None]:
    """The interval by leaving out one speaker at a time."""
    left = []
    for speaker in speakers:
        kept = [i for i, cell in enumerate(cells) if speaker not in cell.speakers]
        if kept:
            left.append(mean_error([cells[i] for i in kept], errors[kept]))
    if len(left) < 2:
        return None, None
    low, high = jackknife_interval(value, np.array(left))
    return max(0.0, low), min(1.0, high)
