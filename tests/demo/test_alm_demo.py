"""The suite `alm-demo` against figures measured beforehand with the metric packages by hand."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pandas as pd
import pytest

DEMO = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "demo-page"
TOLERANCE = {
    "pesq_wb": 0.02,
    "pesq_nb": 0.02,
    "stoi": 0.001,
    "estoi": 0.001,
    "visqol_speech": 0.06,
    "visqol_audio": 0.06,
    "mel_distance": 0.01,
}
SPEECH = {
    "dac-1.5": (2.203, 2.775, 0.864, 0.716, 2.843),
    "encodec-1.5": (1.968, 2.477, 0.816, 0.674, 2.909),
    "mimi-0.41": (1.453, 1.817, 0.757, 0.561, 2.152),
    "mimi-1.1": (2.207, 2.880, 0.827, 0.694, 2.730),
    "almtokenizer-0.41": (2.275, 2.902, 0.832, 0.700, 3.175),
    "speechtokenizer-1.5": (1.779, 2.266, 0.808, 0.635, 2.067),
    "stablecodec-0.4": (1.907, 2.657, 0.816, 0.646, 2.043),
    "wavtokenizer-0.48": (2.006, 2.504, 0.815, 0.656, 2.072),
}
SOUND = {
    "dac-1.5": (4.115, 0.155),
    "encodec-1.5": (4.117, 0.195),
    "almtokenizer-0.41": (4.048, 0.170),
    "wavtokenizer-0.48": (3.985, 0.246),
}


@pytest.mark.slow
@pytest.mark.skipif(not DEMO.is_dir(), reason="the demo page's audio, which may not be shared")
def test_the_eight_systems_of_the_demo_page(
    bench: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    done = bench("run", "alm-demo", "--data", f"demo={DEMO}", "-o", tmp_path / "alm")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped, not there: music" in done.stdout
    table: Any = pd.read_csv(tmp_path / "alm" / "summary.csv")
    means = table.set_index(["testset", "codec", "metric"])["mean"]
    names = list(TOLERANCE)
    for codec, values in SPEECH.items():
        for metric, value in zip(names[:5], values, strict=True):
            got = means["speech", codec, metric]
            assert got == pytest.approx(value, abs=TOLERANCE[metric]), (codec, metric)
    for codec, values_ in SOUND.items():
        for metric, value in zip(names[5:], values_, strict=True):
            got = means["sound", codec, metric]
            assert got == pytest.approx(value, abs=TOLERANCE[metric]), (codec, metric)

    clips: Any = pd.read_csv(tmp_path / "alm" / "clips.csv")
    clips = clips.set_index(["testset", "codec"])
    assert clips.loc[("speech", "dac-1.5"), "lag_ms"].between(-0.45, -0.25).all()
    assert clips.loc[("speech", "stablecodec-0.4"), "gain_db"].max() > 6
    longer = clips.loc[("speech", "mimi-1.1"), "reason"].dropna()
    assert longer.str.contains("longer").sum() == 2
    assert clips["nominal_kbps"].round(4).unique().tolist() == [
        1.5, 0.48, 0.3877, 1.1, 0.4125,
    ]  # fmt: skip
