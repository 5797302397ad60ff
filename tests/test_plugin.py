"""The example plugin, installed beside almbench in an environment that has nothing of either."""

import csv
import shutil
from math import copysign, exp, log, log10
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile as sf

if TYPE_CHECKING:
    from tests.conftest import CleanEnv

ROOT = Path(__file__).resolve().parents[1]
RATE = 16000

SUITE = """
name = "plugin"
[[testset]]
name = "tones"
domain = "music"
path = "tones"
scoring_rate = 16000
[[codec]]
id = "mulaw-8"
adapter = "mulaw"
label = "Mu-law"
options = { sample_rate = 16000 }
[[codec]]
id = "mulaw-4"
adapter = "mulaw"
label = "Mu-law"
options = { sample_rate = 16000, bits = 4 }
[metrics]
music = ["snr"]
"""


def by_hand(samples: np.ndarray[tuple[int, ...], np.dtype[np.float64]], bits: int) -> float:
    """SNR in dB of mu-law after a 16-bit file, sample by sample with Python's own numbers."""
    mu = 2**bits - 1
    noise = signal = 0.0
    for x in samples.tolist():
        code = round((copysign(log(1 + mu * abs(x)) / log(1 + mu), x) + 1) / 2 * mu)
        loud = 2 * code / mu - 1
        heard = copysign((exp(abs(loud) * log(1 + mu)) - 1) / mu, loud)
        noise += (round(heard * 2**15) / 2**15 - x) ** 2
        signal += x * x
    return 10 * log10(signal / noise)


@pytest.mark.slow
def test_a_plugin_s_codec_and_metric_are_used(
    clean_env: "CleanEnv", source: Path, tmp_path: Path
) -> None:
    plugin = shutil.copytree(ROOT / "tests" / "plugin", tmp_path / "plugin")
    clean_env.install(source, plugin)
    assert "mulaw" in clean_env.bench("list", "codecs")
    assert "snr" in clean_env.bench("list", "metrics")

    time = np.arange(RATE) / RATE
    tone = np.rint(0.5 * np.sin(2 * np.pi * 440 * time) * 2**15).astype(np.int16)
    (tmp_path / "tones").mkdir()
    sf.write(tmp_path / "tones" / "a4.wav", tone, RATE)
    (tmp_path / "suite.toml").write_text(SUITE)
    clean_env.bench("run", "suite.toml", "-o", "run", "--workers", "1")
    with (tmp_path / "run" / "clips.csv").open(encoding="utf-8") as file:
        clips = {row["codec"]: row for row in csv.DictReader(file)}
    for bits in (8, 4):
        row = clips[f"mulaw-{bits}"]
        assert row["status"] == "ok"
        assert float(row["snr"]) == pytest.approx(by_hand(tone / 2**15, bits), abs=0.01)
        assert float(row["nominal_kbps"]) == float(row["measured_kbps"]) == 16 * bits
    codes = np.load(tmp_path / "run" / "codes" / "tones" / "mulaw-4" / "a4.npz")["codes"]
    assert codes.shape == (1, RATE)
    assert codes.max() < 16
