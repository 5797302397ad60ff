"""AMR narrow band (3GPP TS 26.071), by opencore-amr through PyAV."""

from typing import Literal

from almbench.codecs.base import CodecSpec, Options
from almbench.codecs.pyav import PyavCodec, Stream, settings
from almbench.errors import CodecError

RATE = 8_000
FRAME_RATE = 50
# The look-ahead of the linear prediction, 5 ms (3GPP TS 26.090, 4.1), in every mode: a chirp comes
# back 39.9 samples late. Speech peaks half a sample earlier, by the phase of the high-pass filters.
DELAY = 40
# Bits of a frame by its type (3GPP TS 26.101, table 1a): the eight modes, the silence descriptor
# (SID), and "no data".
FRAME_BITS = dict(enumerate((95, 103, 118, 134, 148, 159, 204, 244, 39))) | {15: 0}


class AmrOptions(Options):
    """Options of AMR-NB.

    Attributes:
        mode: Bit/s of the mode.
    """

    mode: Literal[4750, 5150, 5900, 6700, 7400, 7950, 10200, 12200]


class Amr(PyavCodec[AmrOptions]):
    """AMR-NB, encoded and decoded by opencore-amr, without discontinuous transmission."""

    options_type = AmrOptions
    encoder = decoder = "libopencore_amrnb"
    sample_format = "s16"

    @property
    def bitrate(self) -> int:
        """Bit/s of the mode."""
        return self.options.mode

    @property
    def spec(self) -> CodecSpec:
        """Facts of AMR-NB as configured."""
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="amr-nb",
            sample_rate=RATE,
            frame_rate=FRAME_RATE,
            stated_bps=self.options.mode,
            causal=False,
            delay=DELAY,
            license="Apache-2.0 (opencore-amr)",
            settings=settings(self.options.model_dump()),
        )

    def count_bits(self, stream: Stream) -> int:
        """Count the bits of speech.

        A packet holds one frame in the storage format (RFC 4867, 5.3): a header byte that names
        the frame's type, the frame, and zeros up to a whole byte. Only the frame is payload.

        Raises:
            CodecError: A frame has a type that AMR-NB does not have.
        """
        types = [packet[0] >> 3 & 0b1111 for packet in stream.packets]
        if foreign := set(types) - set(FRAME_BITS):
            raise CodecError(f"frames of unknown type: {sorted(foreign)}")
        return sum(FRAME_BITS[type_] for type_ in types)
