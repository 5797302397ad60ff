"""MP3 (ISO/IEC 11172-3 and 13818-3, layer III), by LAME through PyAV."""

from typing import Literal, Self

from pydantic import model_validator

from almbench.codecs.base import CodecSpec, Options
from almbench.codecs.pyav import PyavCodec, settings

# 576 samples of the encoder's delay, 528 + 1 of the decoder's filter bank.
DELAY = 1105
_MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_2_5 = _MPEG_2[:8]  # the table goes on, but LAME does not go higher


class Mp3Options(Options):
    """Options of MP3.

    Attributes:
        bitrate: Bit/s, constant. MP3 has a list for each sample rate, which begins at 8000 below
            32 kHz and at 32000 from there on. LAME would silently take the nearest; others are
            refused here.
        sample_rate: Rate of input and output in Hz.
    """

    bitrate: int
    sample_rate: Literal[8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000] = 24_000

    @model_validator(mode="after")
    def _bitrate_exists(self) -> Self:
        allowed = [1000 * kbps for kbps in self._kbps()]
        if self.bitrate not in allowed:
            raise ValueError(
                f"MP3 at {self.sample_rate} Hz has no bitrate {self.bitrate}; "
                f"allowed: {', '.join(map(str, allowed))}"
            )
        return self

    @property
    def mpeg_1(self) -> bool:
        """Whether this is MPEG-1, with frames of 1152 samples; they have 576 below 32 kHz."""
        return self.sample_rate >= 32_000

    def _kbps(self) -> tuple[int, ...]:
        if self.mpeg_1:
            return _MPEG_1
        return _MPEG_2 if self.sample_rate >= 16_000 else _MPEG_2_5


class Mp3(PyavCodec[Mp3Options]):
    """MP3 at a constant bitrate, encoded by LAME, decoded by FFmpeg in float."""

    options_type = Mp3Options
    encoder = "libmp3lame"
    decoder = "mp3float"
    sample_format = "fltp"

    @property
    def bitrate(self) -> int:
        """Bit/s asked for."""
        return self.options.bitrate

    @property
    def spec(self) -> CodecSpec:
        """Facts of MP3 as configured."""
        options = self.options
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="mp3",
            sample_rate=options.sample_rate,
            frame_rate=options.sample_rate / (1152 if options.mpeg_1 else 576),
            stated_bps=options.bitrate,
            causal=False,
            delay=DELAY,
            license="LGPL-2.0-or-later (LAME), LGPL-2.1-or-later (FFmpeg)",
            settings=settings(options.model_dump()),
        )
