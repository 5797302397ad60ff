"""ABX: whether words are nearer to the same word than to another one, within and across speakers.

The task and its averages are those of the Zero Resource Speech Challenge: T. Schatz et al.,
"Evaluating speech features with the minimal-pair ABX task", Interspeech 2013; T. A. Nguyen et al.,
"The Zero Resource Speech Benchmark 2021", 2020. A is an utterance of a word, X another utterance of
it, and B one of another word: the error is the share of triples in which X is nearer to B than to
A, equal distances counting half.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import Field, FilePath, computed_field, field_serializer

from almbench.audio import sha256
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.statistics.jackknife import jackknife_interval
from almbench.tokens.cells import Cell, make_cells, mean_error
from almbench.tokens.dtw import Distance, angular, dtw, hamming
from almbench.tokens.items import CONTEXT, PHONE, Cut, cut_items, read_items
from almbench.tokens.logmel import HOP, RATE, log_mels
from almbench.tokens.measure import ClipSet, Effort, Floats, Measure, TokenSet
from almbench.tokens.turns import in_turns

COLUMNS = ("word", "digit", "phone", "text")  # what ABX is computed of unless told
SPEAKER = "speaker"
CHANCE = 0.5
FRAME_RATE = RATE / HOP  # of log-mel spectra, in Hz
FEW = {  # speakers, so that each left out leaves errors
    "within": "no interval: it takes two speakers",
    "across": "no interval: it takes three speakers",
}


class AbxSettings(Settings):
    """Settings of ABX.

    Attributes:
        most_clips: Clips that take part at most, drawn at random, words alike: the work grows with
            their square.
        most_across: Speakers of X at most, drawn at random, for each speaker of A and B; 5 as in
            ZeroSpeech.
        items: An item file of ZeroSpeech: its phones take the place of words, all of them, and A, B
            and X have the same neighbours.
    """

    most_clips: int = Field(default=300, ge=3)
    most_across: int = Field(default=5, ge=1)
    items: FilePath | None = None

    @field_serializer("items")
    def _name(self, path: Path | None) -> str | None:
        return path.name if path else None

    @computed_field  # what the file says belongs to the values
    def items_sha256(self) -> str:
        """Hash of the item file; empty for none."""
        return sha256(self.items) if self.items else ""


class Abx(Measure[AbxSettings]):
    """ABX error of words, within and across speakers, per book and of all books.

    Utterances are compared by dynamic time warping. Inputs: `one-hot`, where the distance of two
    frames is the share of the books whose codes differ, and `vectors`, the angle between
    dequantised vectors, for codecs that show them. The baseline is the angle between log-mel
    spectra, the mean of each band over the test set taken off.
    """

    name = "abx"
    version = "3"
    settings_type = AbxSettings
    uses_codec = True
    takes_labels = True

    def targets(self, clips: ClipSet, asked: Sequence[str]) -> list[str]:
        """The columns that were asked for, else those that hold words by their names.

        With an item file, its phones.
        """
        if self.settings.items:
            return [PHONE]
        there = [name for name in asked or COLUMNS if name != SPEAKER and any(clips.labels(name))]
        return there if asked else there[:1]

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Compute the errors of each book, of all books, and of the vectors.

        Raises:
            MetricUndefined: No two words are said by one speaker.
        """
        clips, codes, cut = tokens.clipset, list(tokens.codes), self._cut(tokens.clipset)
        rate = tokens.frame_rate or 0.0
        if cut:
            if not rate:
                raise MetricUndefined("items are cut by time, and the codec has no frame rate")
            clips, codes = cut.clips, cut.of(codes, rate)
        lengths = [one.shape[1] for one in codes]
        task = _Task(clips, target, np.flatnonzero(lengths).tolist(), self.settings, effort)
        found: list[ProbeValue] = []
        if tokens.books > 1:
            for k in range(tokens.books):
                one = hamming([of_clip[k : k + 1] for of_clip in codes])
                found += task.values(lengths, one, "one-hot", str(k + 1))
        found += task.values(lengths, hamming(codes), "one-hot", ALL_BOOKS)
        try:
            vectors = tokens.vectors()
        except MetricUndefined as error:
            none = ProbeValue(measure="abx_error_across", input="vectors", reason=str(error))
            return [*found, none]
        distance = angular(cut.of(vectors, rate) if cut else vectors)
        return found + task.values(lengths, distance, "vectors", ALL_BOOKS)

    def baseline(self, clips: ClipSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Compute the errors of log-mel spectra.

        Raises:
            MetricUndefined: No two words are said by one speaker, or there is no sound.
        """
        spectra = log_mels(clips)
        centre = np.mean([one.mean(1) for one in spectra], axis=0)[:, None]
        features = [one - centre for one in spectra]
        if cut := self._cut(clips):
            clips, features = cut.clips, cut.of(features, FRAME_RATE)
        lengths = [one.shape[1] for one in features]
        task = _Task(clips, target, np.flatnonzero(lengths).tolist(), self.settings, effort)
        found = task.values(lengths, angular(features), "one-hot", ALL_BOOKS)
        return found + [value.model_copy(update={"input": "vectors"}) for value in found]

    def _cut(self, clips: ClipSet) -> Cut | None:
        path = self.settings.items
        return cut_items(clips, read_items(path)) if path else None


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
        most = len(places) if settings.items else settings.most_clips
        turns = in_turns([words[i] for i in places], most, effort.seed)
        drawn = {places[turn] for turn in turns}
        kept = [word if i in drawn else "" for i, word in enumerate(words)]
        contexts = clips.labels(CONTEXT) if settings.items else ()
        self._cells = make_cells(kept, speakers, settings.most_across, effort.seed, contexts)
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
        reason="" if low is not None else FEW[name],
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
