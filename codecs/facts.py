"""What is known of a checkpoint of a neural codec."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2


@dataclass(frozen=True)
class Facts:
    """What a checkpoint is.

    Attributes:
        sample_rate: Rate in Hz.
        hop: Samples per frame.
        codebook_size: Entries of each codebook.
        codebooks: Codebooks there are; a codec may use the first few. None of a model whose frames
            are real numbers.
        parameters: Learned parameters; codebooks that the model keeps as buffers do not count.
        depths: How many codebooks the model was trained to do with; empty for any number.
        strides: Frames that a code of each codebook lasts; empty where that is one.
        overlap: Share of a chunk that the next one codes again, of a model that works in chunks.
        causal: Whether it needs no future sound, where that is the checkpoint's and not the kind's.
        settings: What else of the checkpoint makes the sound what it is, for the codec's settings.
    """

    sample_rate: int
    hop: int
    codebook_size: int
    codebooks: int
    parameters: int | None = field(default=None, compare=False)
    depths: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    overlap: float = 0.0
    causal: bool | None = None
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def frame_rate(self) -> float:
        """Frames that a second of sound makes."""
        return self.sample_rate / self.hop / (1 - self.overlap)

    @property
    def allowed_depths(self) -> Sequence[int]:
        """How many codebooks may be used."""
        return self.depths or range(1, self.codebooks + 1)

    @property
    def kbps_a_codebook(self) -> float:
        """Bitrate of one codebook in kbps, as authors count it: without overlap."""
        return log2(self.codebook_size) * self.sample_rate / self.hop / 1000
