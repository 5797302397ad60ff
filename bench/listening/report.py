"""Tables for readers, as the command prints them and the site shows them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd


class ReportRow(NamedTuple):
    """A row as text; `significant` sets its last cell off."""

    cells: tuple[str, ...]
    significant: bool = False


class ReportTable(NamedTuple):
    """A table as text."""

    headings: tuple[str, ...]
    rows: list[ReportRow]


def p_text(p: float | None) -> str:
    """A p-value for readers; empty where there is none."""
    if p is None or pd.isna(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def interval_text(row: Mapping[str, Any], digits: str) -> str:
    """The interval of a row (`ci95_low`, `ci95_high`) for readers; empty where there is none.

    Args:
        row: The row.
        digits: Format of the ends, such as ".1f".
    """
    if pd.isna(row["ci95_low"]):
        return ""
    return f"{row['ci95_low']:{digits}} to {row['ci95_high']:{digits}}"
