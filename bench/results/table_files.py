"""The tables of a run as CSV files: written in one step, and read back."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from almbench.atomic import write_atomically, write_parts_atomically
from almbench.errors import UserError, in_a_line
from almbench.names import check_file_name
from almbench.results.formats import TABLE_NAMES, TableName
from almbench.results.frames import PIECE, read_csv
from almbench.results.records import Status
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import TABLES, TEXT, WHOLE
from almbench.results.tables import Tables
from almbench.spreadsheets import as_typed, inert

LARGEST = 2**53  # up to here every whole number has a float of its own
FOREIGN = {"label", "speaker", "text", "target"}  # text from outside, made inert in CSV files


def csv_parts(table: pd.DataFrame) -> Iterator[bytes]:
    """A table as CSV, piece by piece, text from outside made inert."""
    for start in range(0, max(len(table), 1), PIECE):
        piece = table[start : start + PIECE].copy()
        for column in FOREIGN.intersection(piece.columns):
            piece[column] = piece[column].map(inert)
        yield piece.to_csv(index=False, header=not start, lineterminator="\n").encode()


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV, text from outside made inert."""
    return b"".join(csv_parts(table))


def write_tables(tables: Tables, folder: RunFolder) -> None:
    """Write `clips.csv`, `metrics.csv` and `summary.csv`, each in one step."""
    for name in TABLE_NAMES:
        write_parts_atomically(folder.table(name), csv_parts(getattr(tables, name)))


def write_probes(table: pd.DataFrame, folder: RunFolder) -> None:
    """Write `probes.csv` in one step."""
    write_atomically(folder.table("probes"), csv_bytes(table))


def read_table(folder: RunFolder, name: TableName) -> pd.DataFrame:
    """Read a table of a run.

    Args:
        folder: The run folder.
        name: clips, metrics, summary or probes.

    Raises:
        UserError: The folder is not a finished run, or has no such table.
    """
    path = folder.table(name)
    if not path.is_file():
        if name == "probes":
            raise UserError(
                f"{folder.root} has no probes.csv. Make it with: bench probe {folder.root}"
            )
        raise UserError(
            f"{folder.root} is not a finished run: {path.name} is missing. "
            f"Make or finish it with: bench run SUITE -o {folder.root}"
        )
    folder.check(path)
    try:
        return _parse(path, name)
    except (ValueError, KeyError, OverflowError, RecursionError, csv.Error) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"{path} is damaged: {in_a_line(said[0], 200)}. To fix: have it made again with: "
            f"bench run {folder.suite} -o {folder.root}"
        ) from error


def _parse(path: Path, name: TableName) -> pd.DataFrame:
    table = read_csv(path, TABLES[name])
    text = [column for column in TABLES[name].columns if column in TEXT]
    for column in table.columns.difference(text):
        numbers = pd.to_numeric(table[column])
        if np.isinf(numbers.dropna().to_numpy(float)).any():
            raise ValueError(f"column {column} holds infinite numbers")
        if column in WHOLE and ((numbers % 1 > 0) | (numbers.abs() > LARGEST)).any():
            raise ValueError(f"column {column} holds numbers that are not whole, or too large")
    for column in ("testset", "clip", "codec"):
        for value in {*table[column].unique()} - {""} if column in table else ():
            check_file_name(value)
    if "status" in table and (unknown := {*table["status"].unique()} - {*get_args(Status)}):
        raise ValueError(f"there is no status '{min(unknown)}'")
    for column in FOREIGN.intersection(table.columns):
        table[column] = table[column].map(as_typed)
    return table.astype(dict.fromkeys(WHOLE.intersection(table.columns), "Int64"))
