"""Scores of the originals themselves, by metrics that look at one sound alone."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from almbench.results.cases import original_cases, read_all
from almbench.results.comparison import compare, formatted
from almbench.results.frames import from_frame
from almbench.results.manifest import Manifest
from almbench.results.records import unchanged
from almbench.results.table_rows import ClipRow, MetricRow, SummaryRow
from almbench.results.tables import NOT_RUN, build_tables

if TYPE_CHECKING:
    from tests.results.conftest import MadeRun


@pytest.fixture
def alone(run: "MadeRun") -> "MadeRun":
    """A run whose metric `stoi` looks at the reconstruction alone; `a` has run."""
    held = run.manifest.model_dump()
    held["metrics"][0]["no_reference"] = True
    run.manifest = Manifest.model_validate(held)
    for clip in run.manifest.testsets[0].clips:
        run.score(run.reconstruction(clip.id, "a"), "stoi", 0.5)
    return run


def test_without_such_a_metric_originals_have_no_rows(run: "MadeRun") -> None:
    run.score(run.reconstruction("nan", "a"), "stoi", 0.5)
    assert not list(original_cases(read_all(run.folder), run.manifest))
    tables = build_tables(run.folder, run.manifest)
    assert "original" not in {*tables.metrics["codec"], *tables.summary["codec"]}
    (table,) = compare(from_frame(tables.summary, SummaryRow), run.manifest)
    assert table.lines == table.codecs


def test_the_originals_come_first_and_are_not_ranked(alone: "MadeRun") -> None:
    clips = [clip.id for clip in alone.manifest.testsets[0].clips]
    for i, clip in enumerate(clips):
        alone.score(unchanged(alone.original(clip)), "stoi", 0.9 + i / 100)
    tables = build_tables(alone.folder, alone.manifest)
    rows = from_frame(tables.metrics, MetricRow)[: len(clips)]
    assert [(r.codec, r.clip, r.metric, r.status) for r in rows] == [
        ("original", clip, "stoi", "ok") for clip in clips
    ]
    first = from_frame(tables.summary, SummaryRow)[0]
    mean = 0.9 + (len(clips) - 1) / 200
    assert (first.codec, first.label, first.metric) == ("original", "Original", "stoi")
    assert first.mean == pytest.approx(mean)
    assert (first.n, first.rank_group) == (len(clips), "")
    assert first.ci95_low is not None
    assert "original" not in {row.codec for row in from_frame(tables.clips, ClipRow)}
    (table,) = compare(from_frame(tables.summary, SummaryRow), alone.manifest)
    assert [line.id for line in table.lines] == ["original", "a"]
    shown = formatted(table, dict.fromkeys(("best", "tied", "next", ""), "{}"), "--")
    assert shown["Codec"].tolist() == ["Original", table.names["a"].label]
    assert shown["STOI ↑"].tolist() == [f"{mean:.3f}", "0.500"]
    assert table.mark("original", alone.manifest.metrics_by_name["stoi"]) == ""


def test_an_original_that_is_not_scored_yet_says_so(alone: "MadeRun") -> None:
    stale = replace(unchanged(alone.original("nan")), audio_sha256="of another sound")
    alone.score(stale, "stoi", 0.9)
    tables = build_tables(alone.folder, alone.manifest)
    first = from_frame(tables.metrics, MetricRow)[0]
    assert (first.codec, first.value, first.status, first.reason) == (
        "original", None, "skipped", NOT_RUN,
    )  # fmt: skip
