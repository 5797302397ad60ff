"""What a codec is: its facts (`CodecSpec`), what it emits (`Encoded`) and how it is called."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from almbench.audio import Samples, fit
from almbench.codecs.code_faults import shape_fault
from almbench.errors import CodecError, Unavailable


class Options(BaseModel):
    """Options of an adapter that a suite sets."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Checkpoint(BaseModel):
    """Where a codec's weights came from.

    Attributes:
        source: Id of a hub repository, or a local folder or file.
        revision: Commit of the hub repository; empty for local weights.
        sha256: Hash of the weights' file; empty while they are not here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    revision: str = ""
    sha256: str = ""


class CodecSpec(BaseModel):
    """Facts of a codec as configured. Two specs that differ are two codecs to the results.

    Attributes:
        id: Short name, safe as a folder name.
        label: Name for readers, without the bitrate.
        family: The kind of codec, such as "opus" or "mimi".
        sample_rate: Rate of its input and output in Hz; None where it takes any.
        frame_rate: Frames per second in Hz.
        codebook_sizes: Entries of each codebook; empty for a codec without codes.
        codebook_strides: Frames that a code of each codebook lasts, where not all are of one rate;
            the frames are those of the fastest.
        stated_bps: Nominal bit/s of a codec without codebooks.
        anchor: A mark of known quality, such as a filter; it takes no part in the ranking.
        causal: Whether it needs no future sound; None where unknown.
        delay: Delay in samples at `sample_rate` that the adapter removes.
        parameters: Number of weights.
        checkpoint: The weights, for a codec that has any.
        license: Licence of the code.
        weights_license: Licence of the weights.
        settings: Everything else that changes the sound, library versions included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    label: str
    family: str
    sample_rate: int | None
    frame_rate: float | None = None
    codebook_sizes: tuple[int, ...] = ()
    codebook_strides: tuple[int, ...] = ()
    stated_bps: float | None = None
    anchor: bool = False
    causal: bool | None = None
    delay: int = 0
    parameters: int | None = None
    checkpoint: Checkpoint | None = None
    license: str = ""
    weights_license: str = ""
    settings: dict[str, str | int | float | bool | None] = Field(default_factory=dict)

    @property
    def nominal_kbps(self) -> float | None:
        """Nominal bitrate in kbps: frame rate x sum of log2(codebook size), or as stated.

        Of codebooks that are slower than the frames, each counts at its own rate.
        """
        if self.frame_rate and self.codebook_sizes:
            bits = sum(log2(size) / stride for size, stride in self._books)
            return self.frame_rate * bits / 1000
        return None if self.stated_bps is None else self.stated_bps / 1000

    @property
    def tokens_per_second(self) -> float | None:
        """Codes per second over all codebooks."""
        if not (self.codebook_sizes and self.frame_rate):
            return None
        return self.frame_rate * sum(1 / stride for _, stride in self._books)

    @property
    def latency_ms(self) -> float | None:
        """Algorithmic latency in ms: a frame, and the delay that the adapter removes.

        None of what must have the whole clip, as far as its facts tell, or has no frames.
        """
        if not (self.frame_rate and self.sample_rate) or not (self.causal or self.delay):
            return None
        return 1000 * (1 / self.frame_rate + self.delay / self.sample_rate)

    @property
    def _books(self) -> list[tuple[int, int]]:
        """Size and stride of each codebook."""
        strides = self.codebook_strides or (1,) * len(self.codebook_sizes)
        return list(zip(self.codebook_sizes, strides, strict=True))


@dataclass(frozen=True)
class Encoded:
    """What a codec emitted for one clip.

    Attributes:
        bits: Bits of payload really emitted; None for what is no codec (a filter). A code counts
            log2(codebook size) bits, which need not be whole.
        codes: Integer codes, **Shape** `[K, T]`, for a codec with codebooks. A codebook that is
            slower than the frames holds its code in all frames that it lasts.
        payload: What `decode` needs, private to the adapter.
        length: Samples of the input, at the codec's rate.
        seconds: Seconds of encoding and of decoding, from a codec that does both in one go and
            measures them itself.
    """

    bits: float | None
    length: int
    codes: NDArray[np.int64] | None = None
    payload: Any = field(default=None, repr=False)
    seconds: tuple[float, float] | None = None


O = TypeVar("O", bound=Options)  # noqa: E741


class Codec(ABC, Generic[O]):
    """A codec under test. One object serves many clips.

    The adapter owns padding and delay: what `decode` returns has the length of the input and is
    aligned with it.

    Attributes:
        options_type: The pydantic model of its options.
        uses_device: Whether it runs on the chosen device; others run on the CPU.
        supports_batching: Whether clips of equal `batch_length` may share a batch. Only where that
            was shown to leave the codes unchanged.
        supports_padding: Whether clips of any lengths may, for which the adapter pads the shorter
            ones and takes the padding's codes and sound away again. Only where that was shown, too.
        max_duration_s: The longest clip that it takes in seconds; None for any.
        whole_s: The longest clip in seconds that it codes whole, where longer ones are coded in
            pieces that join as if they were not. Only where that was shown.
    """

    options_type: ClassVar[type[Options]] = Options
    uses_device: ClassVar[bool] = False
    supports_batching: bool = False
    supports_padding: bool = False
    max_duration_s: float | None = None
    whole_s: float | None = None

    def __init__(self, id_: str, label: str, options: O) -> None:
        """Keep the options; load nothing heavy yet."""
        self.id = id_
        self.label = label
        self.options = options

    @classmethod
    def missing(cls) -> str | None:
        """Say which package is missing to use this codec here, and the command that installs it.

        The form is that of `missing_packages`: "CAUSE. To fix: COMMAND".
        """
        return None

    def fetch(self, *, network: bool = True) -> None:
        """Make sure that all is here that the codec needs, its checkpoint included.

        Args:
            network: Whether what is not here may be fetched from the hub.

        Raises:
            Unavailable: Something is missing; the message says what, where it would be taken from,
                and how to get it.
        """
        del network
        refuse_missing(self.missing())

    def check_duration(self, seconds: float) -> None:
        """Refuse a clip that is longer than `max_duration_s`.

        Raises:
            CodecError: It is.
        """
        if self.max_duration_s and seconds > self.max_duration_s:
            raise CodecError(
                f"the clip lasts {seconds:.1f} s; this codec takes at most "
                f"{self.max_duration_s:.0f} s at a time"
            )

    def is_long(self, seconds: float) -> bool:
        """Whether a clip is coded in pieces, and then alone."""
        return self.whole_s is not None and seconds > self.whole_s

    def batch_length(self, samples: int) -> int:
        """The length in samples that a clip of `samples` samples is coded as.

        Called while the codec is loaded. By default the clip's own; a codec that pads clips to
        whole frames says so here, and clips of as many frames share a batch.
        """
        return samples

    @property
    def encoding_key(self) -> str | None:
        """Name of the encoding that this codec shares with shallower or deeper ones; None for none.

        Codecs of one name differ only in how many of the first codebooks they keep, so the deepest
        encodes for all of them.
        """
        return None

    @property
    @abstractmethod
    def spec(self) -> CodecSpec:
        """The codec's facts. Raises `CodecError` where they cannot be known."""

    def load(self, device: str) -> None:
        """Get ready to encode on `device` ("cpu" or "cuda"); called once, before the first clip."""
        del device

    def unload(self) -> None:
        """Free the memory that `load` took; called after the last clip."""

    @abstractmethod
    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips.

        Args:
            batch: Clips, each **Shape** `[T]`, at the codec's rate; one alone, unless the codec
                supports more.
            rate: Their sample rate in Hz: `spec.sample_rate`, or the clip's own where that is None.

        Raises:
            CodecError: The codec cannot encode this clip.
        """

    @abstractmethod
    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips to sounds of their input's length, each **Shape** `[T]`.

        Raises:
            CodecError: The codec cannot decode this clip.
        """

    def dequantize(self, codes: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """The vectors that a decoder makes its sound of: the sum of the codebooks' entries.

        Called while the codec is loaded.

        Args:
            codes: **Shape** `[K, T]`.

        Returns:
            **Shape** `[D, T]`; None for a codec that does not show them.
        """
        del codes
        return None


def refuse_missing(reason: str | None) -> None:
    """Refuse where packages are missing.

    Args:
        reason: What `Codec.missing` says.

    Raises:
        Unavailable: There is a reason; it has the cause and the command.
    """
    if reason:
        cause, _, command = reason.partition(". To fix: ")
        raise Unavailable(reason, cause, command)


def from_codes(
    codes: NDArray[np.int64], sizes: Sequence[int], length: int, strides: Sequence[int] = ()
) -> Encoded:
    """Wrap the codes of a codec with codebooks.

    Args:
        codes: **Shape** `[K, T]`.
        sizes: Entries of each of the K codebooks.
        length: Samples of the input, at the codec's rate.
        strides: Frames that a code of each codebook lasts; 1 by default.

    Raises:
        CodecError: The codes have another shape.
    """
    if fault := shape_fault(codes, sizes):
        raise CodecError(f"codes {fault}")
    frames = codes.shape[1]
    lasting = zip(sizes, strides or (1,) * len(sizes), strict=True)
    bits = sum(-(-frames // stride) * log2(size) for size, stride in lasting)
    return Encoded(bits, length, codes)


def trim_delay(decoded: Samples, delay: int, length: int) -> Samples:
    """Drop `delay` samples at the start, then cut or pad the end to `length` samples."""
    return fit(decoded[delay:], length)
