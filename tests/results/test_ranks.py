"""Rank groups of a run: who takes part, over which clips, and which way is better."""

from dataclasses import replace

import pytest

from almbench.domains import Domain
from almbench.results.frames import to_frame
from almbench.results.manifest import Manifest
from almbench.results.ranks import with_rank_groups
from almbench.results.table_rows import TABLES, MetricRow, SummaryRow
from almbench.results.values import Values

SPEECH: Domain = "speech"
# By clip: b is far above a, low above both.
VALUES = {"b": [3.0, 3.2, 2.9, 3.1], "a": [1.0, 1.1, 1.2, 0.9], "low": [9.0, 9.0, 9.1, 9.2]}


def rows(metric: str, values: dict[str, list[float | None]]) -> list[MetricRow]:
    return [
        MetricRow(
            testset="talk", domain=SPEECH, clip=f"c{i}", codec=codec, metric=metric, value=value,
            status="failed" if value is None else "ok",
        )
        for codec, of_codec in values.items()
        for i, value in enumerate(of_codec)
    ]  # fmt: skip


def gathered(rows: list[MetricRow]) -> Values:
    return Values(to_frame(rows, TABLES["metrics"]))


def groups(
    manifest: Manifest, metric: str, values: dict[str, list[float | None]]
) -> dict[str, str]:
    summary = [
        SummaryRow(testset="talk", domain=SPEECH, codec=codec, metric=metric) for codec in values
    ]
    held = manifest.model_dump()
    held["testsets"][0]["clips"] = [{"id": f"c{i}"} for i in range(6)]
    manifest = Manifest.model_validate(held)
    found = with_rank_groups(summary, gathered(rows(metric, values)), manifest)
    assert [row.codec for row in found] == list(values)
    return {row.codec: row.rank_group for row in found}


def test_higher_or_lower_is_better_and_anchors_take_no_part(manifest: Manifest) -> None:
    values = {codec: list[float | None](of_codec) for codec, of_codec in VALUES.items()}
    assert groups(manifest, "stoi", values) == {"b": "1", "a": "2", "low": ""}
    assert groups(manifest, "mel_distance", values) == {"b": "2", "a": "1", "low": ""}


@pytest.mark.parametrize("metric", ["gain_db", "measured_kbps", "codebook_use"])
def test_where_neither_way_is_better_nothing_is_ranked(manifest: Manifest, metric: str) -> None:
    values = {codec: list[float | None](of_codec) for codec, of_codec in VALUES.items()}
    assert groups(manifest, metric, values) == {"b": "", "a": "", "low": ""}


def test_a_codec_with_fewer_clips_takes_no_part(manifest: Manifest) -> None:
    values: dict[str, list[float | None]] = {
        "b": [3.0, 3.2, None, 3.1], "a": [1.0, 1.1, 1.2, 0.9], "low": [None, 9.0, 9.0, 9.0],
    }  # fmt: skip
    assert groups(manifest, "stoi", values) == {"b": "", "a": "", "low": ""}  # one is left


def test_codecs_are_compared_over_the_clips_that_they_share(manifest: Manifest) -> None:
    values: dict[str, list[float | None]] = {
        "b": [3.0, 3.2, 2.9, 3.1, None],
        "a": [1.0, 1.1, 1.2, None, 0.9],
    }
    assert groups(manifest, "stoi", values) == {"b": "1", "a": "2"}
    # As many values, but of one shared clip alone: nothing can be tested.
    values = {"b": [3.0, 3.2, None], "a": [1.0, None, 1.2]}
    assert groups(manifest, "stoi", values) == {"b": "", "a": ""}


def test_test_sets_are_ranked_each_by_itself(manifest: Manifest) -> None:
    here = rows("stoi", {"b": [3.0, 3.2, 2.9], "a": [1.0, 1.1, 1.2]})
    there = [replace(row, testset="more", value=-(row.value or 0)) for row in here]
    summary = [
        SummaryRow(testset=testset, domain=SPEECH, codec=codec, metric="stoi", n=3, mean=1.0)
        for testset in ("talk", "more")
        for codec in ("b", "a")
    ]
    held = manifest.model_dump()
    clips = [{"id": f"c{i}"} for i in range(3)]
    held["testsets"] = [
        {**held["testsets"][0], "clips": clips, "name": n} for n in ("talk", "more")
    ]
    manifest = Manifest.model_validate(held)
    found = with_rank_groups(summary, gathered(here + there), manifest)
    assert [row.rank_group for row in found] == ["1", "2", "2", "1"]
    assert {(row.n, row.mean) for row in found} == {(3, 1.0)}  # the rest is kept
    assert with_rank_groups([], gathered([]), manifest) == []
