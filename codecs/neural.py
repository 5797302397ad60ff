"""What neural codecs share: finding and loading a checkpoint, and batches of tensors in and out."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples, fit
from almbench.codecs import revisions
from almbench.codecs.base import Checkpoint, Codec, CodecSpec, Encoded, Options, from_codes
from almbench.codecs.checkpoints import Files, find
from almbench.codecs.facts import Facts
from almbench.codecs.rows import Rows
from almbench.codecs.tensors import (
    Dtype,
    allow_tf32,
    fetch,
    keep_memory,
    keep_sizes_on_host,
    pack,
    precision,
    round_up,
    send,
)
from almbench.errors import Unavailable, UserError
from almbench.packages import installed_version, missing_packages

if TYPE_CHECKING:
    from torch import Tensor, nn


class NeuralOptions(Options):
    """Options of every neural codec.

    Attributes:
        checkpoint: Hub id, or a local folder or weights file.
        revision: Commit, branch or tag on the hub; empty for the commit that almbench knows, or
            else "main".
        num_codebooks: How many of the codebooks are used; 0 for all.
        dtype: float32; or, which is faster and another codec to the results, tf32 (float32 whose
            products a GPU rounds to 10 bits) or bfloat16 (by PyTorch's automatic mixed precision).
    """

    checkpoint: str
    revision: str = ""
    num_codebooks: int
    dtype: Dtype = "float32"


O = TypeVar("O", bound=NeuralOptions)  # noqa: E741


class NeuralCodec(Codec[O]):
    """A codec whose model runs in PyTorch.

    Everything runs in evaluation mode, and in float32 unless an option says otherwise. Clips are at
    most 30 s long, unless the codec says otherwise: memory grows with the length (20 to 75 MB per
    second and clip), and coding in pieces would change the results of most.

    A subclass gives the class attributes below, `_facts`, `_load`, `_encode` and `_decode`.

    Attributes:
        family: Name of the kind of codec.
        published: Checkpoints that are known, by hub id.
        file_names: Files of a checkpoint, the weights last.
        packages: Packages that are imported.
        extra: The extra of almbench that installs them.
        pads: Whether clips are padded with zeros to whole frames first; False for a model that does
            that its own way.
        licenses: Licence of the code, and of the weights.
    """

    uses_device = True
    max_duration_s: float | None = 30.0
    family: ClassVar[str]
    published: ClassVar[Mapping[str, Facts]]
    file_names: ClassVar[tuple[str, ...]]
    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str] = "neural"
    pads: bool = True
    causal: ClassVar[bool | None] = None
    licenses: ClassVar[tuple[str, str]]

    _model: Any = None
    _loaded: Facts
    _device: str

    @classmethod
    def missing(cls) -> str | None:
        """Say which packages are missing."""
        return missing_packages(("torch", *cls.packages), f"'almbench[{cls.extra}]'")

    def fetch(self, *, network: bool = True) -> None:
        """Make sure that the packages and the checkpoint are here.

        Raises:
            Unavailable: Something is missing.
            UserError: The checkpoint has fewer codebooks than were asked for.
        """
        super().fetch(network=network)
        self._depth(self._facts(self.files(network=network)))

    def files(self, *, network: bool) -> Files:
        """Find the checkpoint's files.

        Raises:
            Unavailable: They are not here, and may not or cannot be fetched.
        """
        source = self.options.checkpoint
        return find(source, self._revision, self.file_names, network=network)

    @property
    def _revision(self) -> str:
        return self.options.revision or revisions.of(self.options.checkpoint)

    @property
    def encoding_key(self) -> str | None:
        """Codecs of one checkpoint nest: each codebook codes what the ones before it left."""
        checkpoint = self.spec.checkpoint or Checkpoint(source=self.options.checkpoint)
        named = self.family, checkpoint.source, checkpoint.revision, checkpoint.sha256
        return " ".join((*named, self._variant)).rstrip()

    @property
    def _variant(self) -> str:
        """What the options make of the model; empty for the model as it is."""
        return "" if self.options.dtype == "float32" else self.options.dtype

    @property
    def spec(self) -> CodecSpec:
        """Facts of the checkpoint; while it is not here, as published, or none."""
        facts: Facts | None
        try:
            files = self.files(network=False)
            facts, checkpoint = self._facts(files), files.checkpoint
        except Unavailable:
            facts = self.published.get(self.options.checkpoint)
            checkpoint = Checkpoint(source=self.options.checkpoint, revision=self._revision)
        depth = self._depth(facts) if facts else self.options.num_codebooks
        return CodecSpec(
            id=self.id,
            label=f"{self.label} ({self._variant})" if self._variant else self.label,
            family=self.family,
            sample_rate=facts.sample_rate if facts else None,
            frame_rate=facts.frame_rate if facts else None,
            codebook_sizes=(facts.codebook_size,) * depth if facts else (),
            codebook_strides=facts.strides if facts else (),
            causal=self.causal if facts is None or facts.causal is None else facts.causal,
            parameters=facts.parameters if facts else None,
            checkpoint=checkpoint,
            license=self.licenses[0],
            weights_license=_license(checkpoint, self.licenses[1]),
            settings={
                "num_codebooks": depth,
                "dtype": self.options.dtype,
                **{name: _release(name) for name in ("torch", *self.packages)},
                **(facts.settings if facts else {}),
            },
        )

    def load(self, device: str) -> None:
        """Load the model.

        Raises:
            Unavailable: The files are not here, the weights do not fit the model, or the device
                has no TF32.
        """
        allow_tf32(self.options.dtype, device)
        files = self.files(network=False)
        self._loaded = self._facts(files)
        # Moved before its first use: some models keep a copy of their codebooks from then on.
        self._model = self._load(files).eval().float().to(device)
        keep_sizes_on_host(self._model)
        self._device = device
        if device == "cpu":
            keep_memory(kept=True)

    def unload(self) -> None:
        """Free the model."""
        held, self._model = self._model is not None and self._device == "cpu", None
        if held:
            keep_memory(kept=False)

    def batch_length(self, samples: int) -> int:
        """The length of a clip in samples, padded to whole frames if the codec `pads`."""
        return self._frames(samples) * self._loaded.hop if self.pads else samples

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips of equal `batch_length`, or any that `supports_padding`; each `[T]`."""
        import torch

        if len(batch) > 1 and self.is_long(max(map(len, batch)) / rate):
            return [self.encode([samples], rate)[0] for samples in batch]
        lengths = [self.batch_length(len(samples)) for samples in batch]
        sounds = self._sounds(batch)
        with torch.inference_mode(), self._precision(), self._apart(lengths, sounds.shape[-1]):
            made = fetch(self._encode(sounds)).astype(np.int64)
        depth = self._depth(self._loaded)
        sizes = [self._loaded.codebook_size] * depth
        frames = [self._frames(len(one)) if self.supports_padding else None for one in batch]
        return [
            from_codes(one[:depth, :count], sizes, len(sound), self._loaded.strides)
            for one, sound, count in zip(made, batch, frames, strict=True)
        ]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips that could be encoded together, of a depth that may be less than this's."""
        import torch

        if len(batch) > 1 and self.is_long(max(item.length for item in batch) / rate):
            return [self.decode([item], rate)[0] for item in batch]
        codes = [item.codes for item in batch if item.codes is not None]
        lengths = [one.shape[1] for one in codes]
        width = self._width(max(lengths), 1)
        padded = np.stack([np.pad(one, ((0, 0), (0, width - one.shape[1]))) for one in codes])
        with torch.inference_mode(), self._precision(), self._apart(lengths, width) as rows:
            decoded = fetch(self._decode(send(padded, self._device)))
        ends = rows.at(decoded.shape[1]) if rows else [decoded.shape[1]] * len(batch)
        return [
            fit(one[: min(end, item.length)].astype(np.float64), item.length)
            for one, end, item in zip(decoded, ends, batch, strict=True)
        ]

    def _apart(self, lengths: Sequence[int], width: int) -> "AbstractContextManager[Rows | None]":
        """Let each row of a batch of `width` columns end where its clip ends."""
        del lengths, width
        return nullcontext()

    def _precision(self) -> AbstractContextManager[Any]:
        return precision(self.options.dtype, self._device)

    def _frames(self, samples: int) -> int:
        return -(-samples // self._loaded.hop)

    def _sounds(self, batch: list[Samples]) -> "Tensor":
        """What the model hears of clips, padded with zeros to the longest or more: `[B, 1, T]`."""
        longest = max(self.batch_length(len(samples)) for samples in batch)
        return pack(batch, self._width(longest, self._loaded.hop), self._device)

    def _width(self, longest: int, frame: int) -> int:
        """How many columns a batch gets of `frame` a frame: on a GPU, few different numbers."""
        import torch

        planned = self._device != "cpu" and torch.backends.cudnn.enabled
        if not planned or not self.supports_padding:
            return longest
        frames = round_up(-(-longest // frame))
        most_s = self.whole_s or self.max_duration_s or 0.0
        return frames * frame if frames <= most_s * self._loaded.frame_rate else longest

    def _depth(self, facts: Facts) -> int:
        """How many codebooks to use. Raises `UserError` where the checkpoint has no such number."""
        books, depth = facts.codebooks, self.options.num_codebooks or facts.codebooks
        if depth not in facts.allowed_depths:
            raise UserError(
                f"Codec '{self.id}': options.num_codebooks = {depth}, but "
                f"'{self.options.checkpoint}' has {books} codebooks. Allowed: "
                f"{', '.join(map(str, facts.depths)) or f'1 to {books}'}."
            )
        return depth

    def dequantize(self, codes: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """The sum of the codebooks' entries, **Shape** `[D, T]`, for codes `[K, T]`."""
        import torch

        with torch.inference_mode():
            vectors = self._dequantize(torch.from_numpy(codes)[None].to(self._device))
        return None if vectors is None else vectors[0].cpu().numpy().astype(np.float64)

    def _dequantize(self, codes: "Tensor") -> "Tensor | None":
        """Turn `[B, K, T']` into vectors `[B, D, T']`; None for a model that does not show them."""
        del codes
        return None

    @abstractmethod
    def _facts(self, files: Files) -> Facts:
        """Read the facts without loading the weights. Raises `Unavailable`."""

    @abstractmethod
    def _load(self, files: Files) -> "nn.Module":
        """Make the model with its weights, on the CPU. Raises `Unavailable`."""

    @abstractmethod
    def _encode(self, sounds: "Tensor") -> "Tensor":
        """Encode `[B, 1, T]` to integers `[B, K, T']`, with the codebooks in use or more."""

    @abstractmethod
    def _decode(self, codes: "Tensor") -> "Tensor":
        """Decode `[B, K, T']` to `[B, T'']`; K may be less than `num_codebooks`."""


def _release(package: str) -> str | None:
    """Version of an installed package, without the suffix that names the build, as "+cpu"."""
    found = installed_version(package)
    return found and found.partition("+")[0]


def _license(checkpoint: Checkpoint, published: str) -> str:
    """Licence of the weights; whose local ones are, nobody can tell."""
    if checkpoint.sha256 and not checkpoint.revision:
        return f"not known, as they are local (of the published ones: {published})"
    return published
