"""Codecs that PyAV brings along: a mono sound to raw packets in memory, and back.

No container comes in between: what a codec emits is exactly its packets, and what a container
would add (headers, padding, an index) is never counted.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import numpy as np

from almbench.audio import Samples, to_integers
from almbench.codecs.base import Codec, Encoded, Options, trim_delay
from almbench.errors import CodecError

if TYPE_CHECKING:
    from av import AudioCodecContext

Settings = dict[str, str | int | float | bool | None]


@dataclass(frozen=True)
class Stream:
    """What an encoder emitted for one clip.

    Attributes:
        packets: The bytes of each packet, in order.
        header: What the decoder must know beforehand (FFmpeg's "extradata"), if anything. It is
            sent once, by a container, and is not payload.
    """

    packets: tuple[bytes, ...]
    header: bytes | None

    @property
    def bits(self) -> int:
        """Bits of all packets."""
        return 8 * sum(len(packet) for packet in self.packets)


def encode(
    encoder: str,
    samples: Samples,
    rate: int,
    bitrate: int,
    sample_format: str,
    options: dict[str, str] | None = None,
) -> Stream:
    """Encode a sound, up to and including the packets that flush the encoder.

    Args:
        encoder: FFmpeg's name of the encoder.
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.
        bitrate: Bit/s asked for.
        sample_format: FFmpeg's name of the format that the encoder takes: 16 bits where it begins
            with "s16", else 32-bit float.
        options: Options of the encoder.

    Raises:
        CodecError: The sound is empty, or the encoder refuses it.
    """
    import av

    if not len(samples):
        raise CodecError(f"the clip is shorter than one sample at {rate} Hz")
    context = cast("AudioCodecContext", av.CodecContext.create(encoder, "w"))
    context.sample_rate = rate
    context.layout = "mono"
    context.format = sample_format
    context.bit_rate = bitrate
    context.options = options or {}
    integers = sample_format.startswith("s16")
    data = to_integers(samples, 16)[0].astype(np.int16) if integers else samples.astype(np.float32)
    frame = av.AudioFrame.from_ndarray(data[np.newaxis], format=sample_format, layout="mono")
    frame.sample_rate = rate
    try:
        packets = [*context.encode(frame), *context.encode(None)]
    except av.FFmpegError as error:
        raise CodecError(f"{encoder} cannot encode this clip: {error}") from error
    return Stream(tuple(bytes(packet) for packet in packets), context.extradata)


def decode(decoder: str, stream: Stream) -> Samples:
    """Decode packets.

    Only the packets' bytes are used. Hints of delay and padding that PyAV may attach to a packet
    differ between its versions, so delays are removed by `trim_delay` and by nothing else; but for
    Opus, whose header says how much the decoder itself drops.

    Args:
        decoder: FFmpeg's name of the decoder.
        stream: What `encode` returned.

    Returns:
        **Shape** `[T]` at the decoder's rate, with the codec's delay and padding.

    Raises:
        CodecError: The decoder refuses a packet, or gives nothing.
    """
    import av

    context = cast("AudioCodecContext", av.CodecContext.create(decoder, "r"))
    # Decoders that can give float or 16 bits give 16 bits unless asked.
    context.options = {"request_sample_fmt": "flt"}
    if stream.header:
        context.extradata = stream.header
    try:
        pieces = [  # as they come: of an hour, frames and their floats would take gigabytes
            frame.to_ndarray()[0]
            for packet in [*map(av.Packet, stream.packets), None]
            for frame in context.decode(packet)
        ]
    except av.FFmpegError as error:
        raise CodecError(f"{decoder} cannot decode this clip: {error}") from error
    if not pieces:
        raise CodecError(f"{decoder} gave no sound")
    sound: Samples = np.concatenate(pieces, dtype=np.float64)
    if pieces[0].dtype == np.int16:
        sound /= 2**15
    return sound


def versions() -> Settings:
    """Name the libraries that do the work; FFmpeg does not tell the versions of libopus or LAME."""
    try:
        import av
    except ImportError:
        return {"av": None, "libavcodec": None}
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    return {"av": av.__version__, "libavcodec": codec}


O = TypeVar("O", bound=Options)  # noqa: E741


class PyavCodec(Codec[O]):
    """A codec of PyAV that decodes at the rate of its input.

    All packets count as payload, also the last ones, which the codec's delay makes necessary: the
    decoder cannot give the end of the clip without them.

    Attributes:
        encoder: FFmpeg's name of the encoder.
        decoder: FFmpeg's name of the decoder.
        sample_format: FFmpeg's name of the format that the encoder takes.
    """

    encoder: ClassVar[str]
    decoder: ClassVar[str]
    sample_format: ClassVar[str]

    @classmethod
    def missing(cls) -> str | None:
        """Say what is missing in PyAV, and the command that installs it."""
        try:
            from av.codec.codec import codecs_available
        except ImportError as error:
            return f"PyAV cannot be imported ({error}). To fix: pip install av"
        missing = sorted({cls.encoder, cls.decoder} - codecs_available)
        if missing:
            return (
                f"missing in this build of PyAV: {' and '.join(missing)}. To fix: "
                "pip install --force-reinstall --only-binary av 'av<19'"
            )
        return None

    @property
    @abstractmethod
    def bitrate(self) -> int:
        """Bit/s asked for."""

    def encoder_options(self) -> dict[str, str]:
        """Options of the encoder besides bitrate and sample rate."""
        return {}

    def count_bits(self, stream: Stream) -> int:
        """Count the bits of payload."""
        return stream.bits

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips, one after the other."""
        return [self._encode(samples, rate) for samples in batch]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips, one after the other."""
        return [self.restore(item.payload, item.length, rate) for item in batch]

    def _encode(self, samples: Samples, rate: int) -> Encoded:
        stream = encode(
            self.encoder,
            samples,
            rate,
            self.bitrate,
            self.sample_format,
            self.encoder_options(),
        )
        return Encoded(self.count_bits(stream), len(samples), payload=stream)

    def restore(self, stream: Stream, length: int, rate: int) -> Samples:
        """Decode one clip and remove the delay.

        Args:
            stream: What was encoded.
            length: Samples of the input.
            rate: Sample rate in Hz of the input, and of what is returned.

        Returns:
            **Shape** `[length]`.

        Raises:
            CodecError: The decoder failed, or lost the end of the clip.
        """
        del rate
        return whole(decode(self.decoder, stream), self.spec.delay, length)


def whole(decoded: Samples, delay: int, length: int) -> Samples:
    """Align a decoded sound, after making sure that its end is there.

    Raises:
        CodecError: It is too short.
    """
    if len(decoded) < delay + length:
        raise CodecError(
            f"the decoder gave {len(decoded)} samples instead of {delay} of delay and {length}"
        )
    return trim_delay(decoded, delay, length)


def settings(options: dict[str, Any]) -> Settings:
    """Join an adapter's options and the versions of the libraries, for a `CodecSpec`."""
    return {**options, **versions()}
