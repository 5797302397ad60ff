"""AAC-LC (ISO/IEC 14496-3), by FFmpeg's own encoder through PyAV."""

from typing import Literal, Self

from pydantic import Field, model_validator

from almbench.codecs.base import CodecSpec, Options
from almbench.codecs.pyav import PyavCodec, settings

FRAME = 1024  # samples; also the delay, by the overlap of the transform
MOST_BITS_A_FRAME = 6144  # a channel, ISO/IEC 14496-3


class AacOptions(Options):
    """Options of AAC-LC.

    Attributes:
        bitrate: Bit/s aimed at, from 8000 to 6 a sample. FFmpeg's encoder misses it at both ends:
            speech at 16 kHz took 9.9 to 11.1 kbps for 8, and at 24 kHz 92 for 144.
        sample_rate: Rate of input and output in Hz.
    """

    bitrate: int = Field(ge=8_000)
    sample_rate: Literal[8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000] = 24_000

    @model_validator(mode="after")
    def _fits_the_frames(self) -> Self:
        most = self.sample_rate * MOST_BITS_A_FRAME // FRAME
        if self.bitrate > most:
            raise ValueError(
                f"AAC at {self.sample_rate} Hz mono has no bitrate {self.bitrate}; "
                f"allowed: 8000 to {most}"
            )
        return self


class Aac(PyavCodec[AacOptions]):
    """AAC-LC, encoded and decoded by FFmpeg."""

    options_type = AacOptions
    encoder = decoder = "aac"
    sample_format = "fltp"

    @property
    def bitrate(self) -> int:
        """Bit/s asked for."""
        return self.options.bitrate

    @property
    def spec(self) -> CodecSpec:
        """Facts of AAC-LC as configured."""
        options = self.options
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="aac",
            sample_rate=options.sample_rate,
            frame_rate=options.sample_rate / FRAME,
            stated_bps=options.bitrate,
            causal=False,
            delay=FRAME,
            license="LGPL-2.1-or-later (FFmpeg)",
            settings=settings(options.model_dump()),
        )
