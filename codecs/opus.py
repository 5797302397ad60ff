"""Opus (RFC 6716), by libopus through PyAV."""

from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from almbench.audio import Samples, resample
from almbench.codecs.base import CodecSpec, Options
from almbench.codecs.pyav import PyavCodec, Stream, decode, settings, whole

DECODER_RATE = 48_000
# Encoder look-ahead plus overlap, in samples at 48 kHz; each stream's header ("pre-skip") says it.
PRE_SKIP = {"voip": 312, "audio": 312, "lowdelay": 120}
LONG_FRAMES_BELOW = 12_000  # bit/s
SMALLEST_PACKET = 5  # bytes; what comes out of fewer does not correlate with the input at all
FRAME_DURATIONS = (2.5, 5, 10, 20, 40, 60)  # ms


class OpusOptions(Options):
    """Options of Opus.

    Attributes:
        bitrate: Bit/s, 6000 to 256000: Opus is not made for less, FFmpeg takes no more for mono.
        vbr: Let the bitrate vary with the sound, about `bitrate`; constant otherwise.
        sample_rate: Rate of input and output in Hz.
        application: What libopus tunes for.
        frame_duration: Milliseconds a packet: 2.5, 5, 10, 20, 40 or 60. The default is 60 below
            12 kbps, where the overhead of a packet weighs most (on eight clips of LibriSpeech,
            PESQ rose from 1.79 at 20 ms to 2.08 at 60 ms for 6 kbps, but only from 3.56 to 3.62
            for 12 kbps), and 20 from there on, as RFC 6716 recommends for most uses.
    """

    bitrate: int = Field(ge=6_000, le=256_000)
    vbr: bool = False
    sample_rate: Literal[8000, 12000, 16000, 24000, 48000] = 24_000
    application: Literal["voip", "audio", "lowdelay"] = "audio"
    frame_duration: float | None = None

    @field_validator("frame_duration")
    @classmethod
    def _duration_exists(cls, value: float | None) -> float | None:
        if value is not None and value not in FRAME_DURATIONS:
            raise ValueError(f"allowed: {', '.join(map(str, FRAME_DURATIONS))}")
        return value

    @model_validator(mode="after")
    def _packets_hold_sound(self) -> Self:
        if self.bitrate * self.milliseconds < SMALLEST_PACKET * 8000:
            least = round(SMALLEST_PACKET * 8000 / self.milliseconds)
            raise ValueError(
                f"frames of {self.milliseconds:g} ms need a bitrate of at least {least}, "
                f"not {self.bitrate}; or choose longer frames"
            )
        return self

    @property
    def milliseconds(self) -> float:
        """Milliseconds a packet, the default filled in."""
        return self.frame_duration or (60 if self.bitrate < LONG_FRAMES_BELOW else 20)


class Opus(PyavCodec[OpusOptions]):
    """Opus, encoded and decoded by libopus."""

    options_type = OpusOptions
    encoder = decoder = "libopus"
    sample_format = "flt"

    @property
    def bitrate(self) -> int:
        """Bit/s asked for."""
        return self.options.bitrate

    @property
    def spec(self) -> CodecSpec:
        """Facts of Opus as configured."""
        options = self.options
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="opus",
            sample_rate=options.sample_rate,
            frame_rate=1000 / options.milliseconds,
            stated_bps=options.bitrate,
            causal=False,
            delay=PRE_SKIP[options.application] * options.sample_rate // DECODER_RATE,
            license="BSD-3-Clause (libopus)",
            settings=settings(options.model_dump() | {"frame_duration": options.milliseconds}),
        )

    def encoder_options(self) -> dict[str, str]:
        """Options of libopus by FFmpeg's names."""
        return {
            "application": self.options.application,
            "frame_duration": f"{self.options.milliseconds:g}",
            "vbr": "on" if self.options.vbr else "off",
        }

    def restore(self, stream: Stream, length: int, rate: int) -> Samples:
        """Decode one clip at 48 kHz, the one rate of the decoder, and go back to `rate`.

        The decoder reads the delay from the stream's header and drops it itself.
        """
        decoded = decode(self.decoder, stream)
        due = length * Fraction(DECODER_RATE, rate)
        assert due.denominator == 1  # noqa: S101 - every rate of Opus divides 48 kHz
        return resample(whole(decoded, 0, int(due)), DECODER_RATE, rate)
