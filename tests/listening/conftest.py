"""What the tests of blind tests share: results as the pages write them, and simulated listeners."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.cli.main import main

Json = dict[str, Any]
Mushra = Callable[..., Json]
Abx = Callable[..., Json]
Save = Callable[[Json], Path]

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


def common(kind: str, listener: int, **changes: Any) -> Json:
    return {
        "format": "almbench-listening-1",
        "kind": kind,
        "test": "0123456789abcdef",
        "title": "Small test",
        "domain": "speech",
        "listener": f"{listener:016x}",
        "name": "",
        "seed": 7,
        "started": "2026-11-20T10:00:00.000Z",
        "finished": "2026-11-20T10:20:00.000Z",
        "equipment": "",
        **changes,
    }


def rating(system: str, score: int) -> Json:
    role = {"original": "reference"}.get(system, "anchor" if system in ANCHORS else "system")
    return {
        "system": system,
        "role": role,
        "label": system.capitalize(),
        "score": score,
        "plays": 2,
    }


@pytest.fixture(scope="session")
def mushra() -> Mushra:
    """Make a MUSHRA result from scores: clip -> system -> score."""

    def make(listener: int, scores: dict[str, dict[str, int]], **changes: Any) -> Json:
        trials = [
            {"clip": clip, "seconds": 31.5, "ratings": [rating(*item) for item in of_clip.items()]}
            for clip, of_clip in scores.items()
        ]
        return common("mushra", listener, **changes) | {"trials": trials}

    return make


@pytest.fixture(scope="session")
def abx() -> Abx:
    """Make an ABX result with some answers right, the rest wrong."""

    def make(listener: int, right: int, done: int, planned: int = 16, **changes: Any) -> Json:
        trials = [
            {
                "clip": CLIPS[i % len(CLIPS)],
                "x": "ab"[i % 2],
                "answer": "ab"[i % 2] if i < right else "ba"[i % 2],
                "seconds": 9.25,
                "plays": 3,
            }
            for i in range(done)
        ]
        pair = {"a": "original", "b": BETTER}
        return (
            common("abx", listener) | {"pair": pair, "planned": planned, "trials": trials} | changes
        )

    return make


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save a result as a listener would, in the folder `results`."""

    def write(result: Json) -> Path:
        folder = tmp_path / "results"
        folder.mkdir(exist_ok=True)
        path = folder / f"{result['kind']}-{result['listener']}-{len(list(folder.iterdir()))}.json"
        path.write_text(json.dumps(result), encoding="utf-8")
        return path

    return write


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
