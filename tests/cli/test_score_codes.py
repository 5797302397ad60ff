"""`bench score --codes`: a codec takes part by its sounds and token files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import write_flac
from almbench.results.results import load_results
from tests.conftest import Bench


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Four clips of two classes in two clusters: originals, a codec's sounds and its codes."""
    rows = ["id,cluster,class"]
    (tmp_path / "tokens").mkdir()
    for i in range(4):
        noise = 0.1 * np.random.default_rng(i).standard_normal(8000)
        write_flac(tmp_path / "originals" / f"c{i}.flac", noise, 16_000)
        write_flac(tmp_path / "ours" / f"c{i}.flac", noise / 2, 16_000)
        np.savez(tmp_path / "tokens" / f"c{i}.npz", codes=np.full((1, 9), i % 2), frame_rate=18.0)
        rows.append(f"c{i},{i // 2},{'ab'[i % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    return tmp_path


@pytest.mark.slow
def test_token_files_of_a_scored_codec_are_probed(given: Path, bench: Bench) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    done = bench(
        *("score", "originals", "Our codec=ours", "--codes", "tokens", "--labels", "labels.csv"),
        *("-o", "run", "--metric", "gain_db", "--workers", "1"),
        cwd=given,
    )
    assert done.returncode == 0, done.stderr
    assert "probe_accuracy" in done.stdout
    results = load_results(given / "run")
    table = results.probes()
    assert set(table["codec"]) >= {results.manifest.codecs[0].id}
    bags = table[(table["input"] == "bag") & (table["codec"] != "original")]
    assert bags["value"].tolist() == [1.0]
    means = dict(zip(results.summary()["metric"], results.summary()["mean"], strict=True))
    assert means["gain_db"] == pytest.approx(-6.02, abs=0.01)


@pytest.mark.slow
def test_token_files_that_say_their_codebooks_are_codes_of_the_run(
    given: Path, bench: Bench
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    for i, path in enumerate(sorted((given / "tokens").iterdir())):
        codes = np.full((1, 9), i % 2)
        np.savez(path, codes=codes, codebook_sizes=[16], frame_rate=18.0)
    given_twice = (
        *("score", "originals", "Our codec=ours@0.1kbps", "--codes", "tokens"),
        *("--labels", "labels.csv", "-o", "run", "--metric", "gain_db", "--workers", "1"),
    )
    done = bench(*given_twice, cwd=given)
    assert done.returncode == 0, done.stderr
    results = load_results(given / "run")
    assert results.clips()["measured_kbps"].tolist() == pytest.approx([9 * 4 / 0.5 / 1000] * 4)
    assert results.clips()["tokens_per_second"].tolist() == [18.0] * 4
    table = results.probes()
    bags = table[(table["input"] == "bag") & (table["codec"] != "original")]
    assert bags["value"].tolist() == [1.0]
    done = bench("site", "run", "-o", "public", cwd=given)
    assert done.returncode == 0, done.stderr
    assert len(list((given / "public").rglob("codes/*.webp"))) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("facts", [{}, {"codebook_sizes": [16], "frame_rate": 18.0}])
def test_token_files_that_cannot_be_used_are_a_failure(
    given: Path, bench: Bench, facts: dict[str, Any]
) -> None:
    pytest.importorskip("sklearn")
    for path in (given / "tokens").iterdir():
        np.savez(path, allow_pickle=False, codes=np.full((1, 9), -3), **facts)
    done = bench(
        *("score", "originals", "ours", "--codes", "tokens", "--labels", "labels.csv"),
        *("-o", "run", "--metric", "gain_db", "--workers", "1"),
        cwd=given,
    )
    assert done.returncode == 1, done.stderr
    assert "none of its codes can be used" in " ".join(done.stdout.split())
    assert "-3 the smallest" in done.stdout
    assert "Tables: run/clips.csv" in done.stdout


def test_token_files_of_another_codec_are_refused(given: Path, bench: Bench) -> None:
    done = bench("score", "originals", "ours", "--codes", "Theirs=tokens", "-o", "run", cwd=given)
    assert done.returncode == 2
    assert "There is no folder 'Theirs' of reconstructions. Allowed: ours." in done.stderr
    done = bench("score", "originals", "ours", "--labels", "labels.csv", "-o", "run", cwd=given)
    assert done.returncode == 2
    assert "--labels is for --codes" in done.stderr
