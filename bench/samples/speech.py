"""The spoken clips: sentences of our own, read by the free synthesiser espeak-ng."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from almbench.audio import Samples, read, resample
from almbench.errors import UserError
from almbench.samples.tools import RATE, Recipe, Rng, add, noise, room, silence

PROGRAM = "espeak-ng"
VERSION = "1.51"  # of the espeak-ng that read the stored clips; others read differently


@dataclass(frozen=True)
class Reading:
    """One sentence as read by one voice of espeak-ng, in a place.

    Attributes:
        voice: Language and variant, in espeak-ng's words.
        pitch: From 0 to 99.
        speed: Words a minute.
        text: The sentence.
        floor_db: Background noise re full scale, before the clip is brought to its level.
        t60: Reverberation time of the place in seconds; 0 for none.
    """

    voice: str
    pitch: int
    speed: int
    text: str
    floor_db: float
    t60: float = 0

    def __call__(self, rng: Rng) -> Samples:
        """Make the clip.

        Raises:
            UserError: espeak-ng is not installed, or it failed.
        """
        spoken = trim(speak(self))
        track = silence(len(spoken) / RATE + 0.3 + self.t60 / 2)
        add(track, spoken, 0.12)
        if self.t60:
            track = room(rng, track, self.t60, wet_db=-9)
        return track + 10 ** (self.floor_db / 20) * noise(rng, len(track) / RATE, -4.5)


def version() -> str | None:
    """The version of the espeak-ng that is installed, or None."""
    if shutil.which(PROGRAM) is None:
        return None
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, encoding="utf-8", check=True)
    return said.stdout.split(":")[1].split()[0]


def speak(reading: Reading) -> Samples:
    """Let espeak-ng read a sentence, at 48 kHz.

    Raises:
        UserError: espeak-ng is not installed, or it failed.
    """
    if shutil.which(PROGRAM) is None:
        raise UserError(
            f"The speech clips need the program {PROGRAM}, which was not found. "
            "Install it: apt-get install espeak-ng (macOS: brew install espeak-ng)."
        )
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "speech.wav"
        options = {"-v": reading.voice, "-p": str(reading.pitch), "-s": str(reading.speed)}
        flags = [word for option in options.items() for word in option]
        command = [PROGRAM, "-z", "-b", "1", *flags, "-w", str(file)]
        done = subprocess.run(
            command, input=reading.text.encode(), capture_output=True, check=False
        )
        if done.returncode or not file.is_file():
            raise UserError(f"{' '.join(command)} failed: {done.stderr.decode().strip()}")
        sound = read(file)
    return resample(sound.samples, sound.rate, RATE)


def trim(samples: Samples) -> Samples:
    """Cut what lies more than 50 dB below the peak off both ends."""
    heard = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * 10 ** (-50 / 20))
    return samples[heard[0] : heard[-1] + 1]


READINGS = {
    "en-gb-harbour": Reading(
        "en-gb+m3", 42, 160,
        "The harbour lay still at dawn, and only the bells of the boats could be heard.",
        floor_db=-72,
    ),
    "en-us-rain": Reading(
        "en-us+f2", 48, 168,
        "Soft rain fell on the roof all evening, and by midnight the whole house was asleep.",
        floor_db=-70,
    ),
    "de-wind": Reading(
        "de+m7", 45, 158,
        "Der Wind dreht heute nach Westen, und am Abend wird es ruhig und klar.",
        floor_db=-58,
    ),
    "es-pajaros": Reading(
        "es+f5", 40, 165,
        "Los pájaros cantan antes del amanecer, cuando la calle todavía duerme.",
        floor_db=-70, t60=0.35,
    ),
    "fr-tonnerre": Reading(
        "fr-fr+m1", 55, 150,
        "Le tonnerre gronde au loin, mais le ciel reste clair au-dessus de la mer.",
        floor_db=-64, t60=0.6,
    ),
}  # fmt: skip

RECIPES = [
    Recipe(name, "speech", reading.text, reading, level_db=-23, speaker=reading.voice)
    for name, reading in READINGS.items()
]
