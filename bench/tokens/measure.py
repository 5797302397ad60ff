"""What a token measure is: what it is given (`TokenSet`), and how it is called (`Measure`)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Sound
from almbench.codecs.base import Codec, from_codes
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.results.probes import ProbeValue
from almbench.statistics.clusters import Numbers, number_clusters
from almbench.statistics.tokens import Codes

Floats = NDArray[np.float64]

NO_CODEC = "the codec was given as files alone, so it cannot be run"
NO_VECTORS = "the codec does not show its dequantised vectors"


@dataclass(frozen=True)
class LabelledClip:
    """A clip of a test set with what is known of it.

    Attributes:
        id: Its id.
        cluster: What clips share that are not independent; empty for an independent one.
        labels: Column -> label, such as speaker -> p225; empty labels are left out.
        duration_s: Duration of the original in seconds; None where unknown.
    """

    id: str
    cluster: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    duration_s: float | None = None


@dataclass(frozen=True)
class ClipSet:
    """Clips of a test set and their sound.

    Attributes:
        testset: Name of the test set.
        clips: The clips, in order.
        read_sound: Reads the original of the clip of an id; None where there is no sound.
        sound_hash: Hash of all originals.
    """

    testset: str
    clips: tuple[LabelledClip, ...]
    read_sound: Callable[[str], Sound] | None = None
    sound_hash: str = ""

    @cached_property
    def clusters(self) -> Numbers:
        """The number of each clip's cluster, **Shape** `[N]`."""
        return number_clusters([clip.cluster for clip in self.clips])

    def labels(self, target: str) -> list[str]:
        """The label of each clip in a column; empty where a clip has none."""
        return [clip.labels.get(target, "") for clip in self.clips]

    @property
    def columns(self) -> list[str]:
        """The columns in which any clip has a label, in order."""
        return list(dict.fromkeys(name for clip in self.clips for name in clip.labels))

    def only(self, ids: Collection[str]) -> "ClipSet":
        """The same with some of the clips."""
        return replace(self, clips=tuple(clip for clip in self.clips if clip.id in ids))


@dataclass(frozen=True)
class TokenSet:
    """The codes of a test set by a codec.

    Attributes:
        clipset: The clips that there are codes of, and their sound.
        codec: Id of the codec.
        codes: Codes of each clip, integers of **Shape** `[K, T]`, `T >= 0`, in the order of clips;
            of a codec without codebooks `[0, 0]`.
        sizes: Entries of each of the K codebooks.
        frame_rate: Frames per second in Hz; None where unknown.
        open_codec: Loads the codec for a `with` block, on the device of the command; None where it
            cannot be loaded here.
        no_codec: Why it cannot.
        codec_hash: Hash of the codec's facts.
        dequantize: Makes the dequantised vectors of all clips, each **Shape** `[D, T]`, in their
            order, or None for a codec that does not show them; None where it cannot be loaded.
        strides: Frames that a token of each codebook lasts, held in each of them; empty where 1.
    """

    clipset: ClipSet
    codec: str
    codes: tuple[Codes, ...]
    sizes: tuple[int, ...]
    frame_rate: float | None = None
    open_codec: Callable[[], AbstractContextManager[Codec[Any]]] | None = None
    no_codec: str = ""
    codec_hash: str = ""
    dequantize: Callable[[], list[Floats] | None] | None = None
    strides: tuple[int, ...] = ()

    @property
    def books(self) -> int:
        """K, the number of codebooks."""
        return len(self.sizes)

    def seconds(self, i: int) -> float | None:
        """Seconds of sound that clip `i` stands for: of the original, else by the frame rate."""
        clip = self.clipset.clips[i]
        if clip.duration_s is not None:
            return clip.duration_s
        return self.codes[i].shape[1] / self.frame_rate if self.frame_rate else None

    def vectors(self) -> list[Floats]:
        """The dequantised vectors of all clips, each **Shape** `[D, T]`, in their order.

        Raises:
            MetricUndefined: The codec cannot be run here, or does not show them.
        """
        vectors = self.dequantize() if self.dequantize else None
        if vectors is None:
            raise MetricUndefined(self.no_codec or NO_VECTORS)
        return vectors

    def decode(self, codec: Codec[Any], codes: Codes, frame_rate: float) -> Sound:
        """Decode codes by the codec.

        Args:
            codec: The codec, loaded.
            codes: **Shape** `[K, T]`.
            frame_rate: Frames per second in Hz.

        Raises:
            MetricUndefined: The codec does not say at which rate it decodes.
        """
        rate = codec.spec.sample_rate
        if rate is None:
            raise MetricUndefined("the codec does not say at which rate it decodes")
        length = round(codes.shape[1] * rate / frame_rate)
        [samples] = codec.decode([from_codes(codes, self.sizes, length, self.strides)], rate)
        return Sound(samples, rate)


@dataclass(frozen=True)
class Effort:
    """What a computation may rest on besides its input.

    Attributes:
        seed: Seed of all that is drawn. The same seed gives the same values.
        device: cpu or cuda.
    """

    seed: int = 0
    device: str = "cpu"


USUAL = Effort()
S = TypeVar("S", bound=Settings)


class Measure(ABC, Generic[S]):
    """A way to look at the codes of a test set.

    Attributes:
        name: Its name, such as "probe", also on the command line.
        version: What defines its values; to be raised when they change.
        settings_type: The pydantic model of its settings.
        uses_sound: Whether it hears the originals.
        uses_codec: Whether it loads the codec.
        needs_codes: Whether it says nothing of a codec without codebooks.
        takes_labels: Whether it is computed once for each column of labels. Else `target` is empty.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    settings_type: ClassVar[type[Settings]] = Settings
    uses_sound: ClassVar[bool] = False
    uses_codec: ClassVar[bool] = False
    needs_codes: ClassVar[bool] = True
    takes_labels: ClassVar[bool] = False

    def __init__(self, settings: S) -> None:
        """Keep the settings; load nothing heavy yet."""
        self.settings = settings

    def missing(self) -> str | None:
        """Say which package is missing to compute it here, and the command that installs it."""
        return None

    def targets(self, clips: ClipSet, asked: Sequence[str]) -> list[str]:
        """What it is computed for, one after the other.

        Args:
            clips: The clips of a test set.
            asked: Columns of labels that the user named; empty for the measure's own choice.
        """
        if not self.takes_labels:
            return [""]
        return [name for name in asked or clips.columns if any(clips.labels(name))]

    @abstractmethod
    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Compute the values for a codec.

        Args:
            tokens: Its codes.
            target: The column of labels; empty for a measure that takes none.
            effort: Seed, budget and device.

        Returns:
            The values; one that cannot be had is None with a reason.

        Raises:
            MetricUndefined: Nothing can be computed, with the reason.
        """

    def baseline(self, clips: ClipSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Compute the same from plain features of the originals' sound, to compare with.

        A value of a codec has the one of equal `measure` and `input` beside it.

        Args:
            clips: The clips and their sound.
            target: The column of labels; empty for a measure that takes none.
            effort: Seed, budget and device.

        Returns:
            The values; none for a measure without a baseline.

        Raises:
            MetricUndefined: Nothing can be computed, with the reason.
        """
        del clips, target, effort
        return []
