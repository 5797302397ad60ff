"""What the tests share: small real sounds, a small suite, and the command as a user types it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile as sf

from almbench.samples import folder

Bench = Callable[..., subprocess.CompletedProcess[str]]

SMALL = """
name = "small"
seed = 3
[[testset]]
name = "talk"
domain = "speech"
path = "{data}"
[[codec]]
id = "opus-6"
[[codec]]
id = "lowpass-3.5"
[metrics]
speech = ["stoi", "estoi", "mel_distance", "lag_ms", "gain_db"]
"""


@pytest.fixture(scope="session")
def speech() -> list[Path]:
    """Speech clips of the sample set, the shortest first."""
    return sorted((folder() / "speech").glob("*.flac"), key=lambda p: sf.info(p).frames)


@pytest.fixture
def small(tmp_path: Path, speech: list[Path]) -> Path:
    """A suite of two clips of two seconds, two codecs and five metrics."""
    for path in speech[:2]:
        samples, rate = sf.read(path, dtype="int16")
        sf.write(_folder(tmp_path / "data") / f"{path.stem}.wav", samples[: 2 * rate], rate)
    suite = tmp_path / "small.toml"
    suite.write_text(SMALL.format(data=tmp_path / "data"))
    return suite


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Run the installed `bench` command."""
    command = Path(sys.executable).with_name("bench")

    def run(*args: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *map(str, args)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
            timeout=600,
            check=False,
        )

    return run
