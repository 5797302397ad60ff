"""What becomes of originals: their bit depth, and the level of those beyond full scale."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.results.records import OriginalRow, ReconstructionRow
from almbench.results.results import load_results
from almbench.results.row_files import read_rows
from almbench.runner.run import run_suite
from almbench.suite.config import Suite

RATE = 24_000
NOISE = np.random.default_rng(3).uniform(-0.5, 0.5, RATE)


def run(root: Path, codec: str = "lowpass-3.5") -> Path:
    """Run a codec over the sounds in `root / "data"`."""
    suite = Suite.model_validate(
        {
            "name": "s",
            "testset": [{"name": "t", "domain": "sound", "path": str(root / "data")}],
            "codec": [{"id": codec}],
            "metrics": {"sound": ["gain_db"]},
        }
    )
    run_suite(suite, root / "run", "cpu", workers=1)
    return root / "run"


@pytest.mark.parametrize("bits", [16, 24])
def test_a_codec_s_output_has_the_bit_depth_of_the_original(tmp_path: Path, bits: int) -> None:
    (tmp_path / "data").mkdir()
    sf.write(tmp_path / "data" / "a.wav", NOISE, RATE, subtype=f"PCM_{bits}")
    root = run(tmp_path)
    for version in ("original", "lowpass-3.5"):
        info = sf.info(root / "reconstructions" / "t" / version / "a.flac")
        assert info.subtype == f"PCM_{bits}"


def test_the_level_of_a_loud_original_is_noted_on_its_row(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    sf.write(tmp_path / "data" / "loud.wav", 4 * NOISE, RATE, subtype="FLOAT")
    sf.write(tmp_path / "data" / "soft.wav", NOISE, RATE, subtype="FLOAT")
    root = run(tmp_path)
    originals = read_rows(root, OriginalRow)
    peak = float(np.abs(4 * NOISE).max())
    assert originals["t", "loud"].gain == pytest.approx(1 / peak, rel=1e-6)
    assert originals["t", "soft"].gain == 1
    (loud, soft) = load_results(root).clip_rows
    assert loud.reason.startswith(f"the original peaks {20 * np.log10(peak):.2f} dB above full")
    assert soft.reason == ""
    stored, _ = sf.read(root / "reconstructions" / "t" / "original" / "loud.flac")
    assert np.abs(stored).max() == pytest.approx(1, abs=2**-22)
    # The codec was given that sound, so both are lower by the same gain.
    rows = read_rows(root, ReconstructionRow)
    assert rows["t", "loud", "lowpass-3.5"].status == "ok"
    assert loud.gain_db == pytest.approx(soft.gain_db, abs=0.1)  # filtered noise overshoots


def test_what_cannot_be_read_or_stored_costs_its_row(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    sf.write(data / "good.wav", NOISE, RATE)
    sf.write(data / "fast.wav", np.tile(NOISE, 8), 768_000)
    sf.write(data / "odd.wav", np.tile(NOISE, 8), 96_001)
    (data / "torn.flac").write_bytes(b"fLaC" + bytes(60))
    rows = {row.clip: row for row in load_results(run(tmp_path)).clip_rows}
    assert {clip: row.status for clip, row in rows.items()} == {
        "good": "ok", "fast": "failed", "odd": "failed", "torn": "failed",
    }  # fmt: skip
    rates = "up to 65535 Hz, and multiples of 10 up to 655350 Hz"
    for clip, rate in (("fast", 768_000), ("odd", 96_001)):
        reason = f"original: FLAC, as which it is stored, has no rate of {rate} Hz, but {rates}"
        assert rows[clip].reason == reason
    assert rows["torn"].reason.startswith("original: torn.flac cannot be read as audio")


@pytest.mark.parametrize(
    ("right", "note"),
    [
        (1.0, ""),
        (0.0, ""),  # one silent channel cancels nothing
        (-0.5, "channels cancel: the averaged sound is 10.0 dB below its channels"),
        (-1.0, "channels cancel: the averaged sound is silent, which its channels are not"),
    ],
)
def test_channels_that_cancel_are_noted(tmp_path: Path, right: float, note: str) -> None:
    (tmp_path / "data").mkdir()
    stereo = np.stack([NOISE, right * NOISE], axis=1)
    sf.write(tmp_path / "data" / "a.wav", stereo, RATE, subtype="FLOAT")
    (original,) = read_rows(run(tmp_path), OriginalRow).values()
    assert original.note == note


def test_independent_channels_do_not_cancel(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    other = np.random.default_rng(4).uniform(-0.5, 0.5, RATE)
    sf.write(tmp_path / "data" / "a.wav", np.stack([NOISE, other], axis=1), RATE)
    (original,) = read_rows(run(tmp_path), OriginalRow).values()
    assert original.note == ""


def test_an_original_of_a_low_rate_is_noted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    sf.write(tmp_path / "data" / "a.wav", NOISE, 8_000)
    (row,) = load_results(run(tmp_path)).clip_rows
    assert (row.status, row.reason) == (
        "ok",
        "the original has a rate of 8000 Hz: its band of 4 kHz limits scores that are meant for "
        "24 kHz",
    )
