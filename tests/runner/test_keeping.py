"""Runs that keep the sounds of all clips, of a sample, or of none."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.results.records import ReconstructionRow, ScoreRow
from almbench.results.results import Results
from almbench.results.row_files import read_rows
from almbench.results.runfolder import RunFolder
from almbench.runner import reconstruct
from almbench.runner.codec_run import CodecRun
from almbench.runner.plan import select
from almbench.runner.run import foresee, run_suite
from almbench.runner.storing import store
from almbench.runner.tasks import Outcome
from almbench.site.build import build_site
from almbench.suite.config import Suite
from almbench.suite.load import load_suite
from tests.runner.test_run import tables

Bench = Callable[..., subprocess.CompletedProcess[str]]
CODECS = {"original", "opus-6", "lowpass-3.5"}


@pytest.fixture
def suite(small: Path) -> Suite:
    return load_suite(str(small))


def run(suite: Suite, root: Path, keep: str) -> Results:
    return run_suite(suite.model_copy(update={"keep_audio": keep}), root, "cpu", workers=1)


def sounds(root: Path) -> set[tuple[str, str]]:
    """Codec and clip of the sounds that are there."""
    return {(p.parent.name, p.stem) for p in (root / "reconstructions").rglob("*.flac")}


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the codecs whose sounds were made, one each."""
    made: list[str] = []

    def counted(folder: RunFolder, outcome: Outcome) -> ReconstructionRow:
        row = store(folder, outcome)
        made.append(row.codec)
        return row

    monkeypatch.setattr(reconstruct, "store", counted)
    return made


@pytest.mark.parametrize(("keep", "clips"), [("all", 2), ("sample:1", 1), ("none", 0)])
def test_the_tables_are_the_same_whatever_is_kept(
    suite: Suite, tmp_path: Path, keep: str, clips: int
) -> None:
    run(suite, tmp_path / "whole", "all")
    results = run(suite, tmp_path / "run", keep)
    assert tables(tmp_path / "run") == tables(tmp_path / "whole")
    left = sounds(tmp_path / "run")
    assert {codec for codec, _ in left} == (CODECS if clips else set())
    assert len(left) == clips * len(CODECS)
    kept = results.manifest.testsets[0].kept_sounds
    assert kept is None if keep == "all" else set(kept or ()) == {clip for _, clip in left}
    assert len(list((tmp_path / "run/codes").rglob("*.npz"))) == len(
        list((tmp_path / "whole/codes").rglob("*.npz"))
    )


def test_the_same_again_makes_and_scores_nothing(
    suite: Suite, tmp_path: Path, encoded: list[str]
) -> None:
    run(suite, tmp_path / "run", "none")
    before = {p.name: p.read_bytes() for p in tmp_path.glob("run/*.csv")}
    encoded.clear()
    again = run(suite, tmp_path / "run", "none")
    assert (encoded, again.manifest.run.scored_pairs, sounds(tmp_path / "run")) == ([], 0, set())
    assert before == {p.name: p.read_bytes() for p in tmp_path.glob("run/*.csv")}
    _, found = foresee(suite.model_copy(update={"keep_audio": "none"}), tmp_path / "run")
    assert [a.to_do for a in (found.originals, found.reconstructions, found.scores)] == [0, 0, 0]


def test_a_new_metric_has_the_sounds_made_again_and_old_scores_stay(
    suite: Suite, tmp_path: Path, encoded: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    run(select(suite, [], [], ["stoi"]), tmp_path / "run", "none")
    encoded.clear()
    capfd.readouterr()
    more = run(select(suite, [], [], ["stoi", "gain_db"]), tmp_path / "run", "none")
    assert sorted(encoded) == ["lowpass-3.5", "lowpass-3.5", "opus-6", "opus-6"]
    assert "4 reconstructions are made again" in capfd.readouterr().err
    assert more.manifest.run.scored_pairs == 4
    run(select(suite, [], [], ["stoi", "gain_db"]), tmp_path / "whole", "all")
    assert tables(tmp_path / "run") == tables(tmp_path / "whole")
    assert not sounds(tmp_path / "run")


def test_a_new_codec_has_the_originals_imported_again_and_nothing_else(
    suite: Suite, tmp_path: Path, encoded: list[str]
) -> None:
    run(select(suite, ["opus-6"], [], []), tmp_path / "run", "none")
    encoded.clear()
    run(suite, tmp_path / "run", "none")
    assert encoded == ["lowpass-3.5", "lowpass-3.5"]
    assert not sounds(tmp_path / "run")


def test_more_and_less_may_be_kept_later(suite: Suite, tmp_path: Path, encoded: list[str]) -> None:
    found = []
    for keep in ["none", "sample:1", "all", "sample:1", "none"]:
        encoded.clear()
        again = run(suite, tmp_path / "run", keep)
        found.append((len(encoded), len(sounds(tmp_path / "run"))))
        if len(found) > 1:
            assert again.manifest.run.scored_pairs == 0  # the same sounds come out
    assert found == [(4, 0), (2, 3), (2, 6), (0, 3), (0, 0)]


def test_a_sound_stays_while_a_score_of_it_may_come_another_time(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoded: list[str]
) -> None:
    # A time limit that nothing meets: the processes are ended, and may be better off another time.
    monkeypatch.setattr("almbench.runner.scoring.TIMEOUT_S", 1e-3)
    monkeypatch.setattr("almbench.runner.scoring.MORE_S", 0.0)
    first = run(select(suite, ["opus-6"], [], ["visqol_speech"]), tmp_path / "run", "none")
    assert {row.status for row in read_rows(tmp_path / "run", ScoreRow).values()} == {"failed"}
    assert len(sounds(tmp_path / "run")) == 4
    assert first.manifest.testsets[0].kept_sounds == ()
    monkeypatch.undo()
    run(select(suite, ["opus-6"], [], ["visqol_speech"]), tmp_path / "run", "none")
    assert not sounds(tmp_path / "run")
    assert {row.status for row in read_rows(tmp_path / "run", ScoreRow).values()} == {"ok"}


def test_few_sounds_are_there_at_once(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    started = CodecRun.run

    def noted(self: CodecRun) -> object:
        seen.append(len({key for key in sounds(tmp_path / "run") if key[0] != "original"}))
        return started(self)

    monkeypatch.setattr(CodecRun, "run", noted)
    run(suite, tmp_path / "run", "none")
    assert seen == [0, 0]  # those of the codec before are gone


def test_a_site_shows_what_was_kept_and_says_so(suite: Suite, tmp_path: Path) -> None:
    run(suite, tmp_path / "some", "sample:1")
    run(suite, tmp_path / "none", "none")
    page = build_site([tmp_path / "some"], tmp_path / "some-site").parent
    assert "1 of them are here to be heard: the run kept no sounds of the others" in (
        page / "speech.html"
    ).read_text(encoding="utf-8")
    assert len(list(page.glob("clip-*.html"))) == 1
    page = build_site([tmp_path / "none"], tmp_path / "none-site").parent
    index = (page / "index.html").read_text(encoding="utf-8")
    assert "The run kept the sounds of 0 of the 2 clips of talk" in index
    assert not (page / "speech.html").exists()
    assert not list(page.rglob("*.flac"))


def test_verify_tells_what_was_not_kept_from_what_is_missing(
    suite: Suite, tmp_path: Path, bench: Bench
) -> None:
    run(suite, tmp_path / "run", "sample:1")
    verified = bench("verify", tmp_path / "run")
    assert verified.returncode == 0
    assert "3 sounds were not kept" in verified.stdout
    assert "10 of 10 scores come out the same again" in verified.stdout
    next((tmp_path / "run/reconstructions").rglob("*.flac")).unlink()
    assert bench("verify", tmp_path / "run").returncode == 1


@pytest.mark.parametrize("keep", ["some", "sample:0", "sample:", "sample:-1", "All", ""])
def test_another_choice_is_refused(small: Path, bench: Bench, tmp_path: Path, keep: str) -> None:
    done = bench("run", small, "--keep-audio", keep, "-o", tmp_path / "run")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    text = small.read_text()
    small.write_text(f'keep_audio = "{keep}"\n{text}')
    with pytest.raises(UserError, match="sample:N"):
        load_suite(str(small))
