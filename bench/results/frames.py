"""Rows of tables as frames, and back.

A run of many clips has millions of rows: they are gathered column by column, numbers as such and
equal texts once.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from math import nan
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from almbench.results.table_rows import (
    TEXT,
    WHOLE,
    AnyRow,
    ClipRow,
    CodecRow,
    MetricRow,
    ProbeRow,
    SummaryRow,
    TableForm,
)

R = TypeVar("R", ClipRow, MetricRow, SummaryRow, CodecRow, ProbeRow)
PIECE = 20_000  # rows of a table that are read or written at once
EACH_ITS_OWN = {"signature"}  # texts that hardly any two rows share


class _Texts:
    """A column of texts."""

    def __init__(self) -> None:
        self._codes = array("i")
        self._known: dict[str, int] = {}

    def append(self, text: str) -> None:
        known = self._known
        self._codes.append(known.setdefault(text, len(known)))

    def held_once(self) -> pd.Categorical:
        texts = pd.Index(list(self._known), dtype="str")
        return pd.Categorical.from_codes(np.array(self._codes, np.int32), texts)

    def __iter__(self) -> Any:
        texts = list(self._known)
        return (texts[code] for code in self._codes)


class Columns:
    """Rows of one kind, gathered column by column."""

    def __init__(self, form: TableForm) -> None:
        """Begin without rows."""
        hints = get_type_hints(form.row)
        self._columns: dict[str, Any] = {name: _column(name, hints[name]) for name in form.columns}
        self._values = attrgetter(*form.columns)
        self._more: dict[str, array[float]] = {}
        self._texts_once = form.many
        self._count = 0

    def add(self, row: AnyRow, more: Mapping[str, float | None] | None = None) -> None:
        """Add a row.

        Args:
            row: The row.
            more: Values of further columns.
        """
        for column, value in zip(self._columns.values(), self._values(row), strict=True):
            column.append(nan if value is None else value)
        for name, number in (more or {}).items():
            of_name = self._more.setdefault(name, array("d"))
            of_name.extend([nan] * (self._count - len(of_name)))
            of_name.append(nan if number is None else number)
        self._count += 1

    def frame(self, more: Sequence[str] = ()) -> pd.DataFrame:
        """Make a table of the rows; of many, columns of text are categories.

        Args:
            more: Its further columns, in order.
        """
        made = {name: self._made(name, column) for name, column in self._columns.items()}
        for name in more:
            values = self._more.get(name, ())
            made[name] = np.full(self._count, nan)
            made[name][: len(values)] = values
        return pd.DataFrame(made)

    def _made(self, name: str, column: Any) -> Any:
        if isinstance(column, _Texts) and self._texts_once:
            return column.held_once()
        if isinstance(column, _Texts | list):
            return pd.array(list(column), dtype="str")
        return pd.array(np.array(column), dtype="Int64") if name in WHOLE else np.array(column)


def _column(name: str, hint: Any) -> Any:
    if name in EACH_ITS_OWN:
        return []
    if name in TEXT:
        return _Texts()
    return array("q" if hint is int else "d")


def read_csv(path: Path, form: TableForm) -> pd.DataFrame:
    """Read a table of a run; an empty cell of text is the empty text, one of a number NaN.

    Numbers come back as they were written, which pandas before 3.1 does not promise.
    """
    text = [column for column in form.columns if column in TEXT]
    options: dict[str, Any] = {
        "dtype": dict.fromkeys(text, "str"), "keep_default_na": False, "na_values": [""],
    }  # fmt: skip
    table: pd.DataFrame
    if form.many:  # as categories, pandas would read texts that look like numbers as numbers
        pieces = [_once(piece, text) for piece in pd.read_csv(path, chunksize=PIECE, **options)]
        whole = {name: _joined([piece[name] for piece in pieces]) for name in pieces[0]}
        table = pd.DataFrame(whole)
    else:
        table = pd.read_csv(path, **options)
        table[text] = table[text].fillna("")
    return table


def _once(piece: pd.DataFrame, text: list[str]) -> pd.DataFrame:
    """A piece of a table, equal texts held once."""
    for column in text:
        texts = piece[column].fillna("")
        if column not in EACH_ITS_OWN:
            texts = pd.Series(pd.Categorical.from_codes(*pd.factorize(texts)), index=piece.index)
        piece[column] = texts
    return piece


def _joined(column: "list[pd.Series[Any]]") -> Any:
    if isinstance(column[0].dtype, pd.CategoricalDtype):
        return union_categoricals(column)
    return pd.concat(column, ignore_index=True)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """A table with texts in place of categories."""
    return table.astype(
        {name: "str" for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)}
    )


def to_frame(rows: Iterable[AnyRow], form: TableForm) -> pd.DataFrame:
    """Make a table of rows of its kind."""
    columns = Columns(form)
    for row in rows:
        columns.add(row)
    return columns.frame()


def from_frame(table: pd.DataFrame, row: type[R]) -> list[R]:
    """Read the rows of a table; an empty cell of a number is None.

    Equal texts of a column are one object, as a run of many clips has millions.

    Args:
        table: A table with columns of `row`, and maybe others; a field without a column has its
            default.
        row: The class of its rows.
    """
    make: Any = row
    names = [f.name for f in fields(row) if f.name in table]
    missing = table[names].isna().to_numpy()
    columns = [_texts(table[n]) if n in TEXT else table[n].tolist() for n in names]
    return [
        make(**{n: None if gone else v for n, v, gone in zip(names, values, empty, strict=True)})
        for values, empty in zip(zip(*columns, strict=True), missing, strict=True)
    ]


def _texts(column: "pd.Series[str]") -> list[str | None]:
    """The texts of a column, equal ones as one object; None for none."""
    codes, distinct = pd.factorize(column)
    texts = [*distinct.tolist(), None]  # the code of none is -1
    return [texts[code] for code in codes.tolist()]
