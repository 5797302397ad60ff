"""The everyday sounds, synthesised from noise, decaying resonances and swept tones."""

import numpy as np

from almbench.audio import Samples
from almbench.samples.tools import (
    Recipe,
    Rng,
    add,
    band,
    burst,
    clock,
    envelope,
    modes,
    noise,
    ring,
    room,
    silence,
    sweep,
    wander,
)


def rain(rng: Rng) -> Samples:
    """Far rain is noise, near rain is single drops: clicks, bubbles, a sill that rings."""
    seconds = 5.0
    gusts = 10 ** (2 * wander(rng, seconds, 1.0) / 20)
    track = 0.05 * band(noise(rng, seconds, -3), low=500) * gusts
    clicks = [burst(rng, 0.006, low, 2 * low) for low in np.geomspace(1200, 9000, 24)]
    for at in rng.uniform(0, seconds, 1600):
        add(track, clicks[rng.integers(24)], at, min(0.035 * (1 + rng.pareto(1.8)), 0.6))
    for at in rng.uniform(0, seconds, 45):
        add(track, bubble(rng), at, rng.uniform(0.05, 0.25))
    sill = np.array([410, 660, 1090, 1730, 2610, 3920])
    for at in rng.uniform(0, seconds, 28):
        hit = modes(0.1, sill * rng.uniform(0.97, 1.03, 6), 0.1 / np.arange(1, 7), rng.random(6))
        add(track, hit, at, rng.uniform(0.03, 0.22))
    return room(rng, track, 0.3, wet_db=-14)


def bubble(rng: Rng) -> Samples:
    """A drop on water: a tone that rises as its bubble nears the surface."""
    pitch = rng.uniform(900, 3600)
    rise = envelope(0.06, [(0, pitch), (0.06, 1.35 * pitch)])
    return sweep(rise) * ring(0.06, 0.05) * envelope(0.06, [(0, 0), (0.001, 1)])


def marble(rng: Rng) -> Samples:
    """Each bounce keeps 0.82 of the speed; a slower hit is softer, duller and sooner over."""
    track = silence(4.6)
    table = np.array([148, 236, 395, 571, 842, 1270, 1880, 2790, 4020])
    glass = np.array([5230, 7740, 9860, 11480])
    at, flight = 0.2, 0.62
    while flight > 0.02:
        speed = flight / 0.62
        wood = modes(0.4, table, 0.4 / np.arange(1, 10) ** 0.7, rng.uniform(0.3, 1, 9))
        wood = band(wood, high=900 + 5000 * speed**0.6, order=1)
        ping = modes(0.06, glass, [0.05, 0.04, 0.03, 0.02], rng.uniform(0.2, 0.6, 4))
        tap = burst(rng, 0.004, 1500, 14000)
        add(track, wood, at, 0.3 * speed)
        add(track, ping, at, 0.14 * speed**1.2)
        add(track, tap, at, 0.2 * speed**1.2)
        at += flight
        flight *= 0.82
    roll = band(noise(rng, 4.6 - at, -3), 180, 5000)
    turns = 1 + 0.7 * np.sin(2 * np.pi * 9 * clock(4.6 - at))
    add(
        track, roll * turns * envelope(4.6 - at, [(0, 0.3), (0.1, 1), (0.6, 0.4), (1, 0)]), at, 0.02
    )
    return room(rng, track, 0.45, wet_db=-10) + 3e-4 * noise(rng, 4.6, -4.5)


def birds(rng: Rng) -> Samples:
    """A near bird sings whistles, a trill and a warble; a far one answers on two notes."""
    seconds = 5.2
    near, far = silence(seconds), silence(seconds)
    song = [0.25, 0.47, 0.69]
    for at in song:
        add(near, chirp([(0, 7200), (0.05, 4600), (0.15, 3900)], 0.16), at, 0.8)
    for k in range(13):
        add(near, chirp([(0, 3600), (0.02, 6100), (0.05, 4700)], 0.052), 1.0 + 0.062 * k, 0.55)
    add(near, warble(0.55), 1.95)
    for at in (3.3, 3.52):
        add(near, chirp([(0, 3300), (0.06, 5200), (0.12, 7900)], 0.13), at, 0.7)
    for k in range(18):
        add(near, chirp([(0, 8300), (0.035, 5600)], 0.036), 3.85 + 0.043 * k, 0.3 + 0.02 * k)
    for at in (0.6, 2.6, 4.35):
        add(far, chirp([(0, 3250), (0.2, 3180)], 0.22), at, 0.5)
        add(far, chirp([(0, 2620), (0.3, 2560)], 0.32), at + 0.27, 0.45)
    leaves = band(noise(rng, seconds, -3), low=300) * 10 ** (4 * wander(rng, seconds, 1.5) / 20)
    near = room(rng, near, 0.7, wet_db=-15, delay=0.03)
    return near + room(rng, 0.3 * band(far, high=5000), 1.4, wet_db=3, delay=0.05) + 0.006 * leaves


def chirp(path: list[tuple[float, float]], seconds: float) -> Samples:
    """A whistled syllable along (time in s, frequency in Hz), with a faint second harmonic."""
    frequency = envelope(seconds, path)
    shape = np.sin(np.pi * clock(seconds) / seconds) ** 0.7
    return (sweep(frequency) + 0.08 * sweep(2 * frequency)) * shape


def warble(seconds: float) -> Samples:
    """A note that swings fast around a falling pitch."""
    t = clock(seconds)
    frequency = 5200 - 1400 * t / seconds + 650 * np.sin(2 * np.pi * 27 * t)
    pulse = 0.65 + 0.35 * np.cos(2 * np.pi * 27 * t)
    return 0.8 * sweep(frequency) * pulse * np.sin(np.pi * t / seconds) ** 0.5


def bell(rng: Rng) -> Samples:
    """The partials of a minor-third bell, each split in two that beat, and the clapper's knock."""
    seconds = 5.6
    ratios = np.array([0.5, 1, 1.19, 1.5, 2, 2.52, 3.01, 4.17, 5.43, 6.8, 8.2, 11.1, 14.3, 17.2])
    t60s = 7.5 * (ratios / 0.5) ** -0.95
    gains = np.array([0.5, 0.6, 0.75, 0.35, 1, 0.4, 0.55, 0.4, 0.3, 0.2, 0.16, 0.1, 0.07, 0.05])
    track = silence(seconds)
    for at, force in ((0.1, 1.0), (1.9, 0.7), (3.65, 0.9)):
        tones = 587 * np.concatenate([ratios, ratios * (1 + 0.0009 * rng.uniform(0.5, 1.5, 14))])
        lengths = np.tile(t60s, 2)
        loud = np.concatenate([gains, 0.6 * gains]) * rng.uniform(0.85, 1, 28)
        add(track, modes(seconds - at, tones, lengths, loud), at, 0.2 * force)
        add(track, burst(rng, 0.02, 1800, 15000), at, 0.4 * force)
    return room(rng, track, 1.2, wet_db=-12) + 4e-4 * noise(rng, seconds, -4.5)


def gravel(rng: Rng) -> Samples:
    """Each step is a heel and a roll to the toe: many grains of all sizes that grind and settle."""
    seconds = 5.0
    track = 0.002 * noise(rng, seconds, -4.5)
    grains = [
        burst(rng, length, low, 2.5 * low)
        for low, length in zip(
            np.geomspace(700, 8000, 40), np.geomspace(0.012, 0.002, 40), strict=True
        )
    ]
    for step in range(9):
        at = 0.2 + 0.53 * step + rng.normal(0, 0.012)
        add(track, band(burst(rng, 0.09, 45, 160), high=300), at, 0.25)
        for start, spread, count, force in ((0, 0.10, 130, 1.0), (0.13, 0.20, 190, 0.7)):
            for delay in start + spread * rng.beta(1.4, 3.0, count):
                size = min(0.05 * (1 + rng.pareto(1.6)), 0.8) * force * rng.uniform(0.7, 1.1)
                add(track, grains[rng.integers(40)], at + delay, size)
    return room(rng, track, 0.25, wet_db=-18)


RECIPES = [
    Recipe("rain", "sound", "Rain on a window, with single drops on the sill.", rain, -25),
    Recipe("marble", "sound", "A glass marble bounces on a wooden table and rolls.", marble, -24),
    Recipe("birds", "sound", "Two birds sing in a wood, one near and one far.", birds, -25),
    Recipe("bell", "sound", "A small bell is struck three times.", bell, -22, fade=0.5),
    Recipe("gravel", "sound", "Footsteps on gravel.", gravel, -25),
]
