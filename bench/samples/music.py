"""The music: scores of our own for plucked strings, electric piano, choir, drums and a small band.

Chords are lists of MIDI numbers, the bass first.
"""

from collections.abc import Callable

import numpy as np

from almbench.audio import Samples
from almbench.samples.instruments import bass, electric, hat, kick, lead, pluck, singer, snare
from almbench.samples.tools import (
    Recipe,
    Rng,
    add,
    band,
    clock,
    envelope,
    noise,
    room,
    silence,
)

START = 0.05  # of the first note, in seconds

GUITAR = [[48, 55, 64, 71], [45, 52, 60, 67], [41, 53, 60, 69], [43, 55, 59, 67]]
STRUM = [48, 55, 60, 64, 71, 76]

PIANO = [[45, 52, 55, 60, 64], [38, 53, 57, 60, 64], [43, 53, 57, 59, 64], [36, 52, 55, 59, 62]]
PIANO_TUNE = [(2, 72), (3, 76), (6, 74), (7, 69), (10, 71), (11, 74), (14, 79), (15, 76)]

CHOIR = [[41, 57, 60, 64], [40, 55, 60, 62], [38, 57, 60, 65], [36, 55, 64, 67]]

# Two bars of sixteen steps: how hard each drum is hit, from 0 to 9.
GROOVE = {
    "kick": "90000030905000009000003000900050",
    "snare": "00009002000090020000900200209035",
    "closed": "73537353735373037353735373537300",
    "open": "00000000000000600000000000000007",
}

# (step, bass note, chord); the last one closes the piece.
BAND = [
    (0, 33, [57, 60, 64, 67]),
    (8, 29, [57, 60, 64, 65]),
    (16, 36, [55, 60, 64, 67]),
    (24, 31, [55, 59, 62, 69]),
]
BAND_END = (32, 33, [57, 60, 64, 71])
RIFF = [(0, 0, 3), (3, 0, 1.5), (5, 12, 1), (6, 7, 2)]  # (step, semitones up, length in steps)
BAND_TUNE = [
    *[(2, 76, 2), (4, 79, 3), (7, 76, 1), (8, 81, 5), (14, 79, 2)],
    *[(16, 76, 4), (20, 74, 2), (22, 72, 2), (24, 74, 5), (29, 76, 1), (30, 71, 2), (32, 69, 9)],
]  # (step, note, length in steps)


def guitar(rng: Rng) -> Samples:
    """Four broken chords of four notes, and the first strummed again."""
    track = silence(6.0)
    for index, note in enumerate(note for chord in GUITAR for note in chord):
        force = 0.9 if index % 4 == 0 else rng.uniform(0.55, 0.75)
        string = pluck(rng, note, 1.6, 5 - (note - 41) / 12, 1200 + 2600 * force)
        add(track, string, START + 0.265 * index, force)
    for index, note in enumerate(STRUM):
        add(track, pluck(rng, note, 1.75, 4, 3200), START + 4.24 + 0.022 * index, 0.6)
    body = 0.8 * band(track, 85, 125) + 0.6 * band(track, 180, 240) + 0.3 * band(track, 380, 450)
    return room(rng, track + body, 0.9, wet_db=-12)


def piano(rng: Rng) -> Samples:
    """Four chords, each repeated lightly, with a little tune above and a slow tremolo."""
    track, step = silence(6.0), 0.31
    for index, chord in enumerate(PIANO):
        at = START + 4 * step * index
        last = chord is PIANO[-1]
        for k, note in enumerate(chord):
            length = 5.9 - at if last else 4 * step
            add(track, electric(note, length, rng.uniform(0.55, 0.75)), at + 0.012 * k, 0.5)
            if k and not last:
                add(track, electric(note, 0.24, 0.5), at + 3 * step, 0.35)
    for place, note in PIANO_TUNE:
        add(track, electric(note, 0.9, rng.uniform(0.7, 0.95)), START + place * step, 0.45)
    tremolo = 1 - 0.12 * (1 + np.sin(2 * np.pi * 4.8 * clock(6.0)))
    return room(rng, track * tremolo, 0.8, wet_db=-14)


def choir(rng: Rng) -> Samples:
    """Four voices, three singers each, sing four chords on "ah" in a hall."""
    track = silence(6.0)
    for index, chord in enumerate(CHOIR):
        at, length = START + 1.35 * index, 1.55 if index < 3 else 1.9
        shape = envelope(length, [(0, 0), (0.2, 0.5), (0.7, 1), (length - 0.4, 0.8), (length, 0)])
        for note in chord:
            for _ in range(3):
                add(track, singer(rng, note, length) * shape, at, 0.2)
        add(track, band(noise(rng, length), 2200, 9000) * shape, at, 0.006)  # breath
    return room(rng, track, 1.8, wet_db=-8, delay=0.03)


def beat(rng: Rng, seconds: float, step: float) -> Samples:
    """The groove in steps of `step` seconds, and a last hit of bass drum and open hi-hat."""
    track = silence(seconds)
    hit = {
        "kick": lambda: 0.75 * kick(),
        "snare": lambda: 0.7 * snare(rng),
        "closed": lambda: 0.8 * hat(rng, 0.07 * rng.uniform(0.8, 1.3)),
        "open": lambda: 0.8 * hat(rng, 0.4),
    }
    for drum, steps in GROOVE.items():
        for index, force in enumerate(map(int, steps)):
            if force:
                late = 0.12 * step * (index % 2) + rng.normal(0, 0.001)  # a light swing
                add(track, hit[drum](), START + index * step + late, (force / 9) ** 1.5)
    add(track, kick(), START + 32 * step, 0.75)
    add(track, hat(rng, 1.1), START + 32 * step, 0.6)
    return track


def drums(rng: Rng) -> Samples:
    """The groove alone, in a small room."""
    return room(rng, beat(rng, 5.6, 60 / 98 / 4), 0.4, wet_db=-15)


def combo(rng: Rng) -> Samples:
    """Bass, drums, electric piano and lead play A minor, F, C, G, and close on A minor."""
    seconds, step = 6.0, 60 / 108 / 4
    low, chords, tune = silence(seconds), silence(seconds), silence(seconds)
    for place, root, chord in [*BAND, BAND_END]:
        at = START + place * step
        ends = place == BAND_END[0]
        for offset, up, size in [(0, 0, 9)] if ends else RIFF:
            add(low, bass(rng, root + up, size * step), at + offset * step, 0.9)
        for k, note in enumerate(chord):
            length = seconds - at if ends else 8 * step
            add(chords, electric(note, length, 0.6), at + 0.008 * k, 0.4)
    before = BAND_TUNE[0][1]
    for place, note, size in BAND_TUNE:
        add(tune, lead(note, size * step, before), START + place * step, 0.3)
        before = note
    tune = room(rng, tune, 1.4, wet_db=-7, delay=0.04)
    mix = 0.5 * low + 0.4 * chords + 0.45 * tune + beat(rng, seconds, step)
    squeezed: Samples = np.tanh(0.8 * room(rng, mix, 0.6, wet_db=-17))
    return squeezed


def _recipe(name: str, text: str, make: Callable[[Rng], Samples], level_db: float) -> Recipe:
    return Recipe(name, "music", text, make, level_db, fade=0.5)


RECIPES = [
    _recipe("guitar", "Plucked strings: broken chords and a strum.", guitar, -20),
    _recipe("electric-piano", "Electric piano: four chords and a tune.", piano, -20),
    _recipe("choir", "A choir sings four chords in a hall.", choir, -21),
    _recipe("drums", "Drums: bass drum, snare drum and hi-hats.", drums, -20),
    _recipe("band", "Bass, drums, electric piano and a synthesiser's tune.", combo, -19),
]
