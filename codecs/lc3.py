"""LC3 (Bluetooth SIG, "Low Complexity Communication Codec", 2020), by Google's liblc3."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from almbench.audio import Samples, fit
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, trim_delay
from almbench.errors import CodecError
from almbench.packages import installed_version, missing_packages

FRAME_US = 10_000
FRAME_RATE = 100
LEAST, MOST = 16_000, 320_000  # bit/s; frames of 20 to 400 bytes (LC3 1.0, 2.2)
DELAY_US = 2_500  # of frames of 10 ms: what their windows overlap beyond the frame (LC3 1.0, 3.1)


class Lc3Options(Options):
    """Options of LC3.

    Attributes:
        bitrate: Bit/s, in steps of 800, a byte a frame; from 16000 on.
        sample_rate: Rate of its input and output in Hz.
    """

    bitrate: int = Field(ge=LEAST, le=MOST, multiple_of=800)
    sample_rate: Literal[8000, 16000, 24000, 32000, 48000] = 24_000


class Lc3(Codec[Lc3Options]):
    """LC3 with frames of 10 ms, every clip by an encoder and a decoder of its own."""

    options_type = Lc3Options

    @classmethod
    def missing(cls) -> str | None:
        """Say whether lc3py is missing."""
        return missing_packages(["lc3"], "'almbench[lc3]'")

    @property
    def spec(self) -> CodecSpec:
        """Facts of LC3 as configured."""
        rate = self.options.sample_rate
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="lc3",
            sample_rate=rate,
            frame_rate=FRAME_RATE,
            stated_bps=self.options.bitrate,
            causal=False,
            delay=_delay(rate),
            license="Apache-2.0 (liblc3)",
            settings={**self.options.model_dump(), "lc3py": installed_version("lc3py")},
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips, one after the other."""
        return [self._encode(samples, rate) for samples in batch]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips, one after the other."""
        return [self._decode(item, rate) for item in batch]

    def _encode(self, samples: Samples, rate: int) -> Encoded:
        """Encode one clip; the frame that the delay adds at its end is counted, as emitted."""
        import lc3

        if not len(samples):
            raise CodecError(f"the clip is shorter than one sample at {rate} Hz")
        encoder: Any = lc3.Encoder(FRAME_US, rate)
        size = rate // FRAME_RATE
        count = -(-(len(samples) + _delay(rate)) // size)
        frames = fit(samples, count * size).clip(-1, 1).astype(np.float32).reshape(count, size)
        bytes_a_frame = self.options.bitrate // FRAME_RATE // 8
        payload = [encoder.encode(frame.tolist(), bytes_a_frame) for frame in frames]
        return Encoded(8 * sum(map(len, payload)), len(samples), payload=payload)

    def _decode(self, item: Encoded, rate: int) -> Samples:
        import lc3

        decoder: Any = lc3.Decoder(FRAME_US, rate)
        frames = [np.asarray(decoder.decode(frame), np.float64) for frame in item.payload]
        return trim_delay(np.concatenate(frames), _delay(rate), item.length)


def _delay(rate: int) -> int:
    """Samples by which the decoder's sound is late."""
    return rate * DELAY_US // 1_000_000
