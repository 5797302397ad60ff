"""Which scores are settled by an earlier run, and which are computed."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from almbench.metrics.alignment import GainDb
from almbench.metrics.registry import make_family, metric
from almbench.names import ORIGINAL
from almbench.results.metric_record import MetricRecord
from almbench.results.records import OriginalRow, ReconstructionRow, ScoreRow, unchanged
from almbench.results.row_files import Writer
from almbench.results.runfolder import RunFolder
from almbench.runner import worker
from almbench.runner.ledger import Ledger
from almbench.runner.plan import PlannedFamily, PlannedTestSet
from almbench.runner.scoring import Scorer
from almbench.runner.worker import MetricRequest, ScoringJob, score_pair
from almbench.suite.config import TestSetConfig

RATE = 16_000


def planned(name: str, missing: str = "") -> PlannedFamily:
    family = make_family(name, {})
    records = tuple(MetricRecord.of(m, name, family.version(), {}, missing) for m in family.metrics)
    return PlannedFamily(family, records)


ROW = ReconstructionRow(
    testset="t", clip="c", codec="x", status="ok", signature="r", audio_sha256="sound"
)


def known(folder: Path, name: str, status: str, **changes: Any) -> None:
    """Write what an earlier run found."""
    record = MetricRecord.of(metric(name), name, make_family(name, {}).version(), {}, "")
    facts = {
        "testset": "t", "clip": "c", "codec": "x", "metric": name, "status": status,
        "signature": record.signature("r", RATE), "audio_sha256": "sound",
        "value": 1.0 if status == "ok" else None,
    }  # fmt: skip
    with Writer(folder, ScoreRow) as rows:
        rows.write(ScoreRow(**(facts | changes)))


def settled(folder: Path, row: ReconstructionRow, *families: PlannedFamily) -> int:
    """How many scores of a reconstruction need no work."""
    config = TestSetConfig(name="t", domain="speech", scoring_rate=RATE)
    testset = PlannedTestSet(config, [], [], list(families), metrics_requested=False)
    advanced: list[int] = []
    ledger = Ledger(RunFolder(folder))
    scorer = Scorer(RunFolder(folder), [testset], 1, ledger, advanced.append, advanced.append)
    scorer.offer("t", row.codec, [row])
    left = sum(len(r.metrics) for r in scorer.requests(testset, row)) if row.status == "ok" else 0
    steps = scorer.scores_of(testset, row.codec) - left
    assert sum(advanced) == (0 if left else steps)  # what a unit has is told when it is claimed
    return steps


@pytest.mark.parametrize(
    ("status", "is_settled"), [("ok", 1), ("skipped", 1), ("failed", 0), ("unavailable", 0)]
)
def test_failed_scores_are_tried_again_and_others_kept(
    tmp_path: Path, status: str, is_settled: int
) -> None:
    known(tmp_path, "gain_db", status)
    assert settled(tmp_path, ROW, planned("gain_db")) == is_settled


def test_a_failure_that_is_final_is_not_computed_again(tmp_path: Path) -> None:
    known(tmp_path, "gain_db", "failed", final=True)
    assert settled(tmp_path, ROW, planned("gain_db")) == 1
    assert settled(tmp_path, replace(ROW, signature="x"), planned("gain_db")) == 0


def test_loading_is_told_apart_from_computing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, RATE)
    for name in ("a", "b"):
        sf.write(tmp_path / f"{name}.flac", sound, RATE)
    monkeypatch.setattr(GainDb, "load", lambda _: time.sleep(0.2))
    worker._load.cache_clear()
    request = MetricRequest("gain_db", "{}", ("gain_db",))
    files = str(tmp_path / "a.flac"), str(tmp_path / "b.flac")
    pair = score_pair(ScoringJob("t", "c", "x", *files, RATE, (request,)))
    worker._load.cache_clear()
    assert pair.loading_s >= 0.2
    assert pair.results[0].seconds == pair.in_metrics_s
    assert pair.in_metrics_s + pair.loading_s <= pair.busy_s


def test_what_is_not_defined_for_a_pair_is_final_and_a_fault_is_not(tmp_path: Path) -> None:
    for name in ("a", "b"):
        sf.write(tmp_path / f"{name}.flac", np.zeros(RATE), RATE)
    job = ScoringJob("t", "c", "x", str(tmp_path / "a.flac"), str(tmp_path / "b.flac"), RATE, ())
    silent = replace(job, requests=(MetricRequest("gain_db", "{}", ("gain_db",)),))
    (result,) = score_pair(silent).results
    assert (result.status, result.final) == ("failed", True)
    (result,) = score_pair(replace(silent, original=str(tmp_path / "gone.flac"))).results
    assert (result.status, result.final) == ("failed", False)


@pytest.mark.parametrize(
    "changes", [{"signature": "of another version"}, {"audio_sha256": "another sound"}]
)
def test_scores_of_something_else_are_computed_anew(tmp_path: Path, changes: Any) -> None:
    known(tmp_path, "gain_db", "ok", **changes)
    assert settled(tmp_path, ROW, planned("gain_db")) == 0


def test_only_what_is_not_known_of_a_family_is_computed(tmp_path: Path) -> None:
    known(tmp_path, "gain_db", "ok")
    assert settled(tmp_path, ROW, planned("stoi"), planned("gain_db")) == 1


def test_nothing_is_computed_without_a_sound_or_a_metric(tmp_path: Path) -> None:
    failed = replace(ROW, status="failed")
    assert settled(tmp_path, failed, planned("stoi"), planned("gain_db")) == 3
    assert settled(tmp_path, ROW, planned("stoi", "pip install x"), planned("gain_db")) == 0


def test_of_an_original_only_metrics_without_reference_are_computed(tmp_path: Path) -> None:
    original = OriginalRow(testset="t", clip="c", status="ok", signature="o", audio_sha256="sound")
    families = planned("gain_db"), planned("dnsmos")
    config = TestSetConfig(name="t", domain="speech", scoring_rate=RATE)
    testset = PlannedTestSet(config, [], [], list(families), metrics_requested=False)
    assert Scorer.scores_of(testset, "x") == 5
    assert Scorer.scores_of(testset, ORIGINAL) == 4
    assert settled(tmp_path, unchanged(original), families[0]) == 0
    row = unchanged(original)
    assert (row.codec, row.signature, row.audio_sha256) == (ORIGINAL, "o", "sound")


def test_of_long_sounds_few_are_kept() -> None:
    recent = worker._Recent(3)
    made: list[str] = []

    def get(name: str, samples: int) -> None:
        recent.get((name,), lambda: made.append(name), lambda _: samples)

    for name in ["a", "b", "c", "a", "d", "a", "b"]:  # three are kept, those used last
        get(name, 1)
    assert made == ["a", "b", "c", "d", "b"]
    get("long", worker.MOST_SAMPLES)  # leaves room for nothing else
    get("b", 1)
    get("longer", worker.MOST_SAMPLES + 1)  # is not kept itself
    get("longer", worker.MOST_SAMPLES + 1)
    assert made[5:] == ["long", "b", "longer", "longer"]
