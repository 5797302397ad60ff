"""What a kind of model of the library transformers is: how it is read, fed and decoded."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import ceil, log2
from typing import TYPE_CHECKING, Any, ClassVar

from almbench.codecs.facts import Facts
from almbench.codecs.pieces import in_pieces
from almbench.codecs.rows import Rows

if TYPE_CHECKING:
    from torch import Tensor, nn

TRANSFORMERS = "Apache-2.0 (transformers)"


@dataclass(frozen=True)
class Latents:
    """What a continuous tokenizer makes of a clip: frames of real numbers, no codes.

    Attributes:
        frames: **Shape** `[B, ...]`.
        gain: What the clips were multiplied by first.
    """

    frames: "Tensor"
    gain: float = 1.0


class Model:
    """A kind of model, as the `model_type` of its configuration names it.

    Attributes:
        class_name: Its class in transformers.
        causal: Whether it needs no future sound.
        pads: Whether clips are padded with zeros to whole frames first.
        supports_batching: Whether clips of as many frames may share a batch, or, where the model
            does not pad to whole frames, of equal length.
        supports_padding: Whether clips of any lengths may share a batch, too.
        chunked: Whether it makes `Chunks`, whose codes alone make no sound.
        whole_s: The longest clip in seconds that is coded whole; longer ones are coded in pieces.
            None where none is.
        packages: Packages that it needs besides transformers.
        licenses: Licence of the code, and of the weights by default.
        published: Checkpoints that are known, by hub id.
        settings: What else there is to say of how it is used.
    """

    class_name: ClassVar[str]
    causal: ClassVar[bool] = False
    pads: ClassVar[bool] = True
    supports_batching: ClassVar[bool] = False
    supports_padding: ClassVar[bool] = False
    chunked: ClassVar[bool] = False
    whole_s: ClassVar[float | None] = None
    packages: ClassVar[tuple[str, ...]] = ()
    licenses: ClassVar[tuple[str, str]]
    published: ClassVar[Mapping[str, Facts]]
    settings: ClassVar[Mapping[str, str]] = {}

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts from the file `config.json`. Raises `Unavailable` if it cannot be used."""
        raise NotImplementedError

    def codes_whole(self, config: Mapping[str, Any]) -> float | None:
        """`whole_s` of a model of this configuration; None for one that does not do pieces."""
        del config
        return self.whole_s

    def is_long(self, frames: int, frame_rate: float) -> bool:
        """Whether a clip is coded in pieces."""
        return self.whole_s is not None and frames > ceil(self.whole_s * frame_rate)

    def whole_or_pieces(
        self,
        model: Any,
        part: "nn.Module",
        code: "Callable[[Tensor], Tensor]",
        given: "Tensor",
        columns: tuple[int, int],
        frame_rate: float,
    ) -> "Tensor":
        """Code a clip at once, or, if it is long and the model does pieces, piece by piece.

        The arguments but the first are those of `in_pieces`.
        """
        frames = -(-given.shape[-1] // columns[0])
        if not self.is_long(frames, frame_rate) or not self.codes_whole(model.config.to_dict()):
            return code(given)
        return in_pieces(part, code, given, columns, frame_rate, causal=self.causal)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> Any:
        """Encode `[B, 1, T]` to codes `[B, K, T']`, K >= `depth`; to `Latents` or `Chunks`."""
        raise NotImplementedError

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode codes `[B, K, T']`, latents or chunks to `[B, T'']`."""
        decoded: Tensor = model.decode(coded).audio_values[:, 0]
        return decoded

    def apart(
        self, model: Any, lengths: Sequence[int], width: int
    ) -> "AbstractContextManager[Rows | None]":
        """Let each row of a batch end where its clip ends, where padding does not do that.

        Args:
            model: The model.
            lengths: Columns of each row of what it is given.
            width: The columns of that.
        """
        del model, lengths, width
        return nullcontext()

    def dequantize(self, model: Any, codes: "Tensor") -> "Tensor | None":
        """Turn codes `[B, K, T']` into the sum of their entries `[B, D, T']`; None if not shown."""
        del model, codes
        return None


def kbps_of(depth: int, facts: Facts) -> float:
    """The bandwidth that so many codebooks make, as a configuration lists it."""
    return round(depth * facts.kbps_a_codebook, 6)


def depths_of(bandwidths: list[float], rate: int, hop: int, size: int) -> tuple[int, ...]:
    """How many codebooks each bandwidth in kbps allows."""
    books = {int(1000 * kbps * hop / rate / log2(size) + 1e-9) for kbps in bandwidths}
    return tuple(sorted(books))
