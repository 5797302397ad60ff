"""A clip of five minutes: what takes it does so in bounded memory, and what does not says why."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.audio import Samples, read, resample
from almbench.results.records import ReconstructionRow
from almbench.results.results import load_results
from almbench.results.row_files import read_rows

pytestmark = pytest.mark.slow
Bench = Callable[..., subprocess.CompletedProcess[str]]
SECONDS, RATE = 305, 16_000  # longer than ViSQOL takes
SUITE = """
name = "long"
[metrics]
speech = [
    "stoi", "mel_distance", "log_spectral_distance", "gain_db", "pesq_wb", "visqol_speech"
]
[[testset]]
name = "talk"
domain = "speech"
path = "{data}"
[[codec]]
id = "opus-6"
[[codec]]
id = "codec2-700"
[[codec]]
id = "almtokenizer"
"""


@pytest.fixture
def suite(tmp_path: Path, speech: list[Path]) -> Path:
    """One clip: sentences of the sample set over and over, each time of another level."""
    rng = np.random.default_rng(0)
    sentences = [resample(read(path).samples, 24_000, RATE) for path in speech]
    spoken: list[Samples] = []
    while sum(map(len, spoken)) < SECONDS * RATE:
        sentence = sentences[rng.integers(len(sentences))]
        spoken += [sentence * rng.uniform(0.5, 1), np.zeros(RATE // 4)]
    (tmp_path / "data").mkdir()
    sf.write(tmp_path / "data/long.wav", np.concatenate(spoken)[: SECONDS * RATE], RATE)
    path = tmp_path / "long.toml"
    path.write_text(SUITE.format(data=tmp_path / "data"))
    return path


def test_five_minutes(suite: Path, tmp_path: Path, bench_process: Bench) -> None:
    pytest.importorskip("pycodec2", reason="pip install 'almbench[codec2]'")
    done = bench_process("run", suite, "-o", tmp_path / "run", "--workers", "1")
    assert done.returncode == 1, done.stderr  # one codec does not take it
    results = load_results(tmp_path / "run")
    clips = {row.codec: row for row in read_rows(tmp_path / "run", ReconstructionRow).values()}
    assert {id_: row.status for id_, row in clips.items()} == {
        "opus-6": "ok", "codec2-700": "ok", "almtokenizer": "failed",
    }  # fmt: skip
    assert "the clip lasts 305.0 s; this codec takes at most" in clips["almtokenizer"].reason
    scores = {(row.codec, row.metric): row for row in results.metric_rows}
    for codec in ("opus-6", "codec2-700"):
        for metric in ("stoi", "mel_distance", "log_spectral_distance", "gain_db"):
            assert scores[codec, metric].status == "ok"
        for metric in ("pesq_wb", "visqol_speech"):
            assert scores[codec, metric].status == "failed"
            assert "305 s is too long" in scores[codec, metric].reason
    assert (scores["opus-6", "stoi"].value or 0) > 0.7
    peak = results.manifest.run.peak_memory_mb
    assert peak is not None
    assert max(peak.main, peak.largest_worker) < 1200
