"""`bench run --dry-run` against what a run then does."""

import re
from pathlib import Path

import pytest
import soundfile as sf

from almbench.runner.run import foresee, run_suite
from almbench.suite.load import fill_in, load_suite
from tests.conftest import Bench


def test_a_dry_run_says_what_a_run_does(small: Path, tmp_path: Path) -> None:
    suite = load_suite(str(small))
    fill_in(suite, {})
    root = tmp_path / "run"
    _, before = foresee(suite, root, 1)
    assert not root.exists()
    assert [(a.total, a.kept) for a in (before.originals, before.reconstructions)] == [
        (2, 0),
        (4, 0),
    ]
    assert (before.scores.total, before.scores.kept) == (20, 0)
    assert before.seconds is None
    assert before.unknown >= {"opus-6", "lowpass-3.5", "stoi"}
    assert before.sound_s == pytest.approx(12.0)  # two clips of two seconds, three times each
    rate = sf.info(min((tmp_path / "data").glob("*.wav"))).samplerate
    assert before.bytes == pytest.approx(2 * 4 * (rate + rate + 48_000), rel=0.5)

    run_suite(suite, root, workers=1)
    stored = sum(path.stat().st_size for path in root.rglob("*.flac"))
    assert stored < before.bytes
    _, after = foresee(suite, root, 1)
    assert (after.originals.kept, after.reconstructions.kept, after.scores.kept) == (2, 4, 20)
    assert (after.seconds, after.sound_s, after.bytes) == (0, 0, 0)

    next((root / "reconstructions/talk/opus-6").glob("*.flac")).unlink()
    _, mended = foresee(suite, root, 1)
    assert (mended.reconstructions.to_do, mended.scores.to_do) == (1, 5)
    assert {id_: amount.to_do for id_, amount in mended.codecs.items()} == {
        "opus-6": 1, "lowpass-3.5": 0,
    }  # fmt: skip
    assert mended.sound_s == pytest.approx(2.0)
    assert mended.seconds is not None
    assert 0 < mended.seconds < 60


def test_the_command_writes_nothing(small: Path, tmp_path: Path, bench: Bench) -> None:
    done = bench("run", small, "--dry-run", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run").exists()
    assert "talk: 2 clips x 2 codecs, 5 metrics" in done.stdout
    assert re.search(r"scores +20 +0 +20 +\?", done.stdout)
    assert "Sounds to be stored: 0:12, at most " in done.stdout
    assert "Time: not known, as no speed of" in done.stdout
