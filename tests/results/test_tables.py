"""Tables from rows and a manifest: every state that a clip and a metric can be in."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from almbench.metrics.bitstream import VERSIONS
from almbench.results.cases import cases, read_all
from almbench.results.frames import from_frame
from almbench.results.manifest import Manifest
from almbench.results.table_rows import TABLES, ClipRow, MetricRow, SummaryRow
from almbench.results.tables import (
    NO_BITS,
    NO_CODES,
    NO_INTERVAL,
    NOT_RUN,
    Tables,
    build_tables,
    records,
)
from almbench.statistics.intervals import t_interval

if TYPE_CHECKING:
    from tests.results.conftest import MadeRun

CLIPS = ("nan", "NA", "01", "c4")


def build(run: "MadeRun") -> Tables:
    return build_tables(run.folder, run.manifest)


def clips(run: "MadeRun") -> dict[tuple[str, str], ClipRow]:
    return {(row.clip, row.codec): row for row in from_frame(build(run).clips, ClipRow)}


def metrics(run: "MadeRun") -> dict[tuple[str, str, str], MetricRow]:
    rows = from_frame(build(run).metrics, MetricRow)
    return {(row.clip, row.codec, row.metric): row for row in rows}


def summary(run: "MadeRun") -> dict[tuple[str, str], SummaryRow]:
    return {(row.codec, row.metric): row for row in from_frame(build(run).summary, SummaryRow)}


def test_a_clip_through_a_codec_has_all_its_facts(run: "MadeRun") -> None:
    row = run.reconstruction("NA", "b", note="longer", encoded_with="deep")
    for metric, value in (("stoi", 0.75), ("mel_distance", 0.5), ("gain_db", -1.5)):
        run.score(row, metric, value)
    found = clips(run)
    assert list(found) == [("NA", "b")]
    assert found["NA", "b"] == ClipRow(
        testset="talk",
        domain="speech",
        clip="NA",
        codec="b",
        label="Bee",
        duration_s=2.0,
        nominal_kbps=1.0,  # 50 frames a second of two codebooks of 10 bits
        measured_kbps=6.0,  # 12,000 bits in 2 s
        entropy_kbps=None,
        tokens_per_second=100.0,
        frame_rate_hz=50.0,
        encode_rtf=0.25,  # 0.5 s for 2 s
        decode_rtf=0.125,
        lag_ms=None,
        gain_db=-1.5,
        status="ok",
        reason="longer",
        speaker="s1",
        text="null",
        sample_rate_hz=24_000,
        clipped_samples=4,
        encoded_with="deep",
    )


def test_the_metrics_of_a_clip(run: "MadeRun") -> None:
    row = run.reconstruction("01", "a")
    run.score(row, "mel_distance", 0.5)
    run.score(row, "stoi", 1 / 3, seconds=0.5)
    run.score(row, "gain_db", None, status="failed", reason="the reconstruction is silent")
    found = metrics(run)
    assert [key[2] for key in found] == [
        "measured_kbps", "entropy_kbps", "stoi", "mel_distance", "gain_db",
    ]  # fmt: skip
    measured = found["01", "a", "measured_kbps"]
    assert (measured.value, measured.status, measured.reason) == (6.0, "ok", "")
    assert (measured.version, measured.signature) == (VERSIONS["measured_kbps"], "r a")
    assert (measured.rate_hz, measured.seconds) == (None, None)
    entropy = found["01", "a", "entropy_kbps"]
    assert (entropy.value, entropy.status, entropy.reason) == (None, "skipped", NO_CODES)
    assert (entropy.version, entropy.signature) == (VERSIONS["entropy_kbps"], "r a")
    stoi = found["01", "a", "stoi"]
    assert stoi == MetricRow(
        testset="talk",
        domain="speech",
        clip="01",
        codec="a",
        metric="stoi",
        value=1 / 3,
        status="ok",
        seconds=0.5,
        signature=run.manifest.metrics_by_name["stoi"].signature("r a", 16_000),
        version="stoi 1",
        rate_hz=16_000,
    )
    rates = {name: found["01", "a", name].rate_hz for name in ("mel_distance", "gain_db")}
    assert rates == {"mel_distance": 16_000, "gain_db": 24_000}  # the scoring rate, and its own
    gain = found["01", "a", "gain_db"]
    assert (gain.value, gain.status, gain.reason) == (
        None,
        "failed",
        "the reconstruction is silent",
    )


def test_a_clip_fails_if_anything_about_it_failed(run: "MadeRun") -> None:
    for clip, status in zip(CLIPS, ("ok", "failed", "skipped", "unavailable"), strict=True):
        row = run.reconstruction(clip, "a", note="a note")
        run.score(row, "stoi", 0.5)
        run.score(row, "mel_distance", 0.5)
        run.score(row, "gain_db", None if status != "ok" else 1.0, status=status, reason="why")
    found = {clip: (row.status, row.reason) for (clip, _), row in clips(run).items()}
    assert found == {
        "nan": ("ok", "a note"),
        "NA": ("failed", "a note; gain_db: why"),
        "01": ("ok", "a note"),  # nothing is wrong where a metric has nothing to say
        "c4": ("ok", "a note; gain_db: why"),  # nor where this machine lacks something
    }


@pytest.mark.parametrize("status", ["failed", "unavailable"])
def test_a_reconstruction_that_is_not_there_has_no_values(run: "MadeRun", status: str) -> None:
    run.reconstruction(
        "nan", "a", status=status, reason="why", bits=None, encode_s=None, decode_s=None
    )
    clip = clips(run)["nan", "a"]
    assert (clip.status, clip.reason) == (status, "why")
    assert (clip.measured_kbps, clip.encode_rtf, clip.decode_rtf) == (None, None, None)
    assert clip.clipped_samples is None
    found = metrics(run)
    assert len(found) == 5
    for row in found.values():
        assert (row.value, row.status, row.reason) == (None, status, "why")
    assert found["nan", "a", "stoi"].version == "stoi 1"
    assert found["nan", "a", "stoi"].rate_hz == 16_000
    of_run = summary(run)["a", "stoi"]
    assert (of_run.mean, of_run.n, of_run.failed) == (None, 0, int(status == "failed"))
    assert of_run.reason == "why"


def test_what_emits_no_bits_has_no_bitrate(run: "MadeRun") -> None:
    run.reconstruction("nan", "low", bits=None)
    row = metrics(run)["nan", "low", "measured_kbps"]
    assert (row.value, row.status, row.reason) == (None, "skipped", NO_BITS)
    assert clips(run)["nan", "low"].nominal_kbps is None
    of_run = summary(run)["low", "measured_kbps"]
    assert (of_run.mean, of_run.n, of_run.failed, of_run.reason) == (None, 0, 0, NO_BITS)


def test_no_bits_at_all_are_a_bitrate_of_zero(run: "MadeRun") -> None:
    run.reconstruction("nan", "a", bits=0.0)
    assert metrics(run)["nan", "a", "measured_kbps"].value == 0.0


@pytest.mark.parametrize(
    "stale", [{"signature": "of other settings"}, {"audio_sha256": "of another sound"}]
)
def test_a_score_of_something_else_does_not_count(run: "MadeRun", stale: dict[str, str]) -> None:
    row = run.reconstruction("nan", "a")
    run.score(row, "stoi", 0.5, **stale)
    found = metrics(run)
    for name in ("stoi", "mel_distance"):  # stale, and not there at all
        of_metric = found["nan", "a", name]
        assert (of_metric.value, of_metric.status, of_metric.reason) == (None, "skipped", NOT_RUN)
        assert (of_metric.signature, of_metric.seconds) == ("", None)
    assert "skipped" not in clips(run)["nan", "a"].reason


def test_a_metric_that_cannot_be_computed_here_says_why(run: "MadeRun") -> None:
    row = run.reconstruction("nan", "a")
    run.score(row, "stoi", 0.5)
    held = run.manifest.model_dump()
    held["metrics"][0]["missing"] = "pip install x"
    run.manifest = Manifest.model_validate(held)
    found = metrics(run)["nan", "a", "stoi"]
    assert (found.value, found.status, found.reason) == (None, "unavailable", "pip install x")
    assert (found.version, found.rate_hz) == ("stoi 1", 16_000)


def test_a_mean_is_over_what_was_scored_with_the_counts_beside_it(run: "MadeRun") -> None:
    values = [0.9, 0.6, None, 0.3]
    for clip, value in zip(CLIPS, values, strict=True):
        why = {} if value is not None else {"status": "failed", "reason": "silent"}
        run.score(run.reconstruction(clip, "a"), "stoi", value, **why)
    expected = t_interval(np.array([0.9, 0.6, 0.3])).within(-1.0, 1.0)
    assert expected.mean == pytest.approx(0.6)
    assert summary(run)["a", "stoi"] == SummaryRow(
        testset="talk",
        domain="speech",
        codec="a",
        metric="stoi",
        mean=expected.mean,
        ci95_low=expected.low,
        ci95_high=expected.high,
        n=3,
        clusters=3,
        failed=1,
        rank_group="",
        label="Ay",
        version="stoi 1",
        rate_hz=16_000,
        reason="",  # there is a mean
    )


def test_clips_of_one_speaker_are_one_cluster(run: "MadeRun") -> None:
    held = run.manifest.model_dump()
    for clip, cluster in zip(held["testsets"][0]["clips"], ("s", "s", "s", "r"), strict=True):
        clip["cluster"] = cluster
    run.manifest = Manifest.model_validate(held)
    for clip, value in zip(CLIPS[:3], [0.9, 0.6, 0.3], strict=True):
        run.score(run.reconstruction(clip, "a"), "stoi", value)
    found = summary(run)["a", "stoi"]
    assert found.mean == pytest.approx(0.6)
    assert (found.n, found.clusters) == (3, 1)
    assert (found.ci95_low, found.ci95_high, found.reason) == (None, None, NO_INTERVAL)
    run.score(run.reconstruction(CLIPS[3], "a"), "stoi", 0.5)
    found = summary(run)["a", "stoi"]
    expected = t_interval(np.array([0.9, 0.6, 0.3, 0.5]), np.array([0, 0, 0, 1]))
    assert (found.n, found.clusters, found.reason) == (4, 2, "")
    assert (found.ci95_low, found.ci95_high) == expected.within(-1.0, 1.0)[1:]
    assert run.manifest.testsets[0].size == "4 clips of 2 clusters"


def test_everything_is_in_the_order_of_the_manifest(run: "MadeRun") -> None:
    for codec in ("low", "a", "b"):
        for clip in reversed(CLIPS):
            run.reconstruction(clip, codec)
    tables = build(run)
    pairs = list(zip(tables.clips["clip"], tables.clips["codec"], strict=True))
    assert pairs == [(clip, codec) for clip in CLIPS for codec in ("b", "a", "low")]
    assert list(dict.fromkeys(tables.summary["codec"])) == ["b", "a", "low"]
    assert list(tables.clips.columns) == [*TABLES["clips"].columns, "stoi", "mel_distance"]
    assert tables.clips["stoi"].isna().all()
    assert list(tables.metrics.columns) == TABLES["metrics"].columns
    assert list(tables.summary.columns) == TABLES["summary"].columns


def test_nothing_has_run_yet(run: "MadeRun") -> None:
    tables = build(run)
    for table, form in ((tables.clips, "clips"), (tables.summary, "summary")):
        assert table.empty
        assert list(table.columns) == TABLES[form].columns  # type: ignore[index]


def test_what_the_manifest_does_not_list_is_left_out(run: "MadeRun") -> None:
    run.reconstruction("nan", "other")
    run.reconstruction("nan", "a")
    assert [case.codec.id for case in cases(read_all(run.folder), run.manifest)] == ["a"]


def test_rows_of_a_table_as_mappings() -> None:
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    found: list[dict[str, Any]] = records(table)
    assert [list(row) for row in found] == [["a", "b"], ["a", "b"]]
    assert found[0] == {"a": 1, "b": "x"}
