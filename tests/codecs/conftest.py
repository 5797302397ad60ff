"""What the tests of the codecs share: speech, and weights that can be made anew."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from almbench.audio import Sound, read
from almbench.samples import folder

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
CLIPS = 5
SECONDS = 4


@pytest.fixture(scope="session")
def speeches() -> list[Sound]:
    """Five clips of speech, four seconds each."""
    sounds = [read(path) for path in sorted((folder() / "speech").glob("*.flac"))]
    assert len(sounds) == CLIPS
    assert min(sound.seconds for sound in sounds) >= SECONDS
    return [Sound(sound.samples[: SECONDS * sound.rate], sound.rate) for sound in sounds]


@pytest.fixture(scope="session")
def speech(speeches: list[Sound]) -> Sound:
    """One of them."""
    return speeches[0]


@pytest.fixture(scope="session")
def filled() -> Callable[[Path], dict[str, Tensor]]:
    """Make the weights that a `keys.json` describes; their checksum is the one noted there."""
    module = runpy.run_path(str(FIXTURES / "fill.py"))

    def make(keys: Path) -> dict[str, Tensor]:
        state: dict[str, Tensor] = module["fill"](keys)
        assert module["crc"](state) == json.loads(keys.read_text())["state_crc"]["0"]
        return state

    return make
