"""Bjøntegaard deltas of a run: against the package, and what is refused."""

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import bjontegaard
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from almbench.cli.main import app
from almbench.errors import UserError
from almbench.results.manifest import Manifest, write_manifest
from almbench.results.rate_distortion import compare_families, families_of
from almbench.results.results import Results, load_results
from almbench.results.table_files import write_tables
from almbench.results.tables import build_tables

if TYPE_CHECKING:
    from tests.results.conftest import MadeRun

CLIPS = ("nan", "NA", "01", "c4")
KBPS = {"x8": 8.0, "x1": 1.0, "x2": 2.0, "y1": 1.5, "y2": 3.0, "y8": 9.0}  # in any order
BASE = {"x1": 0.50, "x2": 0.61, "x8": 0.78, "y1": 0.60, "y2": 0.70, "y8": 0.82}
SHIFTS = np.array([0.001, -0.002, 0.003, -0.002])


@pytest.fixture
def results(run: "MadeRun") -> Results:
    """A run of two families with three operating points each."""
    held = run.manifest.model_dump()
    plain = held["codecs"][1]
    held["codecs"] = [
        {**plain, "id": id_, "label": id_, "family": id_[0], "precomputed": False} for id_ in KBPS
    ] + [held["codecs"][2]]
    held["testsets"][0]["codecs"] = [*KBPS, "low"]
    run.manifest = Manifest.model_validate(held)
    for id_, base in BASE.items():
        for clip, shift in zip(CLIPS, SHIFTS * (2 if id_[0] == "y" else 1), strict=True):
            bits = KBPS[id_] * 2_000 * (1 + shift)
            row = run.reconstruction(clip, id_, bits=bits)
            run.score(row, "stoi", base + shift)
            run.score(row, "mel_distance", 1.0)
    run.reconstruction("01", "low", bits=None)
    write_tables(build_tables(run.folder, run.manifest), run.folder)
    write_manifest(run.manifest, run.folder)
    return load_results(run.folder.root)


def test_families_by_name_against_the_package(results: Results) -> None:
    assert families_of(results.manifest) == {"x": ["x8", "x1", "x2"], "y": ["y1", "y2", "y8"]}
    rate, quality = results.rate_distortion("x", "y", "stoi")
    means = results.summary().pivot_table(index="codec", columns="metric", values="mean")
    curves = []
    for ids in (["x1", "x2", "x8"], ["y1", "y2", "y8"]):
        curves += [means.loc[ids, name].to_numpy() for name in ("measured_kbps", "stoi")]
    settings = {"method": "akima", "min_overlap": 0}
    assert rate.value == pytest.approx(bjontegaard.bd_rate(*curves, **settings))
    assert quality.value == pytest.approx(bjontegaard.bd_psnr(*curves, **settings))
    assert (rate.measure, rate.unit, rate.baseline_codecs) == ("bd_rate", "%", ("x1", "x2", "x8"))
    assert (quality.measure, quality.unit) == ("bd_quality", "")
    assert (rate.n, rate.clusters, rate.better, quality.better) == (4, 4, True, True)
    assert rate.overlap == pytest.approx((0.78 - 0.60) / (0.82 - 0.50))
    assert rate.reason == "the curves overlap little"
    for row in (rate, quality):
        assert row.value is not None
        assert (row.ci95_low or np.nan) < row.value < (row.ci95_high or np.nan)
    back, lost = results.rate_distortion("y", "x", "stoi")
    assert back.value == pytest.approx(100 / (1 + (rate.value or 0) / 100) - 100)
    assert lost.value == pytest.approx(-(quality.value or 0))
    assert (back.better, lost.better) == (False, False)


def test_families_as_lists(results: Results) -> None:
    listed = {"low y": ["y2", "y1"], "mixed": ["x1", "y2", "x8"]}
    few, _ = results.rate_distortion("x", "low y", "stoi", listed)
    assert (few.value, few.reason) == (None, "low y has 2 of the 3 operating points it takes")
    mixed, _ = results.rate_distortion("x", "mixed", "stoi", listed)
    assert mixed.codecs == ("x1", "y2", "x8")
    assert (mixed.value or 0) < 0
    flat, _ = results.rate_distortion("x", "y", "mel_distance")
    assert flat.reason == "x is not monotone: 1 at 1 kbps, 1 at 2 kbps"
    silent, _ = results.rate_distortion("x", "f", "stoi", {"f": ["y1", "y2", "low"]})
    assert (silent.n, silent.reason) == (0, "no measured bitrate: low")
    for wrong in (("x", "z", "stoi"), ("x", "y", "gain_db"), ("x", "bad", "stoi")):
        with pytest.raises(UserError, match="There is no"):
            results.rate_distortion(*wrong, {"bad": ["y1", "y9", "y2"]})
    two = dict.fromkeys(("a", "b"), results.manifest.codecs_by_id)
    with pytest.raises(UserError, match="nothing to compare"):
        compare_families(results, {name: list(ids)[:3] for name, ids in two.items()}, [])
    with pytest.raises(UserError, match=r"two families of 3 operating .* This run has \w+: \w+, "):
        compare_families(results, {}, [])


def test_the_command(results: Results) -> None:
    root = str(results.folder.root)

    def bench(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["rate-distortion", root, *arguments])

    text = bench()
    assert text.exit_code == 0
    assert "talk, stoi: y (y1, y2, y8) against x (x1, x2, x8), 4 clips\n  BD-rate -" in text.output
    assert "% [-" in text.output
    assert "(bitrate at equal quality), better; overlap 56 %" in text.output
    rows = pd.read_csv(StringIO(bench("--format", "csv", "--metric", "stoi").output))
    assert rows["codecs"].tolist() == ["y1 y2 y8"] * 2
    whole = json.loads(bench("--format", "json", "--baseline", "y").output)
    assert whole[0]["baseline_codecs"] == ["y1", "y2", "y8"]
    assert "| talk | stoi | y (y1, y2, y8) |" in bench("--format", "markdown").output
    short = bench("--family", "x", "--family", "few=y1,y2", "--metric", "stoi")
    assert short.exit_code == 1
    assert "BD-rate: none, as few has 2 of the 3 operating points" in short.output
    for wrong in (["--family", "z"], ["--baseline", "z"], ["--metric", "z"], ["--family", "a="]):
        assert isinstance(bench(*wrong).exception, UserError)
