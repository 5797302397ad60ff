"""Rows of the tables: to a CSV file and back, and what is text, a number, or nothing."""

from dataclasses import fields, replace
from typing import Any, get_args

import pandas as pd
import pytest

from almbench.domains import DOMAINS
from almbench.errors import UserError
from almbench.results.formats import FORMATS, SUFFIXES, TABLE_NAMES, TableName
from almbench.results.frames import Columns, from_frame, plain, to_frame
from almbench.results.records import Status
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import read_table, write_tables
from almbench.results.table_rows import (
    TABLES,
    TEXT,
    WHOLE,
    ClipRow,
    MetricRow,
    SummaryRow,
)
from almbench.results.tables import Tables

ODD = [
    "nan",
    "NA",
    "None",
    "null",
    "1.0",
    "007",
    "",
    " x ",
    "a,b",
    'say "x"',
    "two\nlines",
    "naïve",
]
CLIPS = [
    ClipRow(
        testset="t",
        domain="speech",
        clip=name.replace("\n", " "),
        codec="NA",
        label=name,
        duration_s=None if i % 2 else 0.1 + 0.2,
        lag_ms=-0.0 if i % 3 else None,
        clipped_samples=None if i % 2 else i,
        status="failed",
        reason=name,
        text=name,
    )
    for i, name in enumerate(ODD)
]
METRICS = [
    MetricRow(
        testset="t", domain="music", clip=name.replace("\n", " "), codec="c", metric="nan",
        value=value,
        status="ok" if value is not None else "skipped", reason=name, signature="1e5",
        rate_hz=None if value is None else 16_000,
    )
    for name, value in zip(ODD, [1e-17, None, 1 / 3, -5.0, None, 2.0**53, 0.0] * 2, strict=False)
]  # fmt: skip
SUMMARY = [
    SummaryRow(
        testset="t",
        domain="sound",
        codec=name.replace("\n", " "),
        metric="m",
        n=i,
        rank_group=group,
        label=name,
    )
    for i, (name, group) in enumerate(zip(ODD, ["1", "1 2", "", "2 3", "10", ""] * 2, strict=True))
]


@pytest.fixture
def written(folder: RunFolder) -> RunFolder:
    """The rows above, written as tables."""
    folder.root.mkdir()
    clips = Columns(TABLES["clips"])
    for i, row in enumerate(CLIPS):
        clips.add(row, {"stoi": 1 / (i + 1)})
    tables = Tables(
        clips.frame(["stoi", "empty"]),
        to_frame(METRICS, TABLES["metrics"]),
        to_frame(SUMMARY, TABLES["summary"]),
    )
    write_tables(tables, folder)
    return folder


def test_rows_come_back_from_the_files_as_they_were(written: RunFolder) -> None:
    assert from_frame(read_table(written, "clips"), ClipRow) == CLIPS
    assert from_frame(read_table(written, "metrics"), MetricRow) == METRICS
    assert from_frame(read_table(written, "summary"), SummaryRow) == SUMMARY


def test_texts_that_look_like_numbers_stay_texts(folder: RunFolder) -> None:
    rows = [replace(METRICS[0], clip=clip, codec="7") for clip in ("007", "1e5", "-0", "007")]
    folder.root.mkdir()
    none: list[SummaryRow] = []
    made = to_frame(rows, TABLES["metrics"])
    tables = Tables(to_frame(none, TABLES["clips"]), made, to_frame(none, TABLES["summary"]))
    write_tables(tables, folder)
    table = read_table(folder, "metrics")
    assert from_frame(table, MetricRow) == rows
    assert table["clip"].cat.categories.tolist() == ["007", "1e5", "-0"]
    assert plain(table)["clip"].tolist() == ["007", "1e5", "-0", "007"]


def test_rows_come_back_without_a_file_too() -> None:
    for rows, name in ((CLIPS, "clips"), (METRICS, "metrics"), (SUMMARY, "summary")):
        form: Any = TABLES[name]  # type: ignore[index]
        assert from_frame(to_frame(rows, form), form.row) == rows
        assert from_frame(to_frame([], form), form.row) == []


def test_the_files_are_plain_csv_of_full_precision(written: RunFolder) -> None:
    assert sorted(path.name for path in written.root.iterdir()) == [
        "clips.csv", "metrics.csv", "summary.csv",
    ]  # fmt: skip
    data = written.table("metrics").read_bytes()
    assert b"\r" not in data
    lines = data.decode("utf-8").split("\n")
    assert lines[0] == ",".join(TABLES["metrics"].columns)
    assert lines[1] == "t,music,nan,c,nan,1e-17,ok,nan,,1e5,,16000"  # whole numbers without .0
    assert lines[2] == "t,music,NA,c,nan,,skipped,NA,,1e5,,"
    assert "0.3333333333333333," in lines[3]
    clips = read_table(written, "clips")
    assert list(clips.columns) == [*TABLES["clips"].columns, "stoi", "empty"]
    assert clips["stoi"].tolist() == [1 / (i + 1) for i in range(len(CLIPS))]
    assert clips["empty"].isna().all()


def test_a_table_that_is_not_there_names_the_command_that_makes_it(folder: RunFolder) -> None:
    folder.root.mkdir()
    with pytest.raises(UserError) as caught:
        read_table(folder, "summary")
    assert str(caught.value) == (
        f"{folder.root} is not a finished run: summary.csv is missing. "
        f"Make or finish it with: bench run SUITE -o {folder.root}"
    )


def test_columns_are_the_fields_of_the_rows_and_have_one_type_in_all_tables() -> None:
    types: dict[str, set[str]] = {}
    for form in TABLES.values():
        assert form.columns == [field.name for field in fields(form.row)]
        for field in fields(form.row):
            types.setdefault(field.name, set()).add(str(field.type))
    assert {name for name, kinds in types.items() if len(kinds) > 1} == set()
    assert {
        "testset", "domain", "clip", "codec", "label", "status", "reason", "speaker", "text",
        "encoded_with", "metric", "signature", "version", "rank_group", "measure", "target",
        "input", "book", "unit", "settings", "family", "device", "missing",
    } == TEXT  # fmt: skip
    assert {
        "sample_rate_hz", "clipped_samples", "rate_hz", "parameters", "peak_memory_mb",
    } == WHOLE  # fmt: skip


def test_a_row_has_a_value_for_each_of_its_columns() -> None:
    clips = Columns(TABLES["clips"])
    more: list[dict[str, float | None]] = [{}, {"b": 2.0}, {"a": 1.0, "b": None}]
    for row, values in zip(CLIPS, more, strict=False):
        clips.add(row, values)
    frame = clips.frame(["a", "b", "c"])
    assert [frame[name].dropna().to_dict() for name in "abc"] == [{2: 1.0}, {1: 2.0}, {}]
    frame = to_frame(SUMMARY[:1], TABLES["summary"])
    assert isinstance(frame["rate_hz"].dtype, pd.Int64Dtype)


def test_names_of_tables_formats_and_statuses() -> None:
    assert TABLE_NAMES == ("summary", "clips", "metrics")
    assert set(TABLES) == set(get_args(TableName)) == {*TABLE_NAMES, "probes", "codecs"}
    assert FORMATS == ("csv", "parquet", "latex", "markdown", "json", "versa", "pdf", "svg")
    assert SUFFIXES == {
        ".csv": "csv", ".json": "json", ".jsonl": "versa", ".md": "markdown",
        ".parquet": "parquet", ".pdf": "pdf", ".svg": "svg", ".tex": "latex",
    }  # fmt: skip
    assert get_args(Status) == ("ok", "failed", "skipped", "unavailable")
    assert DOMAINS == ("speech", "sound", "music")
