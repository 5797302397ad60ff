"""Logistic regression as a probe."""

from typing import Any

import numpy as np

from almbench.statistics.clusters import Numbers
from almbench.tokens.folds import Predict, Task
from almbench.tokens.measure import Floats
from almbench.tokens.quiet import quiet

PLAIN = 1.0  # inverse strength of the penalty on weights of standardised features


def regression(task: Task, features: Any, inverse_penalty: float, steps: int) -> Predict:
    """Tell classes by a multinomial logistic regression, classes weighted alike.

    Args:
        task: The task.
        features: Of each kept clip, dense or sparse, **Shape** `[N, D]`.
        inverse_penalty: Inverse strength of the penalty on the weights.
        steps: Steps of the solver, at most.
    """

    def predict(train: Numbers, test: Numbers) -> Numbers:
        from sklearn.linear_model import LogisticRegression

        known = np.unique(task.labels[train])
        if len(known) == 1:  # of few clips, one fold may have a class for itself
            return np.full(len(test), known[0])
        model = LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=steps)
        with quiet():
            model.fit(features[train], task.labels[train])
        return np.asarray(model.predict(features[test]))

    return predict


def standardised(features: Floats) -> Floats:
    """Features with mean 0 and standard deviation 1, **Shape** `[N, D]`; constant ones are 0."""
    spread = features.std(axis=0)
    centred = features - features.mean(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1), np.float64)
