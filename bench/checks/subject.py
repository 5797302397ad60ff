"""The codec under check, called with care, and the sounds that it is given."""

from functools import cached_property
from typing import Any

import numpy as np

from almbench.audio import Samples, fit, read, resample
from almbench.codecs.base import Codec, CodecSpec, Encoded
from almbench.errors import AlmbenchError
from almbench.samples import folder

ANY_RATE = 48_000  # for codecs that take any
SPEECH_S = 2.0


class InvalidOutputError(AlmbenchError):
    """An adapter returned what it may not."""


class Subject:
    """A loaded codec, with sounds for it.

    Attributes:
        codec: The codec.
        device: cpu or cuda.
        spec: Its facts.
        rate: Its rate in Hz, or one of ours where it takes any.
    """

    def __init__(self, codec: Codec[Any], device: str) -> None:
        """Ask for the facts once."""
        self.codec = codec
        self.device = device
        self.spec: CodecSpec = codec.spec
        self.rate = self.spec.sample_rate or ANY_RATE

    def speech_at(self, rate: int) -> Samples:
        """The whole sound of speech at a rate in Hz."""
        sound = read(folder() / "speech" / "en-gb-harbour.flac")
        return resample(sound.samples, sound.rate, rate)

    @cached_property
    def _speech(self) -> Samples:
        return self.speech_at(self.rate)

    @cached_property
    def speech_and_back(self) -> tuple[Samples, Samples]:
        """A clip of speech of usual length, and what the codec makes of it, equally long."""
        clip = self.speech(self.length)
        return clip, fit(self.round_trip(clip)[1], len(clip))

    @property
    def length(self) -> int:
        """Samples of a clip of usual length: 2 s, or what the codec takes at most."""
        return int(min(SPEECH_S, self.codec.max_duration_s or SPEECH_S) * self.rate)

    def speech(self, length: int, start: float = 0.0) -> Samples:
        """Speech of `length` samples from `start` seconds on, repeated if need be."""
        return np.resize(np.roll(self._speech, -int(start * self.rate)), length)

    def encode(self, *clips: Samples) -> list[Encoded]:
        """Encode clips in one call; what comes back must be as many `Encoded`."""
        encoded = self.codec.encode(list(clips), self.rate)
        if len(encoded) != len(clips) or not all(isinstance(e, Encoded) for e in encoded):
            raise InvalidOutputError(f"encode gave {encoded!r:.80} for {len(clips)} clips")
        return encoded

    def decode(self, *encoded: Encoded) -> list[Samples]:
        """Decode clips in one call; what comes back must be as many sounds."""
        sounds = self.codec.decode(list(encoded), self.rate)
        if len(sounds) != len(encoded):
            raise InvalidOutputError(f"decode gave {len(sounds)} sounds for {len(encoded)} clips")
        for sound in sounds:
            kind = getattr(sound, "dtype", type(sound))
            if not isinstance(sound, np.ndarray) or sound.ndim != 1 or sound.dtype.kind != "f":
                shape = getattr(sound, "shape", "")
                raise InvalidOutputError(f"decode gave {kind} {shape}, not floats of shape [T]")
        return sounds

    def round_trip(self, clip: Samples) -> tuple[Encoded, Samples]:
        """Encode and decode one clip."""
        encoded = self.encode(clip)[0]
        return encoded, self.decode(encoded)[0]
