"""Cross-validation that keeps apart what belongs together, and accuracies with their intervals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from almbench.errors import MetricUndefined
from almbench.results.probes import ProbeValue
from almbench.statistics.clusters import Numbers, count_clusters
from almbench.statistics.intervals import Estimate, t_interval
from almbench.tokens.measure import ClipSet
from almbench.tokens.quiet import quiet

Predict = Callable[[Numbers, Numbers], Numbers]
"""Learns from clips and predicts the classes of others, both places among those kept."""
FOLDS = 5
RECORDING = "recording"  # a column of labels: what clips of one speaker were recorded at once
MAY_BE_THE_RECORDING = (
    "the label may be told by the recording, as nothing keeps clips of one recording in one fold: "
    "there is no column 'recording'"
)


@dataclass(frozen=True)
class Task:
    """Which label to tell by which clips, and how they are split.

    Attributes:
        kept: Places of the clips that take part, **Shape** `[N]`.
        classes: The labels to tell apart.
        labels: The class of each kept clip, **Shape** `[N]`.
        groups: What a split keeps together, **Shape** `[N]`.
        clusters: The cluster of each kept clip, **Shape** `[N]`.
        note: What to know of the split; empty for nothing.
    """

    kept: Numbers
    classes: tuple[str, ...]
    labels: Numbers
    groups: Numbers
    clusters: Numbers
    note: str = ""

    @property
    def chance(self) -> float:
        """The mean recall of a guess that does not look."""
        return 1 / len(self.classes)

    def folds(self, seed: int) -> Iterator[tuple[Numbers, Numbers]]:
        """Split the kept clips: places among them to train on, and to test on.

        Groups stay whole, and classes are spread over the folds as evenly as that allows.
        """
        from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

        count = min(FOLDS, len(np.unique(self.groups)), int(np.bincount(self.labels).max()))
        single = len(np.unique(self.groups)) == len(self.groups)
        kind = StratifiedKFold if single else StratifiedGroupKFold
        splitter = kind(max(2, count), shuffle=True, random_state=seed)
        with quiet():
            yield from splitter.split(self.labels, self.labels, self.groups)

    def accuracy(self, correct: NDArray[np.bool_]) -> tuple[Estimate, int]:
        """Mean recall over the classes, with its interval by clusters, and their number.

        The interval is that of a mean over clips, of each clip's linearised contribution: the
        accuracy, and by how much the clip is above the recall of its class, weighted so that all
        classes count alike. Where each class is a cluster of its own, such as a speaker, it is that
        of the mean over the classes' recalls.

        Args:
            correct: Whether each clip's label was told, **Shape** `[N]`.
        """
        counts = np.bincount(self.labels, minlength=len(self.classes))
        recalls = np.bincount(self.labels, correct, len(self.classes)) / counts
        alone = len(np.unique(self.clusters)) == len(self.classes)
        if alone and _same(self.clusters, self.labels.tolist()):
            return t_interval(recalls).within(0.0, 1.0), len(recalls)
        weights = len(self.labels) / len(self.classes) / counts[self.labels]
        contributions = recalls.mean() + weights * (correct - recalls[self.labels])
        estimate = t_interval(contributions, self.clusters).within(0.0, 1.0)
        return estimate._replace(mean=float(recalls.mean())), count_clusters(
            self.clusters, len(correct)
        )


def make_task(clips: ClipSet, target: str) -> Task:
    """Set the task of telling a label.

    Clips of a cluster, such as a speaker, are in one fold, unless the label is what they share:
    each class then is one cluster, and splits keep the clips of a `recording` together, where
    that column is there. A class needs two groups, to learn from one and be tested on another;
    others are left out. Where a speaker was recorded once, the voice cannot be told from the
    recording.

    Args:
        clips: The clips.
        target: The column of labels.

    Raises:
        MetricUndefined: Fewer than two classes can be told apart.
    """
    labels = clips.labels(target)
    places = np.flatnonzero([bool(label) for label in labels])
    clusters = clips.clusters
    note, apart = "", "groups that can be kept apart"
    if _same(clusters[places], [labels[i] for i in places]):
        recordings = clips.labels(RECORDING)
        if any(recordings):
            apart = "recordings, without which the label cannot be told from the recording"
        elif len(np.unique(clusters[places])) < len(places):
            note = MAY_BE_THE_RECORDING
        names = [recordings[i] or f"\0{i}" for i in range(len(labels))]
        groups = np.unique(names, return_inverse=True)[1]
    else:
        groups = clusters
    of_class: dict[str, set[int]] = {}
    for i in places:
        of_class.setdefault(labels[i], set()).add(int(groups[i]))
    classes = tuple(sorted(label for label, held in of_class.items() if len(held) > 1))
    if len(classes) < 2:
        raise MetricUndefined(
            f"{target}: {len(classes)} of {len(of_class)} classes have clips in two {apart}; it "
            "takes two classes"
        )
    kept = np.array([i for i in places if labels[i] in classes], np.int64)
    number = {label: k for k, label in enumerate(classes)}
    return Task(
        kept,
        classes,
        np.array([number[labels[i]] for i in kept], np.int64),
        groups[kept],
        clusters[kept],
        note,
    )


def _same(clusters: Numbers, labels: Sequence[str] | Sequence[int]) -> bool:
    """Whether every class is one cluster."""
    pairs = set(zip(clusters.tolist(), labels, strict=True))
    return len(pairs) == len({label for _, label in pairs})


def cross_validate(
    task: Task,
    predict: Predict,
    input_: str,
    book: str,
    seed: int,
    measure: str = "probe_accuracy",
) -> ProbeValue:
    """The accuracy of a probe: each clip is tested by what was learnt from the other folds.

    Args:
        task: The task.
        predict: The probe.
        input_: What the probe is given.
        book: The codebook, or `all`.
        seed: Seed of the split.
        measure: Name of the accuracy.
    """
    correct = np.zeros(len(task.labels), bool)
    shares = []
    for train, test in task.folds(seed):
        correct[test] = predict(train, test) == task.labels[test]
        shares.append(float(correct[test].mean()))
    estimate, clusters = task.accuracy(correct)
    return ProbeValue.of(
        estimate,
        len(correct),
        clusters,
        reason=task.note if estimate.low is not None else "",
        measure=measure,
        input=input_,
        book=book,
        chance=task.chance,
        detail={"classes": len(task.classes), "folds": list(shares)},
    )
