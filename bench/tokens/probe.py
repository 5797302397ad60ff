"""Probes: how well a simple model reads a label of a clip off its codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.packages import missing_packages
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.statistics.clusters import Numbers
from almbench.statistics.tokens import Codes
from almbench.tokens.folds import Predict, Task, cross_validate, make_task
from almbench.tokens.logmel import log_mels
from almbench.tokens.measure import ClipSet, Effort, Floats, Measure, TokenSet
from almbench.tokens.regression import PLAIN, regression, standardised
from almbench.tokens.sequence import SequenceClassifier

STEPS = 300  # of a regression, at most


class ProbeSettings(Settings):
    """Settings of the probes.

    Attributes:
        regularization: Inverse strength of the penalty on the weights of bags (scikit-learn's C).
        steps: Steps of training of the network for sequences; 0 leaves it out.
        sequence_books: The first so many books whose sequences are read alone, each by a network of
            its own, which is what takes long.
    """

    regularization: float = Field(default=100.0, gt=0)
    steps: int = Field(default=300, ge=0)
    sequence_books: int = Field(default=3, ge=0)


class Probe(Measure[ProbeSettings]):
    """Balanced accuracy of reading a label off the codes of a clip.

    Inputs, each tested by the same folds:

    - `bag`: how often each entry of a codebook occurs in the clip, for each book and for all. A
      multinomial logistic regression on it is the same as an embedding of each code, learned,
      averaged over the clip and sent through a softmax. Frequencies enter as their square roots, so
      that their Euclidean distance is Hellinger's (Rao, "A review of canonical coordinates and an
      alternative to correspondence analysis using Hellinger distance", Qüestiió 19, 1995).
    - `sequence`: the codes in their order through a small convolutional network, for the first
      books and for all.
    - `vectors`: mean and standard deviation over the clip of the dequantised vectors, through a
      logistic regression, for codecs that show them and can be loaded.

    The baseline takes log-mel spectra of the originals in the place of the vectors, for `bag` and
    `vectors`, and of the embedded codes, for `sequence`.
    """

    name = "probe"
    version = "3"
    settings_type = ProbeSettings
    uses_codec = True
    takes_labels = True

    def missing(self) -> str | None:
        """Say which packages are missing."""
        return missing_packages(["sklearn", "torch"], "'almbench[probe]'")

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Probe each book, and all books together.

        Raises:
            MetricUndefined: There are not two classes that can be told apart.
        """
        there = [i for i, codes in enumerate(tokens.codes) if codes.shape[1]]
        if not there:
            raise MetricUndefined("no clip has codes")
        codes = [tokens.codes[i] for i in there]
        ids = {tokens.clipset.clips[i].id for i in there}
        task = make_task(tokens.clipset.only(ids), target)
        kept = [codes[i] for i in task.kept]
        bags = [_bags([one[k] for one in kept]) for k in range(tokens.books)]
        inputs = {str(k): bag for k, bag in enumerate(bags, start=1)} if len(bags) > 1 else {}
        inputs[ALL_BOOKS] = np.concatenate(bags, axis=1) / np.sqrt(len(bags))
        penalty = self.settings.regularization
        found = [
            cross_validate(task, regression(task, bag, penalty, STEPS), "bag", book, effort.seed)
            for book, bag in inputs.items()
        ]
        if self.settings.steps:
            found += self._sequences(task, kept, tokens.sizes, effort)
        return [*found, self._vectors(tokens, task, there, effort)]

    def _sequences(
        self, task: Task, codes: Sequence[Codes], sizes: Sequence[int], effort: Effort
    ) -> list[ProbeValue]:
        alone = range(min(self.settings.sequence_books, len(sizes)) if len(sizes) > 1 else 0)
        parts = {str(k + 1): slice(k, k + 1) for k in alone} | {ALL_BOOKS: slice(None)}
        found = []
        for book, part in parts.items():
            predict = self._network(task, [one[part] for one in codes], sizes[part], effort)
            found.append(cross_validate(task, predict, "sequence", book, effort.seed))
        return found

    def _vectors(
        self, tokens: TokenSet, task: Task, there: list[int], effort: Effort
    ) -> ProbeValue:
        try:
            vectors = tokens.vectors()
        except MetricUndefined as error:
            return ProbeValue(measure="probe_accuracy", input="vectors", reason=str(error))
        pooled = _pooled([vectors[there[i]] for i in task.kept])
        predict = regression(task, pooled, PLAIN, STEPS)
        return cross_validate(task, predict, "vectors", ALL_BOOKS, effort.seed)

    def baseline(self, clips: ClipSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Probe log-mel spectra of the originals.

        Raises:
            MetricUndefined: There are not two classes that can be told apart, or no sound.
        """
        task = make_task(clips, target)
        spectra = log_mels(clips)
        kept = [spectra[i].astype(np.float32) for i in task.kept]
        predict = regression(task, _pooled(kept), PLAIN, STEPS)
        plain = cross_validate(task, predict, "bag", ALL_BOOKS, effort.seed)
        found = [plain, plain.model_copy(update={"input": "vectors"})]
        if self.settings.steps:
            mean, spread = np.mean([k.mean() for k in kept]), np.mean([k.std() for k in kept])
            scaled = [(one - mean) / (spread or 1.0) for one in kept]
            predict = self._network(task, scaled, len(kept[0]), effort)
            found.append(cross_validate(task, predict, "sequence", ALL_BOOKS, effort.seed))
        return found

    def _network(
        self, task: Task, clips: Sequence[Any], sizes: Sequence[int] | int, effort: Effort
    ) -> Predict:
        def predict(train: Numbers, test: Numbers) -> Numbers:
            model = SequenceClassifier(sizes, len(task.classes), self.settings.steps, effort.seed)
            model.fit([clips[i] for i in train], task.labels[train], effort.device)
            return model.predict([clips[i] for i in test])

        return predict


def _bags(of_book: Sequence[NDArray[np.int64]]) -> Floats:
    """Square roots of the shares of the entries that occur anywhere: **Shape** `[N, entries]`."""
    used = np.unique(np.concatenate(of_book))
    counts = [np.bincount(np.searchsorted(used, one), minlength=len(used)) for one in of_book]
    return np.asarray(np.sqrt(np.stack(counts) / [[len(one)] for one in of_book]), np.float64)


def _pooled(clips: Sequence[Floats]) -> Floats:
    """Mean and standard deviation over time, standardised over the clips: **Shape** `[N, 2 D]`."""
    return standardised(np.stack([np.concatenate([one.mean(1), one.std(1)]) for one in clips]))
