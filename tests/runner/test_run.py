import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr
from pystoi import stoi

from almbench.errors import UserError
from almbench.results.records import ReconstructionRow, ScoreRow
from almbench.results.results import Results
from almbench.results.row_files import read_rows
from almbench.runner.plan import select
from almbench.runner.run import run_suite
from almbench.suite.load import load_suite
from tests.conftest import small_suite

Bench = Callable[..., subprocess.CompletedProcess[str]]
# The contract of docs/results.md, written out here so that no column comes or goes unnoticed.
CLIP_COLUMNS = [
    "testset", "domain", "clip", "codec", "label", "duration_s", "nominal_kbps", "measured_kbps",
    "entropy_kbps", "tokens_per_second", "frame_rate_hz", "encode_rtf", "decode_rtf", "lag_ms",
    "gain_db", "status", "reason", "speaker", "text", "sample_rate_hz", "clipped_samples",
    "encoded_with",
]  # fmt: skip
METRIC_COLUMNS = [
    "testset", "domain", "clip", "codec", "metric", "value", "status", "reason", "seconds",
    "signature", "version", "rate_hz",
]  # fmt: skip
SUMMARY_COLUMNS = [
    "testset", "domain", "codec", "metric", "mean", "ci95_low", "ci95_high", "n",
    "clusters", "failed", "rank_group", "label", "version", "rate_hz", "reason",
]  # fmt: skip
SPEEDS: dict[str, list[str]] = {
    "clips": ["encode_rtf", "decode_rtf"],
    "metrics": ["seconds"],
    "summary": [],
}


def run(suite: Path, root: Path, workers: int = 2) -> Results:
    return run_suite(load_suite(str(suite)), root, "cpu", workers)


def read(root: Path, table: str) -> Any:
    return pd.read_csv(root / f"{table}.csv", keep_default_na=False, na_values=[""])


def tables(root: Path) -> dict[str, str]:
    """The CSVs of a run without the speed columns, as text."""
    out = {}
    for name, speeds in SPEEDS.items():
        table = pd.read_csv(root / f"{name}.csv", dtype=str, keep_default_na=False)
        out[name] = table.drop(columns=speeds).to_csv(index=False)
    return out


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Path:
    """A finished run of the small suite, which no test changes."""
    place = tmp_path_factory.mktemp("done")
    run(small_suite(place, speech), place / "run")
    return place / "run"


def test_a_run_leaves_what_the_contract_says(done: Path) -> None:
    clips = read(done, "clips")
    metrics = read(done, "metrics")
    summary = read(done, "summary")
    assert list(clips.columns) == [*CLIP_COLUMNS, "stoi", "estoi", "mel_distance"]
    assert list(metrics.columns) == METRIC_COLUMNS
    assert list(summary.columns) == SUMMARY_COLUMNS
    assert len(clips) == 4
    assert (clips["status"] == "ok").all()
    assert len(metrics) == 4 * 7  # five metrics, measured and entropy bitrate
    assert (done / "manifest.json").is_file()
    assert (done / "suite.toml").is_file()
    for row in clips.to_dict("records"):
        assert (done / "reconstructions/talk" / row["codec"] / f"{row['clip']}.flac").is_file()
        assert (done / "reconstructions/talk/original" / f"{row['clip']}.flac").is_file()


def test_a_number_is_that_of_the_stored_sound(done: Path) -> None:
    for row in read(done, "clips").to_dict("records"):
        sounds = []
        for codec in ("original", row["codec"]):
            samples, rate = sf.read(done / f"reconstructions/talk/{codec}/{row['clip']}.flac")
            sounds.append(soxr.resample(samples, rate, 16_000, quality="VHQ"))
        length = min(map(len, sounds))
        expected = stoi(sounds[0][:length], sounds[1][:length], 16_000)
        assert row["stoi"] == pytest.approx(expected, abs=1e-12)


def test_summary_is_the_mean_over_clips(done: Path) -> None:
    clips = read(done, "clips")
    summary = read(done, "summary").set_index(["codec", "metric"])
    for codec, group in clips.groupby("codec"):
        cell = summary.loc[(codec, "stoi")]
        assert cell["mean"] == pytest.approx(group["stoi"].mean())
        assert cell["ci95_low"] <= cell["mean"] <= cell["ci95_high"]
        assert (cell["n"], cell["failed"]) == (2, 0)
    assert 5.9 < summary.loc[("opus-6", "measured_kbps"), "mean"] < 6.5
    anchor = summary.loc[("lowpass-3.5", "measured_kbps")]
    assert np.isnan(anchor["mean"])
    assert "filter" in anchor["reason"]


def test_running_again_computes_nothing_and_changes_nothing(
    small: Path, done: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(done, tmp_path / "run")
    before = {p.name: p.read_bytes() for p in root.glob("*.csv")}
    assert run(small, root).manifest.run.scored_pairs == 0
    assert before == {p.name: p.read_bytes() for p in root.glob("*.csv")}


def test_a_changed_sound_is_done_again_and_no_more(small: Path, done: Path, tmp_path: Path) -> None:
    root = shutil.copytree(done, tmp_path / "run")
    clips = read(root, "clips")
    lost = root / "reconstructions/talk/opus-6" / f"{clips['clip'][0]}.flac"
    lost.unlink()
    assert run(small, root).manifest.run.scored_pairs == 0  # the same sound comes out
    assert lost.is_file()
    source = tmp_path / "data" / f"{clips['clip'][0]}.wav"
    samples, rate = sf.read(source)
    sf.write(source, samples * 0.5, rate)
    assert run(small, root).manifest.run.scored_pairs == 2


def test_the_number_of_workers_does_not_change_the_tables(
    small: Path, done: Path, tmp_path: Path
) -> None:
    run(small, tmp_path / "one", workers=1)
    assert tables(tmp_path / "one") == tables(done)


@pytest.mark.slow
@pytest.mark.parametrize("rows_before", [0, 1, 9])
def test_killed_at_any_moment_the_same_command_finishes(
    small: Path, done: Path, tmp_path: Path, bench: Bench, rows_before: int
) -> None:
    root = tmp_path / "killed"
    process = subprocess.Popen(
        [Path(sys.executable).with_name("bench"), "run", small, "-o", root, "--workers", "1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(read_rows(root, ScoreRow)) < rows_before or not (root / "calls").is_dir():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (root / "clips.csv").exists()
    finished = bench("run", small, "-o", root)
    assert finished.returncode == 0, finished.stderr
    assert tables(root) == tables(done)


@pytest.mark.slow
def test_ctrl_c_answers_at_once_and_says_how_to_go_on(tmp_path: Path) -> None:
    what = ["run", "quick", "--testset", "speech"]  # whose scoring takes many seconds
    process = subprocess.Popen(
        [Path(sys.executable).with_name("bench"), *what, "-o", tmp_path / "run"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    last, done = load_suite("quick").codec[-1].id, 0
    while done < 5:  # clips through the last codec: then it scores
        assert process.poll() is None
        time.sleep(0.05)
        rows = read_rows(tmp_path / "run", ReconstructionRow)
        done = sum(row.codec == last for row in rows.values())
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert f"to go on, run again: bench {' '.join(what)}" in stderr
    assert "Traceback" not in stderr


def test_a_folder_of_something_else_is_left_alone(small: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="other files than a run"):
        run(small, tmp_path)
    with pytest.raises(UserError, match="is a file"):
        run(small, small)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "suite.toml").write_text("name = 'other'")
    with pytest.raises(UserError, match="suite 'other', not 'small'"):
        run(small, tmp_path / "run")


def test_select_narrows_and_adds_ready_made_codecs(small: Path) -> None:
    suite = select(load_suite(str(small)), ["mp3-16", "opus-6"], ["talk"], ["stoi"])
    assert [c.id for c in suite.codec] == ["mp3-16", "opus-6"]
    assert suite.metrics["speech"] == ["stoi"]
    with pytest.raises(UserError, match="Did you mean opus-24, opus-32 or opus-64"):
        select(load_suite(str(small)), ["opus-66"], [], [])
    with pytest.raises(UserError, match="no test set 'tolk'"):
        select(load_suite(str(small)), [], ["tolk"], [])


@pytest.mark.slow
def test_a_scoring_process_that_dies_costs_one_row(tmp_path: Path, speech: list[Path]) -> None:
    """The PESQ package crashes on sounds of many utterances."""
    samples, rate = sf.read(speech[0])
    burst = np.concatenate([samples[: rate // 2], np.zeros(rate * 6 // 10)])
    (tmp_path / "data").mkdir()
    sf.write(tmp_path / "data" / "long.wav", np.tile(burst, 62), rate)
    suite = tmp_path / "crash.toml"
    suite.write_text(
        f"""
        name = "crash"
        metrics.speech = ["stoi", "pesq_wb", "gain_db"]
        [[testset]]
        name = "talk"
        domain = "speech"
        path = "{tmp_path / "data"}"
        [[codec]]
        id = "opus-12"
        """
    )
    run(suite, tmp_path / "run")
    metrics = read(tmp_path / "run", "metrics").set_index("metric")
    assert metrics.loc["pesq_wb", "status"] == "failed"
    assert "died (SIGSEGV)" in metrics.loc["pesq_wb", "reason"]
    assert metrics.loc[["stoi", "gain_db"], "status"].tolist() == ["ok", "ok"]


def test_bad_sounds_fail_their_rows_and_only_these(
    tmp_path: Path, bench: Bench, speech: list[Path]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    samples, rate = sf.read(speech[0])
    good = samples[: 2 * rate]
    names = ["good", "silent", "tiny", "nan", "empty", "corrupt", "stereo"]
    sf.write(data / "good.wav", good, rate)
    sf.write(data / "silent.wav", np.zeros(rate), rate)
    sf.write(data / "tiny.wav", good[5000:5010], rate)
    sf.write(data / "nan.wav", np.where(np.arange(rate) == 5, np.nan, 0.1), rate, subtype="FLOAT")
    (data / "empty.wav").touch()
    (data / "corrupt.wav").write_bytes(b"RIFF" + bytes(100))
    wide = soxr.resample(good, rate, 96_000)
    sf.write(data / "stereo.wav", np.stack([wide, wide], axis=1), 96_000)
    hostile = "a 'b' \"c\" <script>..%2F"
    sf.write(data / f"{hostile}.wav", good, rate)
    suite = tmp_path / "bad.toml"
    suite.write_text(
        f"""
        name = "bad"
        metrics.speech = ["stoi", "pesq_wb", "mel_distance", "gain_db"]
        [[testset]]
        name = "talk"
        domain = "speech"
        path = '{data}'
        [[codec]]
        id = "opus-12"
        """
    )
    done = bench("run", suite, "-o", tmp_path / "run")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    clips = read(tmp_path / "run", "clips").set_index("clip")
    assert set(clips.index) == {*names, "a_b_c_script_.._2F"}
    assert clips.loc[["good", "stereo", "a_b_c_script_.._2F"], "status"].tolist() == ["ok"] * 3
    for name, word in [
        ("silent", "silent"),
        ("tiny", "short"),
        ("nan", "NaN"),
        ("empty", "0 bytes"),
        ("corrupt", "cannot be read"),
    ]:
        assert clips.loc[name, "status"] == "failed"
        assert word in clips.loc[name, "reason"]
        assert np.isnan(clips.loc[name, "stoi"])
        assert f"talk/{name} by opus-12" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_ends_in_one_line_and_the_run_goes_on_elsewhere(
    small: Path, tmp_path: Path, bench: Bench
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        done = bench("run", small, "-o", disk / "run")
        assert done.returncode == 2
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
        assert len(errors) == 1
        assert "No space left" in errors[0]
        assert "Traceback" not in done.stderr
        shutil.copytree(disk / "run", tmp_path / "moved")
    finally:
        subprocess.run(["umount", disk], check=True)
    assert bench("run", small, "-o", tmp_path / "moved").returncode == 0
