"""The values of a run, metric by metric, from the table that may have millions of them."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Values:
    """The values of `metrics.csv`.

    Attributes:
        table: The table, its columns of text as categories.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        """Keep the table."""
        self.table = table
        self._made: dict[tuple[str, str], pd.DataFrame] = {}

    @cached_property
    def _places(self) -> dict[tuple[str, str], NDArray[np.int64]]:
        """The rows of each (test set, metric), those without a value included."""
        groups: Any = self.table.groupby(["testset", "metric"], observed=True, sort=False)
        found: dict[tuple[str, str], NDArray[np.int64]] = groups.indices
        return found

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Each (test set, metric)."""
        return iter(self._places)

    def of(self, testset: str, metric: str) -> pd.DataFrame:
        """The values of a metric on a test set, a row per clip and a column per codec.

        Clips and codecs are those that have any value, in the order of the table; what has none is
        NaN.
        """
        key = testset, metric
        if key not in self._made:
            self._made[key] = self._matrix(self._places.get(key, np.empty(0, np.int64)))
        return self._made[key]

    def _matrix(self, rows: NDArray[np.int64]) -> pd.DataFrame:
        numbers = self.table["value"].to_numpy(float)[rows]
        there = ~np.isnan(numbers)
        clip, clips = _numbered(self.table["clip"], rows[there])
        codec, codecs = _numbered(self.table["codec"], rows[there])
        matrix = np.full((len(clips), len(codecs)), np.nan)
        matrix[clip, codec] = numbers[there]
        return pd.DataFrame(matrix, index=clips, columns=codecs)

    def rows_of(self, testset: str, metric: str) -> pd.DataFrame:
        """The rows of the table of a metric on a test set."""
        return self.table.iloc[self._places.get((testset, metric), np.empty(0, np.int64))]


def _numbered(
    column: "pd.Series[str]", rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[str]]:
    """Texts of some rows as numbers from 0 in order of appearance, and the texts."""
    numbers, distinct = pd.factorize(column.cat.codes.to_numpy()[rows])
    return numbers, column.cat.categories[distinct].tolist()
