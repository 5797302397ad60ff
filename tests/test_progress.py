import time
from io import StringIO

import pytest
from rich.console import Console

from almbench import progress


def test_lines_tell_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with progress.stage("Working", 3, "steps") as stage:
        stage.advance(0)
        stage.advance()  # too little to tell a rate by
        stage.advance(2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Working: 1/3 steps"
    assert lines[1].startswith("Working: 3/3 steps in ")
    assert len(lines) == 2


def test_the_rate_is_that_of_steps_done_lately() -> None:
    pace = progress.Pace()
    pace.report(100.0, 1)  # after 100 s of loading
    assert pace.rate is None
    for i in range(1, 41):
        pace.report(100.0 + i / 2, 5)
    assert pace.rate == pytest.approx(10, rel=0.01)  # and not 201 steps in 120 s
    for i in range(1, 31):  # five minutes of slower ones
        pace.report(120.0 + i * 10, 1)
    assert pace.rate is not None
    assert 0.1 < pace.rate < 0.2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0:00"),
        (59.9, "0:59"),
        (60, "1:00"),
        (3599, "59:59"),
        (3600, "1:00 h"),
        (90000, "25:00 h"),
    ],
)
def test_times_are_minutes_or_hours(seconds: float, words: str) -> None:
    assert progress.clock(seconds) == words


def test_what_was_kept_is_told_and_counts_for_no_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = map(float, range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    with progress.stage("Working", 120, "steps") as stage:
        stage.keep(100)
        for _ in range(20):
            stage.advance()
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("Working: 1") and "left, 100 kept" in line for line in lines)
    assert lines[-1].endswith(" s (100 done before or elsewhere)")


def test_a_bar_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Console(file=StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(progress, "console", shown)
    with progress.stage("Working", 3, "steps") as stage:
        stage.keep(2)
        stage.advance()
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "3/3" in text
    assert "2 kept" in text


def test_nothing_to_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.stage("Working", 0, "steps"):
        pass
    assert capsys.readouterr().err == "Working: 0/0 steps in 0.0 s\n"
