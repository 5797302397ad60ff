"""The design of a test: which clips and systems are in it, drawn by the suite's seed."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from almbench.names import ORIGINAL

MIN_CLIP_S, MAX_CLIP_S = 1.0, 12.0  # BS.1534-3 advises about 10 s, and no more than 12
MAX_CLIPS = 8  # of a test


class Sound(Protocol):
    """What a design needs to know of a published sound."""

    @property
    def address(self) -> str:
        """Where it is; tells nothing but a hash."""

    @property
    def seconds(self) -> float:
        """Duration."""

    @property
    def lufs(self) -> float | None:
        """Integrated loudness; None for silence."""

    @property
    def gain_db(self) -> float:
        """What brings it to the quietest version of its clip."""


class Clip(NamedTuple):
    """A clip and its test set."""

    testset: str
    clip: str


@dataclass(frozen=True)
class System:
    """A codec of the run; `kbps` is infinite where no bitrate is known."""

    label: str
    anchor: bool
    kbps: float


@dataclass(frozen=True)
class Stimulus:
    """A sound as the page plays it, with its linear gain."""

    url: str
    gain: float

    @staticmethod
    def of(sound: Sound, gain_db: float) -> "Stimulus":
        """A sound at a gain in dB."""
        return Stimulus(sound.address, round(10 ** (gain_db / 20), 6))


@dataclass(frozen=True)
class TrialDesign:
    """A clip of a test; the sounds are known by their places alone.

    Attributes:
        clip: `<test set>/<clip>`.
        seconds: Duration.
        sounds: One per system or stimulus; None where a system has no sound of the clip.
        reference: Place of the sound that is the reference, where there is one.
    """

    clip: str
    seconds: float
    sounds: list[Stimulus | None]
    reference: int | None = None


@dataclass(frozen=True)
class Design:
    """A test of a domain.

    Attributes:
        trials: Its clips.
        key: What the places of the sounds stand for, as JSON for the script of the page.
        stimuli: How many stimuli a clip has, or systems there are to choose from.
        anchors: How many of the stimuli are low-pass anchors.
        left_out: Labels of the systems that are not in it, each with the reason.
        missing: How many clips are not in it because a system in it has no sound of them.
        minutes: Roughly what it takes; 0 where that is the listener's choice.
    """

    trials: list[TrialDesign]
    key: dict[str, Any]
    stimuli: int
    anchors: int = 0
    left_out: list[str] = field(default_factory=list)
    missing: int = 0
    minutes: int = 0


@dataclass(frozen=True)
class Material:
    """What a test of a domain can be made of.

    Attributes:
        domain: speech, sound or music.
        seed: The suite's seed.
        systems: The codecs of the domain, by id.
        sounds: The published sounds, by test set, codec or "original", and clip.
        original_rate: Sample rate in Hz of a clip's original as it was stored.
        lowpass: Makes and publishes an anchor: a sound through a low-pass of a cut-off in Hz.
    """

    domain: str
    seed: int
    systems: Mapping[str, System]
    sounds: Mapping[tuple[str, str, str], Sound]
    original_rate: Callable[[Clip], int]
    lowpass: Callable[[Sound, float], Sound]

    @property
    def clips(self) -> list[Clip]:
        """The clips whose original is neither too short nor too long, nor silent."""
        return [
            Clip(testset, clip)
            for (testset, codec, clip), sound in self.sounds.items()
            if codec == ORIGINAL
            and MIN_CLIP_S <= sound.seconds <= MAX_CLIP_S
            and sound.lufs is not None
        ]

    def sound(self, clip: Clip, system: str) -> Sound | None:
        """The sound of a clip through a system; None where there is none."""
        return self.sounds.get((clip.testset, system, clip.clip))

    def has(self, clip: Clip, system: str) -> bool:
        """Whether a system has a sound of a clip."""
        return self.sound(clip, system) is not None

    def label(self, system: str) -> str:
        """A system's name for readers."""
        return "Original" if system == ORIGINAL else self.systems[system].label

    def trial(
        self, clip: Clip, sounds: list[Stimulus | None], reference: int | None = None
    ) -> TrialDesign:
        """A clip with its sounds."""
        seconds = self.sounds[clip.testset, ORIGINAL, clip.clip].seconds
        return TrialDesign("/".join(clip), round(seconds, 3), sounds, reference)

    def complete_clips(self, systems: Iterable[str]) -> list[Clip]:
        """The clips that all systems have."""
        return [clip for clip in self.clips if all(self.has(clip, s) for s in systems)]

    def draw_clips(self, clips: list[Clip]) -> list[Clip]:
        """Draw up to `MAX_CLIPS` clips, in their order."""
        if len(clips) <= MAX_CLIPS:
            return clips
        chosen = set(self._random("clips").sample(clips, MAX_CLIPS))
        return [clip for clip in clips if clip in chosen]

    def draw_systems(self, systems: list[str], limit: int) -> list[str]:
        """Draw one of each of `limit` neighbourhoods on the axis of bitrates, in their order."""
        if len(systems) <= limit:
            return systems
        ranked = sorted(systems, key=lambda system: self.systems[system].kbps)
        edges = [len(ranked) * i // limit for i in range(limit + 1)]
        draw = self._random("systems")
        chosen = {draw.choice(ranked[a:b]) for a, b in pairwise(edges)}
        return [system for system in systems if system in chosen]

    def _random(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {self.domain} {what}")  # noqa: S311
