"""What the tests of listening tests share: simulated listeners, and the command."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from almbench.cli.main import main

BETTER, MIDDLE, WORSE = "better", "middle", "worse"
TRUTH = {BETTER: 78.0, MIDDLE: 60.0, WORSE: 57.0}  # what the simulated listeners think on average
ANCHORS = {"anchor-7": 45.0, "anchor-3.5": 20.0}
CLIPS = [f"talk/clip-{i}" for i in range(8)]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def careful() -> Callable[[np.random.Generator], dict[str, dict[str, int]]]:
    """The scores of a listener who listens: a bias, a taste, noise; now and then a slip."""

    def rate(rng: np.random.Generator) -> dict[str, dict[str, int]]:
        means = TRUTH | ANCHORS
        bias = rng.normal(0, 6)
        taste = {system: rng.normal(0, 3) for system in means}
        scores = {}
        for i, clip in enumerate(CLIPS):
            values = {s: means[s] + bias + taste[s] + rng.normal(0, 6) for s in means}
            reference = 84 if i == 0 and rng.random() < 0.3 else 100 - rng.integers(0, 6)
            scores[clip] = {"original": int(reference)} | {
                s: int(np.clip(round(v), 0, 100)) for s, v in values.items()
            }
        return scores

    return rate


@pytest.fixture(scope="session")
def careless() -> Callable[[np.random.Generator], dict[str, dict[str, int]]]:
    """The scores of one who does not listen."""

    def rate(rng: np.random.Generator) -> dict[str, dict[str, int]]:
        systems = ["original", *TRUTH, *ANCHORS]
        return {clip: {s: int(rng.integers(0, 101)) for s in systems} for clip in CLIPS}

    return rate


@pytest.fixture
def listen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run `bench listen ...` in this process, which has loaded already what it needs."""

    def run(*args: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["bench", "listen", *map(str, args)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return Done(int(str(stopped.value.code)), out, err)

    return run
