"""`Results.only` and `bench export` of a part of a run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from almbench.errors import UserError
from almbench.results.results import Results, load_results
from almbench.statistics.intervals import t_interval
from tests.conftest import Bench


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, bench: Bench) -> Results:
    """Three codecs' files for four clips; one codec lacks a clip."""
    base = tmp_path_factory.mktemp("narrow")
    rng = np.random.default_rng(0)
    for clip in "abcd":
        noise = rng.uniform(-0.1, 0.1, 16_000)
        for codec, gain in (("ref", 1.0), ("half", 0.5), ("third", 0.33), ("loud", 1.1)):
            (base / codec).mkdir(exist_ok=True)
            hiss = rng.uniform(-0.01, 0.01, 16_000) * (codec != "ref")
            sf.write(base / codec / f"{clip}.wav", noise * gain + hiss, 16_000)
    (base / "loud" / "d.wav").unlink()
    given = ["ref", "half", "third", "loud", "--domain", "sound", "-o", "run", "--workers", 1]
    done = bench("score", *given, "--metric", "gain_db", "--metric", "si_sdr", cwd=base)
    assert done.returncode == 1, done.stderr
    return load_results(base / "run")


def test_codecs_and_metrics_are_narrowed(run: Results) -> None:
    part = run.only(codecs=["half", "third"], metrics=["gain_db"])
    assert set(part.summary()["codec"]) == {"half", "third"}
    assert set(part.summary()["metric"]) == {"gain_db"}
    assert set(part.metrics()["codec"]) == {"half", "third"}
    assert "gain_db" in part.clips()
    assert "si_sdr" not in part.clips()
    (table,) = part.comparisons
    assert [codec.id for codec in table.codecs] == ["half", "third"]
    assert [metric.name for metric in table.metrics] == ["gain_db"]
    whole = run.summary().set_index(["codec", "metric"])["mean"]
    assert (
        part.summary()
        .set_index(["codec", "metric"])["mean"]
        .equals(whole.loc[[("half", "gain_db"), ("third", "gain_db")]])
    )


def test_common_clips_are_those_that_all_have(run: Results) -> None:
    part = run.only(common_clips=True)
    assert set(part.clips()["clip"]) == {"a", "b", "c"}
    rows = part.summary().set_index(["codec", "metric"])
    assert set(rows.loc[(slice(None), "gain_db"), "n"]) == {3}
    values = run.clips().set_index(["codec", "clip"])["gain_db"]
    of_half = values.loc["half"].loc[["a", "b", "c"]].to_numpy()
    mean, low, high = t_interval(of_half, np.arange(3)).within(None, None)
    found: Any = rows.loc[("half", "gain_db")]
    assert (found["mean"], found["ci95_low"], found["ci95_high"]) == pytest.approx(
        (mean, low, high)
    )
    # Without the codec that lacks a clip, all clips are common.
    assert set(run.only(codecs=["half", "third"], common_clips=True).clips()["clip"]) == set("abcd")


def test_what_the_run_does_not_have_is_named(run: Results) -> None:
    with pytest.raises(UserError, match=r"no codec 'hal' in the run\. Did you mean 'half'"):
        run.only(codecs=["hal"])
    with pytest.raises(UserError, match=r"no metric 'gain' in the run\. Did you mean 'gain_db'"):
        run.only(metrics=["gain"])
    with pytest.raises(UserError, match="no test set 'x' in the run"):
        run.only(testsets=["x"])
    with pytest.raises(UserError, match="Nothing is left to export"):
        run.only(metrics=["entropy_kbps"])


def test_the_command_exports_the_same_in_every_format(
    run: Results, bench: Bench, tmp_path: Path
) -> None:
    chosen = ["--codec", "half", "--metric", "gain_db", "--clips", "common"]
    csv = pd.read_csv(_output(bench, run, tmp_path / "t.csv", chosen))
    assert [tuple(row) for row in csv[["codec", "metric", "n"]].to_numpy()] == [
        ("half", "gain_db", 4)
    ]
    (row,) = json.loads(_output(bench, run, tmp_path / "t.json", chosen).read_text())
    assert row["mean"] == csv["mean"][0]  # to the last bit
    assert type(row["rate_hz"]) is int
    low, high = csv["ci95_low"][0], csv["ci95_high"][0]
    cell = f"{row['mean']:.1f} [{low:.1f}, {high:.1f}]"
    assert cell in _output(bench, run, tmp_path / "t.md", [*chosen, "--ci"]).read_text()
    latex = _output(bench, run, tmp_path / "t.tex", [*chosen, "--ci"]).read_text()
    assert cell.replace("-", "$-$") in latex
    assert "[" not in _output(bench, run, tmp_path / "u.md", chosen).read_text()


def test_json_of_the_whole_has_every_digit(run: Results) -> None:
    rows = json.loads(run.to_json("metrics"))
    values = run.metrics()["value"]
    assert [row["value"] for row in rows] == [None if pd.isna(v) else v for v in values]
    assert {type(row["rate_hz"]) for row in rows if row["rate_hz"] is not None} == {int}


def _output(bench: Bench, run: Results, target: Path, chosen: list[str]) -> Path:
    done = bench("export", run.folder.root, "-o", target, *chosen)
    assert done.returncode == 0, done.stderr
    return target
