"""What a run writes down: JSON lines, never changed. Every table is a view of these rows."""

import hashlib
import json
import sys
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, model_validator
from pydantic.dataclasses import dataclass

from almbench.names import ORIGINAL, check_file_name
from almbench.privacy import without_folders

SCHEMA_VERSION = 1
Status = Literal["ok", "failed", "skipped", "unavailable"]

# A run has millions of rows: equal names and hashes are one object, and names are checked once.
Name = Annotated[str, AfterValidator(lru_cache(maxsize=2**17)(check_file_name))]
Words = Annotated[str, AfterValidator(lru_cache(maxsize=2**14)(without_folders))]
Hash = Annotated[str, AfterValidator(sys.intern)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What all rows share.

    Attributes:
        testset: Name of the test set.
        status: ok, failed, skipped or unavailable.
        reason: Why there is no value; empty for ok.
        signature: Hash of all that can change the result.
    """

    file: ClassVar[str]

    testset: Name
    status: Status
    reason: Words = ""
    signature: str

    @property
    def key(self) -> tuple[str, ...]:
        """What the row is about; a later row with the same key replaces an earlier one."""
        return (self.testset,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOfClip(Row):
    """What all rows of a clip share.

    Attributes:
        clip: Id of the clip.
    """

    clip: Name

    @property
    def key(self) -> tuple[str, ...]:
        """Test set and clip."""
        return self.testset, self.clip


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalRow(RowOfClip):
    """A clip, taken into the run folder.

    Attributes:
        duration_s: Duration in seconds.
        rate: Sample rate in Hz.
        channels: Channels of the source.
        bit_depth: Bits per sample of the stored FLAC file.
        gain: What all versions of the clip are multiplied by, so that an original beyond full scale
            is not clipped; 1 for all others.
        note: What to know of an original that is ok.
        samples_sha256: Hash of the mono samples and their rate, before the gain.
        audio_sha256: Hash of the stored FLAC file.
    """

    file = "originals"

    duration_s: float | None = None
    rate: int | None = None
    channels: int | None = None
    bit_depth: int = 16
    gain: float = 1.0
    note: Words = ""
    samples_sha256: str = ""
    audio_sha256: Hash = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructionRow(RowOfClip):
    """A clip through a codec.

    Attributes:
        codec: Id of the codec.
        note: What to know of a reconstruction that is ok.
        rate: Sample rate of the stored FLAC in Hz.
        bits: Payload bits that the codec emitted.
        encode_s: Seconds of encoding.
        decode_s: Seconds of decoding.
        clipped: Samples beyond full scale.
        audio_sha256: Hash of the stored FLAC file.
        device: What it ran on.
        batch: How many clips shared the call; the seconds are a clip's share by its duration.
        encoded_with: The deeper codec whose encoding this one shares, if it does.
    """

    file = "reconstructions"

    codec: Name
    note: Words = ""
    rate: int | None = None
    bits: float | None = None
    encode_s: float | None = None
    decode_s: float | None = None
    clipped: int = 0
    audio_sha256: Hash = ""
    device: str = ""
    batch: int = 1
    encoded_with: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Test set, clip and codec."""
        return self.testset, self.clip, self.codec


def unchanged(row: OriginalRow) -> ReconstructionRow:
    """An original as a reconstruction of itself, for metrics that look at one sound alone."""
    return ReconstructionRow(
        testset=row.testset,
        clip=row.clip,
        codec=ORIGINAL,
        status=row.status,
        reason=row.reason,
        signature=row.signature,
        rate=row.rate,
        audio_sha256=row.audio_sha256,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow(RowOfClip):
    """A metric of a clip through a codec.

    Attributes:
        codec: Id of the codec; "original" where the original itself was scored.
        metric: Name of the metric.
        value: The value; None for none.
        seconds: Seconds of computing it.
        audio_sha256: Hash of the reconstruction it was computed from.
        final: Whether a row that failed would fail again, so that it is not computed again.
    """

    file = "scores"

    codec: Name
    metric: str
    value: float | None = None
    seconds: float = 0.0
    audio_sha256: Hash = ""
    final: bool = False

    @model_validator(mode="after")
    def _ok_has_a_value(self) -> Self:
        if self.status == "ok" and (self.value is None or not isfinite(self.value)):
            raise ValueError("a row that is ok has a finite value")
        return self

    @property
    def key(self) -> tuple[str, ...]:
        """Test set, clip, codec and metric."""
        return self.testset, self.clip, self.codec, self.metric


def signature(*parts: Any) -> str:
    """Hash whatever can change a result: 16 hexadecimal digits of the SHA-256 of canonical JSON."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
