"""What `bench run` prints at the end, at the widths of terminals."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from almbench.cli import outcome
from almbench.results.results import load_results
from tests.conftest import Bench


@pytest.fixture
def run(small: Path, bench: Bench, tmp_path: Path) -> Path:
    """A run whose metrics are as if the suite had not named them."""
    done = bench("run", small, "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "Also computed" not in done.stdout  # all were asked for
    assert "ESTOI" in done.stdout
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["testsets"][0]["metrics_requested"] = False
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path / "run"


def test_tables_show_the_headline_metrics_and_fit(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for width in (60, 80, 200):
        monkeypatch.setattr(outcome, "console", Console(highlight=False, width=width))
        assert outcome.print_outcome(load_results(run)) == 0
        text = capsys.readouterr().out
        lines = [line for line in text.splitlines() if str(run) not in line]
        assert max(map(len, lines)) <= width
        assert "Opus (6 kbps)" in text
        assert "STOI" in text
        words = " ".join(text.split())
        assert "Also computed: estoi, mel_distance, lag_ms, gain_db. To see all:" in words
        assert f"bench export {run} --format markdown" in text.splitlines()  # in one piece
        assert "\x1b" not in text


def test_a_table_says_how_many_clips_have_values(small: Path, bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "data" / "torn.wav").write_bytes(b"no sound")
    done = bench("run", small, "-o", tmp_path / "run")
    assert done.returncode == 1
    assert "talk (means over 2 of 3 clips)" in done.stdout
    assert "means over 2 of 3 clips" in load_results(tmp_path / "run").to_latex()


def test_clips_count_for_what_a_table_shows_alone(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = load_results(run)
    [comparison] = results.comparisons
    key = next(key for key in comparison.cells if key[1] == "lag_ms")
    comparison.cells[key] = replace(comparison.cells[key], n=1)  # among what is also computed
    outcome.print_outcome(results)
    assert f"talk (means over {comparison.of.size})" in capsys.readouterr().out
    assert f"means over 1 to 2 of {comparison.of.size}" in results.to_latex()


def test_the_heading_of_short_names_is_whole(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for i, codec in enumerate(manifest["codecs"]):
        codec.update(label="abc"[i % 3], stated_bps=None, frame_rate=None, codebook_sizes=[])
    path.write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setattr(outcome, "console", Console(highlight=False, width=80))
    outcome.print_outcome(load_results(run))
    assert " codec " in capsys.readouterr().out


def test_no_colour_on_request(bench: Bench, tmp_path: Path) -> None:
    done = bench("run", "quik")
    assert done.stderr.startswith("Error: There is no suite 'quik'")
