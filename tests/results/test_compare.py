"""Paired comparisons in a run and across two, against scipy and by hand."""

import json
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from almbench.cli.main import app
from almbench.errors import UserError
from almbench.results.compare import compare_codecs
from almbench.results.manifest import Manifest, write_manifest
from almbench.results.results import Results, load_results
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_tables
from almbench.results.tables import build_tables

if TYPE_CHECKING:
    from tests.results.conftest import MadeRun

CLIPS = ("nan", "NA", "01", "c4")
A = [0.50, 0.60, 0.70, 0.80]
B = [0.61, 0.69, 0.82, 0.88]  # better by all clips, significantly


def finish(run: "MadeRun", values: dict[str, list[float]], metric: str = "stoi") -> Results:
    """Write scores, tables and manifest."""
    for codec, of_codec in values.items():
        for clip, value in zip(CLIPS, of_codec, strict=False):
            run.score(run.reconstruction(clip, codec), metric, value)
    write_tables(build_tables(run.folder, run.manifest), run.folder)
    write_manifest(run.manifest, run.folder)
    return load_results(run.folder.root)


def changed(manifest: Manifest, change: Any) -> Manifest:
    held = manifest.model_dump()
    change(held)
    return Manifest.model_validate(held)


@pytest.fixture
def other(run: "MadeRun", tmp_path: Any) -> "MadeRun":
    return type(run)(RunFolder(tmp_path / "other"), run.manifest)


def test_a_pair_against_scipy(run: "MadeRun") -> None:
    (found,) = finish(run, {"a": A, "b": B}).compare("a", "b", "stoi")
    differences = np.array(B) - A
    expected = stats.ttest_rel(B, A)
    assert found.difference == pytest.approx(differences.mean())
    interval = expected.confidence_interval(0.95)
    assert (found.ci95_low, found.ci95_high) == pytest.approx((interval.low, interval.high))
    assert found.p == found.p_holm == pytest.approx(expected.pvalue)
    assert found.effect_size == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert (found.wins, found.ties, found.losses, found.n, found.clusters) == (4, 0, 0, 4, 4)
    assert (found.verdict, found.note) == ("better", "")
    assert [moved.clip for moved in found.moved] == ["01", "nan", "NA"]
    assert found.moved[0].sound == run.folder.audio("talk", "b", "01")
    assert (found.moved[0].baseline_value, found.moved[0].value) == (0.70, 0.82)
    # The power at the smallest difference, by the noncentral F distribution instead of t.
    assert found.smallest_difference is not None
    noncentrality = (found.smallest_difference / stats.sem(differences)) ** 2
    critical = stats.f.ppf(0.95, 1, 3)
    assert stats.ncf.sf(critical, 1, 3, noncentrality) == pytest.approx(0.8, abs=1e-4)


def test_lower_may_be_better(run: "MadeRun") -> None:
    results = finish(run, {"a": A, "b": B}, "mel_distance")
    (found,) = results.compare("a", "b", "mel_distance")
    assert (found.verdict, found.wins, found.losses) == ("worse", 0, 4)
    (back,) = results.compare("b", "a", "mel_distance")
    assert (back.verdict, back.wins, back.losses) == ("better", 4, 0)
    assert back.difference == pytest.approx(-(found.difference or 0))


def test_only_shared_clips_count_and_speakers_are_clusters(run: "MadeRun") -> None:
    def speakers(held: dict[str, Any]) -> None:
        for clip, cluster in zip(held["testsets"][0]["clips"], ("s", "s", "r", "r"), strict=True):
            clip["cluster"] = cluster

    run.manifest = changed(run.manifest, speakers)
    (found,) = finish(run, {"a": A, "b": B[:3]}).compare("a", "b", "stoi")
    assert (found.n, found.clusters) == (3, 2)
    assert found.mean == pytest.approx(np.mean(B[:3]))
    assert found.verdict == "not separated"
    assert found.note == "3 clips of 2 clusters do not separate these two"


def test_equal_alike_and_single(run: "MadeRun") -> None:
    results = finish(run, {"a": A, "b": A, "low": [v + 0.25 for v in A]})
    (equal,) = results.compare("a", "b", "stoi")
    assert (equal.p, equal.verdict, equal.note) == (1.0, "not separated", "equal on all 4 clips")
    assert (equal.ties, equal.effect_size, equal.smallest_difference) == (4, None, None)
    (alike,) = results.compare("a", "low", "stoi")
    assert (alike.p, alike.verdict) == (None, "not tested")
    assert alike.note == "4 clips: no test, as all differences are alike"


def test_holm_is_over_all_that_was_asked(run: "MadeRun") -> None:
    results = finish(run, {"a": A, "b": B, "low": [0.5, 0.61, 0.69, 0.85]})
    found = compare_codecs(results, [("a", "b"), ("a", "low")], ["stoi"])
    p = [row.p or 0.0 for row in found]
    assert [row.p_holm for row in found] == pytest.approx([2 * p[0], p[1]])
    (alone,) = compare_codecs(results, [("a", "b")], ["stoi"])
    assert (found[0].smallest_difference or 0) > (alone.smallest_difference or 0)


def test_nothing_to_compare(run: "MadeRun") -> None:
    results = finish(run, {"a": A, "b": B})
    for a, b, metric in (("a", "z", "stoi"), ("a", "b", "pesq"), ("a", "b", "mel_distance")):
        with pytest.raises(UserError, match="nothing to compare"):
            results.compare(a, b, metric)


def test_two_runs(run: "MadeRun", other: "MadeRun") -> None:
    old = finish(run, {"a": A, "b": B})
    other.manifest = changed(
        run.manifest, lambda held: held["codecs"][1]["settings"].update(bitrate=9000)
    )
    new = finish(other, {"a": B, "b": B})
    a, b = compare_codecs(old, [("a", "a"), ("b", "b")], ["stoi"], new)
    assert (a.verdict, b.verdict) == ("better", "not separated")
    assert a.moved[0].baseline_sound == run.folder.audio("talk", "a", "01")
    assert a.moved[0].sound == other.folder.audio("talk", "a", "01")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda held: held["metrics"][0].update(version="stoi 2"), "stoi 2"),
        (lambda held: held["metrics"][0].update(settings={"x": 2}), "x=2"),
        (lambda held: held["testsets"][0].update(scoring_rate=8000), "8000 Hz"),
        (lambda held: held["policies"].update(version=2), "policies of version 1 and 2"),
    ],
)
def test_runs_that_are_not_comparable(
    run: "MadeRun", other: "MadeRun", change: Any, said: str
) -> None:
    old = finish(run, {"a": A})
    finish(other, {"a": B})
    new = Results(other.folder, changed(run.manifest, change))
    with pytest.raises(UserError, match=said):
        compare_codecs(old, [("a", "a")], ["stoi"], new)


def test_other_sound_under_the_same_name(run: "MadeRun", other: "MadeRun") -> None:
    from tests.results.conftest import write

    old, new = finish(run, {"a": A}), finish(other, {"a": B})
    write(other.folder, replace(other.original("01"), samples_sha256="x"))
    with pytest.raises(UserError, match="other sound under the same name: 01"):
        compare_codecs(old, [("a", "a")], ["stoi"], new)


def test_the_command(run: "MadeRun", other: "MadeRun") -> None:
    old, new = str(finish(run, {"a": A, "b": B}).folder.root), None
    new = str(finish(other, {"a": B, "b": A}).folder.root)

    def bench(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["compare", *arguments])

    text = bench(old, "--baseline", "a")
    assert text.exit_code == 0
    assert "talk, stoi: b against a\n  better\n" in text.output
    assert "smallest difference that these clips show at 80 % power" in text.output
    table = pd.read_csv(StringIO(bench(old, new, "--format", "csv").output))
    assert table[["codec", "verdict"]].to_numpy().tolist() == [["b", "worse"], ["a", "better"]]
    whole = json.loads(bench(old, new, "--format", "json").output)
    assert (whole["differences"], len(whole["comparisons"][0]["moved"])) == ([], 3)
    assert "| talk | stoi | a | a |" in bench(old, new, "--format", "markdown").output
    gate = bench(old, new, "--fail-on-regression")
    assert gate.exit_code == 1
    assert "Regression: b is worse than b by stoi on talk" in gate.output
    assert bench(old, "--baseline", "a", "--fail-on-regression").exit_code == 0
    for wrong in (("--baseline", "z"), ("--metric", "z")):
        assert isinstance(bench(old, *wrong).exception, UserError)
