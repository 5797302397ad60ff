"""Probes: how well a simple model reads a label of a clip off its codes."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.packages import missing_packages
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.statistics.clusters import Numbers
from almbench.tokens.folds import ONE_CLUSTER, Task, cross_validate, make_task
from almbench.tokens.measure import Effort, Floats, Measure, TokenSet
from almbench.tokens.quiet import quiet


class ProbeSettings(Settings):
    """Settings of the probes.

    Attributes:
        regularization: Inverse strength of the penalty on the weights (scikit-learn's C).
    """

    regularization: float = Field(default=100.0, gt=0)


class Probe(Measure[ProbeSettings]):
    """Balanced accuracy of reading a label off the codes of a clip, per book and from all books.

    The input `bag` is how often each entry of a codebook occurs in the clip. A multinomial logistic
    regression on it is the same as an embedding of each code, learned, averaged over the clip and
    sent through a softmax. Frequencies enter as their square roots, so that their Euclidean
    distance is Hellinger's (Rao, "A review of canonical coordinates and an alternative to
    correspondence analysis using Hellinger distance", Qüestiió 19, 1995).
    """

    name = "probe"
    version = "1"
    settings_type = ProbeSettings
    takes_labels = True

    def missing(self) -> str | None:
        """Say whether scikit-learn is missing."""
        return missing_packages(["sklearn"], "'almbench[probe]'")

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Probe each book, and all books together.

        Raises:
            MetricUndefined: There are not two classes that can be told apart.
        """
        tokens = _with_frames(tokens)
        task = make_task(tokens.clipset, target)
        bags = [_bags(tokens, k)[task.kept] for k in range(tokens.books)]
        inputs = {str(k): bag for k, bag in enumerate(bags, start=1)} if len(bags) > 1 else {}
        inputs[ALL_BOOKS] = np.concatenate(bags, axis=1) / np.sqrt(len(bags))
        return [
            self._probe(task, features, "bag", book, effort) for book, features in inputs.items()
        ]

    def _probe(
        self, task: Task, features: Floats, input_: str, book: str, effort: Effort
    ) -> ProbeValue:
        def predict(train: Numbers, test: Numbers) -> Numbers:
            from sklearn.linear_model import LogisticRegression

            model = LogisticRegression(
                C=self.settings.regularization, class_weight="balanced", max_iter=300
            )
            with quiet():
                model.fit(features[train], task.labels[train])
            return np.asarray(model.predict(features[test]))

        return accuracy_value(task, *cross_validate(task, effort.seed, predict), input_, book)


def _with_frames(tokens: TokenSet) -> TokenSet:
    """The clips that have a frame at all."""
    there = [i for i, codes in enumerate(tokens.codes) if codes.shape[1]]
    if not there:
        raise MetricUndefined("no clip has codes")
    ids = {tokens.clipset.clips[i].id for i in there}
    return replace(
        tokens, clipset=tokens.clipset.only(ids), codes=tuple(tokens.codes[i] for i in there)
    )


def _bags(tokens: TokenSet, k: int) -> Floats:
    """Square roots of the shares of the entries that occur anywhere: **Shape** `[N, entries]`."""
    of_book = [codes[k] for codes in tokens.codes]
    used = np.unique(np.concatenate(of_book))
    counts = [np.bincount(np.searchsorted(used, one), minlength=len(used)) for one in of_book]
    return np.sqrt(np.stack(counts) / [[len(one)] for one in of_book])


def accuracy_value(
    task: Task, correct: NDArray[np.bool_], shares: list[float], input_: str, book: str
) -> ProbeValue:
    """The accuracy of a probe as a value."""
    estimate, clusters = task.accuracy(correct)
    return ProbeValue(
        measure="probe_accuracy",
        input=input_,
        book=book,
        value=estimate.mean,
        ci95_low=estimate.low,
        ci95_high=estimate.high,
        n=len(correct),
        clusters=clusters,
        chance=task.chance,
        reason="" if estimate.low is not None else ONE_CLUSTER,
        detail={"classes": len(task.classes), "folds": list(shares)},
    )
