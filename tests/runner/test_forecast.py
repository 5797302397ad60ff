"""`bench run --dry-run` against what a run then does."""

import os
import re
from pathlib import Path

import pytest
import soundfile as sf

from almbench.results.records import ReconstructionRow
from almbench.runner.claims import Claims
from almbench.runner.run import begin_run, foresee, run_suite
from almbench.runner.units import Unit
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
    units = [before.originals, before.reconstructions, before.codecs["opus-6"], before.scores]
    assert [(a.units, a.units_done, a.units_claimed) for a in units] == [
        (1, 0, 0), (2, 0, 0), (1, 0, 0), (2, 0, 0),
    ]  # fmt: skip
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


def test_units_are_done_or_claimed_by_processes_that_live(
    small: Path, tmp_path: Path, bench: Bench
) -> None:
    suite = load_suite(str(small))
    fill_in(suite, {})
    root = tmp_path / "run"
    plan = begin_run(suite, root)
    clips = tuple(clip.id for clip in plan.testsets[0].clips)
    ours = Unit(ReconstructionRow, "talk", ("opus-6",), clips)
    with Claims(root) as claims:
        assert claims.take(ours.id)
        files = sorted(root.rglob("*"))
        done = bench("run", small, "--dry-run", "-o", root)
        assert re.search(r"  opus-6 +2 +0 +2 +\? +1 +0 +1 *\n", done.stdout), done.stdout
        assert re.search(r"reconstructions +4 +0 +4 +\? +2 +0 +1 *\n", done.stdout)
        assert "1 other process at work on it now." in done.stdout
        assert sorted(root.rglob("*")) == files
        dead = root / ".claims" / f"worker-{claims.worker}"
        dead.write_text(dead.read_text().replace(str(os.getpid()), str(2**22 - 1)))
        _, found = foresee(suite, root, 1)
        assert (found.workers, found.reconstructions.units_claimed) == (0, 0)
    run_suite(suite, root, workers=1)
    _, found = foresee(suite, root, 1)
    stages = [found.originals, found.reconstructions, found.scores]
    assert [(a.units, a.units_done, a.units_claimed) for a in stages] == [
        (1, 1, 0), (2, 2, 0), (2, 2, 0),
    ]  # fmt: skip


def test_codecs_of_one_encoding_share_units(small: Path, tmp_path: Path) -> None:
    """Residual codebooks: fewer of them are a part of the same codes."""
    pytest.importorskip("torch", reason="pip install 'almbench[neural]'")
    pair = '[[codec]]\nid = "almtokenizer"\n[[codec]]\nid = "half"\nadapter = "almtokenizer"\n'
    text = small.read_text()
    small.write_text(text[: text.index("[[codec]]")] + pair + "options = {num_codebooks = 1}\n")
    suite = load_suite(str(small))
    fill_in(suite, {})
    plan, found = foresee(suite, tmp_path / "run", 1)
    assert len(plan.testsets[0].usable) == 2
    assert (found.reconstructions.units, found.codecs["half"].units) == (1, 1)
    assert (found.scores.units, found.codec_scores["half"].units) == (2, 1)


def test_the_command_writes_nothing(small: Path, tmp_path: Path, bench: Bench) -> None:
    done = bench("run", small, "--dry-run", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run").exists()
    assert "talk: 2 clips x 2 codecs, 5 metrics" in done.stdout
    assert re.search(r"scores +20 +0 +20 +\?", done.stdout)
    assert "Sounds to be stored: 0:12, at most " in done.stdout
    assert "Time: not known, as no speed of" in done.stdout


def test_what_cannot_be_used_ends_as_the_run_would(
    small: Path, tmp_path: Path, bench: Bench
) -> None:
    for args in (["--dry-run"], []):
        done = bench("run", small, "--codec", "lyra-6", "-o", tmp_path / "run", *args)
        if "Unavailable" not in done.stdout:
            pytest.skip("the models of Lyra are here")
        assert (done.returncode, "Time:" in done.stdout) == (1, False), done.stdout
    (tmp_path / "run").rename(tmp_path / "gone")
    assert bench("run", small, "-o", tmp_path / "run").returncode == 0
    done = bench("run", small, "--dry-run", "-o", tmp_path / "run")
    assert (done.returncode, "Time:" in done.stdout) == (0, False), done.stdout
