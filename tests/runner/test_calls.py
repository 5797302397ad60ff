"""Calls of a run are kept, however they end."""

from pathlib import Path

import pytest

from almbench.results.results import load_results
from almbench.results.run_record import UsageRecord
from almbench.results.runfolder import RunFolder
from almbench.runner.calls import read_calls, recorded_call
from almbench.runner.originals import Importer
from almbench.runner.run import run_suite
from almbench.suite.load import load_suite


def test_all_calls_of_a_run_are_in_its_manifest(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "run"
    small.write_text(small.read_text().replace('"stoi", "estoi", "mel_distance", "lag_ms", ', ""))
    suite = load_suite(str(small))
    with monkeypatch.context() as patched:

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(Importer, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_suite(suite, root, "cpu", workers=1)
    assert [call.seconds is not None for call in read_calls(RunFolder(root))] == [True]
    run_suite(suite, root, "cpu", workers=1)
    run = load_results(root).manifest.run
    first, second = run.calls
    assert first.started < second.started
    assert (first.workers, first.device) == (1, "cpu")
    assert first.worker != second.worker
    assert second.seconds == pytest.approx(run.seconds, abs=0.2)


def test_a_call_that_was_killed_has_no_seconds_and_a_damaged_one_harms_none(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    assert read_calls(folder) == ()
    with recorded_call(folder, "cpu", 2, "a") as usage:
        (going,) = read_calls(folder)
        assert going.seconds is None
        usage["opus-6"] = UsageRecord(device="cpu", load_s=2.0)
    (path,) = folder.calls.iterdir()
    path.with_name("0.json").write_bytes(path.read_bytes()[:20])
    path.with_name("1.json").write_text(going.model_dump_json())
    calls = read_calls(folder)
    assert [(c.worker, c.seconds is None) for c in calls] == [("a", True), ("a", False)]
    assert calls[1].codecs["opus-6"].load_s == 2.0
