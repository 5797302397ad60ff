import pytest

from almbench import progress


def test_lines_tell_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with progress.stage("Working", 3, "steps") as stage:
        stage.advance(0)  # nothing done yet: no rate, no end in sight
        stage.advance()
        stage.advance(2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Working: 1/3 steps, ")
    assert lines[0].endswith(" s left")
    assert lines[1].startswith("Working: 3/3 steps in ")
    assert len(lines) == 2


def test_nothing_to_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.stage("Working", 0, "steps"):
        pass
    assert capsys.readouterr().err == "Working: 0/0 steps in 0.0 s\n"
