"""Warnings of scikit-learn that are no news to a user."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to oneself that a class is rarer than there are folds, or that a fit stopped early."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="sklearn")
        yield
