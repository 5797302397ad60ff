import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from scipy import stats

from almbench.cli.main import main
from almbench.errors import UserError
from almbench.listening.analysis import analyse
from almbench.runner.run import run_suite
from almbench.site.listening_results import ListeningResults, check_belongs, listening_results
from almbench.site.output import Output
from almbench.site.source import Run, read_runs
from almbench.suite.load import load_suite

Json = dict[str, Any]
Make = Callable[..., Json]
Save = Callable[[Json], Path]
MEANS = {"opus-6": 30, "opus-12": 55, "opus-24": 80, "mp3-16": 60}
HOSTILE = "<script>alert(1)</script>"

SUITE = """
name = "small"
title = "Small"
[[testset]]
name = "talk"
domain = "speech"
path = "sounds"
[metrics]
speech = ["stoi", "mel_distance", "gain_db"]
""" + "".join(f'[[codec]]\nid = "{id_}"\n' for id_ in MEANS)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Path:
    """A run of four codecs and two clips."""
    folder = tmp_path_factory.mktemp("listening")
    (folder / "sounds").mkdir()
    for name, path in zip("ab", speech, strict=False):
        samples, rate = sf.read(path, dtype="int16")
        sf.write(folder / "sounds" / f"{name}.wav", samples[: int(1.5 * rate)], rate)
    (folder / "suite.toml").write_text(SUITE)
    run_suite(load_suite(str(folder / "suite.toml")), folder / "run", "cpu", 1)
    return folder / "run"


@pytest.fixture
def run(root: Path) -> Run:
    return read_runs([root])[0]


@pytest.fixture
def results(tmp_path: Path, mushra: Make, abx: Make, save: Save) -> Path:
    """Six listeners, one of them careless; two did an ABX test."""
    rng = np.random.default_rng(8)
    for listener in range(6):
        scores = {
            f"talk/{clip}": {"original": 40 if listener == 5 else 100, "anchor-7": 50}
            | {s: int(mean + rng.integers(-9, 10)) for s, mean in MEANS.items()}
            for clip in "ab"
        }
        save(mushra(listener, scores, name=f"Name {listener}", title=f"T {HOSTILE}"))
    for listener in range(2):
        result = abx(listener, right=11, done=16, pair={"a": "original", "b": "opus-24"})
        for trial in result["trials"]:
            trial["clip"] = "talk/a"
        save(result)
    return tmp_path / "results"


def gathered(results: Path, run: Run, tmp_path: Path) -> ListeningResults:
    return listening_results(analyse([results]), run, Output(tmp_path / "out"))


def set_score(run: Run, key: tuple[str, str, str], metric: str, value: float | None) -> None:
    """Put another value, or none, in the place of a score."""
    table = run.by_metric.table
    testset, clip, codec = key
    of_clip = (table["testset"] == testset) & (table["clip"] == clip) & (table["codec"] == codec)
    table.loc[of_clip & (table["metric"] == metric), "value"] = value


def test_ratings_beside_scores_and_correlations(
    results: Path, run: Run, tmp_path: Path, root: Path
) -> None:
    (of_speech,) = gathered(results, run, tmp_path).ratings
    assert (of_speech.listeners, of_speech.left_out, of_speech.clips) == (5, 1, 2)
    given = [json.loads(path.read_text()) for path in sorted(results.glob("mushra-*.json"))[:5]]
    ratings = pd.DataFrame(r for g in given for t in g["trials"] for r in t["ratings"])
    rated = ratings.groupby("system")["score"].mean()
    table = pd.read_csv(root / "metrics.csv")
    for correlation in of_speech.correlations:
        rows = table[table["metric"] == correlation.metric.name]
        means = rows.groupby("codec")["value"].mean()
        x, y = means[list(MEANS)], rated[list(MEANS)]
        assert correlation.found.n == 4
        assert correlation.found.pearson == pytest.approx(np.corrcoef(x, y)[0, 1])
        assert correlation.found.spearman == pytest.approx(np.corrcoef(x.rank(), y.rank())[0, 1])
    # gain_db has no better direction
    assert [c.metric.name for c in of_speech.correlations] == ["stoi", "mel_distance"]
    best = of_speech.rows[1]
    assert (best.label, best.mean) == ("Opus-24", f"{rated['opus-24']:.1f}")
    stoi = table[(table["metric"] == "stoi") & (table["codec"] == "opus-24")]["value"].mean()
    assert best.scores[0] == f"{stoi:.3f}"
    assert of_speech.rows[0].scores == ["", ""]  # the reference has no score


def test_a_missing_value_takes_its_system_out(results: Path, run: Run, tmp_path: Path) -> None:
    set_score(run, ("talk", "b", "mp3-16"), "stoi", None)
    (of_speech,) = gathered(results, run, tmp_path).ratings
    assert [c.found.n for c in of_speech.correlations] == [3, 4]
    missing = next(row for row in of_speech.rows if row.label == "Mp3-16")
    assert missing.scores[0] == ""


def test_no_correlation_of_two_or_of_equals(results: Path, run: Run, tmp_path: Path) -> None:
    for codec in ("mp3-16", "opus-6"):
        set_score(run, ("talk", "a", codec), "stoi", None)
    for key in run.scores:
        set_score(run, key, "mel_distance", 0.3)
    (of_speech,) = gathered(results, run, tmp_path).ratings
    assert [tuple(c.found) for c in of_speech.correlations] == [
        (None, None, 2),
        (None, None, 4),
    ]


def test_abx_results(results: Path, run: Run, tmp_path: Path) -> None:
    (of_abx,) = gathered(results, run, tmp_path).overall
    ((domain, systems, cells),) = of_abx.rows
    assert (domain, systems) == ("speech", ["Original", "Opus (24 kbps)"])
    assert of_abx.headings == ["Listeners", "Right", "Share", "95\u00a0% interval", "p"]
    interval = stats.binomtest(22, 32).proportion_ci(method="wilson")
    p = stats.binomtest(22, 32, alternative="greater").pvalue
    between = f"{interval.low:.2f} to {interval.high:.2f}"
    assert cells == ["2", "22 of 32", "0.69", between, f"{p:.3f}"]


def test_results_of_something_else_are_refused(
    results: Path, run: Run, mushra: Make, save: Save
) -> None:
    check_belongs(analyse([results]), [run])
    for scores in ({"talk/c": {"opus-6": 3}}, {"talk/a": {"opus-7": 3}}):
        path = save(mushra(1, scores))
        with pytest.raises(UserError, match="none of the runs has") as refused:
            check_belongs(analyse([path]), [run])
        assert path.name in str(refused.value)
    music = save(mushra(1, {"talk/a": {"opus-6": 3}}, domain="music"))
    with pytest.raises(UserError, match="of music"):
        check_belongs(analyse([music]), [run])


def test_the_site_shows_it(
    results: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    args = ["bench", "site", str(root), "-o", str(site), "--listening", str(results)]
    monkeypatch.setattr(sys, "argv", args)
    with pytest.raises(SystemExit, match="0"):
        main()
    html = (site / "index.html").read_text(encoding="utf-8")
    assert "Listening tests" in html
    assert "MUSHRA ratings of speech by 5 listeners" in html
    assert "1 more took part and was left out" in html
    assert "T &lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert HOSTILE not in html
    drawn = sorted(path.name for path in (site / "plots/small").glob("listening-*"))
    assert drawn == [
        f"listening-speech{ending}"
        for ending in ("-dark.svg", "-light.svg", ".csv", ".pdf", ".svg")
    ]
    everything = b"".join(path.read_bytes() for path in site.rglob("*") if path.is_file())
    assert b"Name 3" not in everything  # who took part is not published
