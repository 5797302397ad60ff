from pathlib import Path

import pytest

from almbench.audio import Sound, read
from almbench.samples import folder

DATA = Path(__file__).resolve().parents[2] / "../shared/data/librispeech/test-other"
CLIPS = 5
SECONDS = 4


@pytest.fixture(scope="session")
def speeches() -> list[Sound]:
    """Five clips of speech, four seconds each."""
    for place in (DATA, folder() / "speech"):
        sounds = [read(path) for path in sorted(place.rglob("*.flac"))]
        long = [sound for sound in sounds if sound.seconds >= SECONDS]
        if len(long) >= CLIPS:
            chosen = long[:: len(long) // CLIPS][:CLIPS]
            return [Sound(sound.samples[: SECONDS * sound.rate], sound.rate) for sound in chosen]
    pytest.skip(f"no speech: neither the sample set nor {DATA} is there")


@pytest.fixture(scope="session")
def speech(speeches: list[Sound]) -> Sound:
    """One of them."""
    return speeches[0]
