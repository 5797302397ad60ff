"""Codecs that the library transformers has, from any checkpoint of theirs: one adapter for all."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field, model_validator

from almbench.audio import Samples, fit
from almbench.codecs.base import CodecSpec, Encoded, from_codes, refuse_missing
from almbench.codecs.checkpoints import Files, read_config
from almbench.codecs.encodec_chunks import SCALE_BITS, Chunks
from almbench.codecs.facts import Facts
from almbench.codecs.neural import NeuralCodec, NeuralOptions
from almbench.codecs.rows import Rows
from almbench.codecs.tensors import fetch
from almbench.codecs.transformers_model import TRANSFORMERS, Latents, Model
from almbench.codecs.transformers_models import MODELS, kind_of
from almbench.errors import CodecError, Unavailable, UserError
from almbench.packages import missing_packages

if TYPE_CHECKING:
    from torch import Tensor, nn

UNKNOWN = "licence of the checkpoint not known"
NEAR = 0.05  # how far from a bandwidth that was asked for the bitrate may be


class TransformersOptions(NeuralOptions):
    """Options of a codec of transformers.

    Attributes:
        checkpoint: Hub id, or a local folder or weights file.
        num_codebooks: Codebooks used; 0 for all.
        bandwidth: Bitrate in kbps, in place of `num_codebooks`: that of the codebooks which come
            nearest to it, 5 % off at most.
    """

    num_codebooks: int = Field(default=0, ge=0)
    bandwidth: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_of_two(self) -> "TransformersOptions":
        if self.bandwidth and self.num_codebooks and "num_codebooks" in self.model_fields_set:
            raise ValueError("give num_codebooks or bandwidth, not both")
        return self


O = TypeVar("O", bound=TransformersOptions)  # noqa: E741


class TransformersCodec(NeuralCodec[O]):
    """Any codec of transformers that `MODELS` knows; the checkpoint's configuration says which."""

    options_type: ClassVar[type[TransformersOptions]] = TransformersOptions
    family = "transformers"
    file_names = ("config.json", "model.safetensors")
    packages = ("transformers",)
    licenses = (TRANSFORMERS, UNKNOWN)
    published: ClassVar[dict[str, Facts]] = {
        id_: known for kind in MODELS.values() for id_, known in kind.published.items()
    }

    _kind: Model

    def fetch(self, *, network: bool = True) -> None:
        """Make sure that the packages and the checkpoint are here.

        Raises:
            Unavailable: Something is missing.
            UserError: The checkpoint has no such number of codebooks.
        """
        if known := self.published.get(self.options.checkpoint):
            self._depth(known)
        super().fetch(network=network)
        kind = MODELS[self._kind_of(self.files(network=network))]
        refuse_missing(missing_packages(kind.packages, " ".join(kind.packages)))

    @property
    def spec(self) -> CodecSpec:
        """Facts of the checkpoint; while it is not here, as published, or none."""
        spec = super().spec
        source = self.options.checkpoint
        try:
            name = self._kind_of(self.files(network=False))
        except Unavailable:
            named = [name for name, kind in MODELS.items() if source in kind.published]
            if not named:
                return spec
            name = named[0]
        kind = MODELS[name]
        return spec.model_copy(
            update={
                "family": name,
                "causal": kind.causal,
                "license": kind.licenses[0],
                "weights_license": spec.weights_license.replace(UNKNOWN, kind.licenses[1]),
                "settings": {**spec.settings, **kind.settings},
            }
        )

    def load(self, device: str) -> None:
        """Load the model.

        Raises:
            Unavailable: The files are not here, or the weights do not fit the model.
        """
        files = self.files(network=False)
        self._kind, config = MODELS[self._kind_of(files)], read_config(files.paths["config.json"])
        self.pads, self.supports_batching = self._kind.pads, self._kind.supports_batching
        self.supports_padding = self._kind.supports_padding
        if whole_s := self._kind.codes_whole(config):
            self.whole_s, self.max_duration_s = whole_s, None
        super().load(device)

    @property
    def encoding_key(self) -> str | None:
        """As other codecs of one checkpoint; none where codes alone make no sound."""
        kind = MODELS.get(self.spec.family)
        return None if kind and kind.chunked else super().encoding_key

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips that may share a batch, each **Shape** `[T]`; one alone where none may."""
        if self._loaded.codebooks and not self._kind.chunked:
            return super().encode(batch, rate)
        import torch

        encoded = []
        depth = self._depth(self._loaded)
        for samples in batch:
            with torch.inference_mode(), self._precision():
                sounds = self._sounds([samples])
                made = self._kind.encode(self._model, sounds, depth, self._loaded)
            encoded.append(self._encoded(made, len(samples), depth))
        return encoded

    def _encoded(self, made: Latents | Chunks, length: int, depth: int) -> Encoded:
        if isinstance(made, Latents):
            return Encoded(None, length, payload=made)
        codes = made.codes.cpu().numpy().astype(np.int64)[:depth]
        encoded = from_codes(codes, [self._loaded.codebook_size] * depth, length)
        bits = (encoded.bits or 0) + SCALE_BITS * len(made.scales)
        return replace(encoded, bits=bits, payload=made)

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips that could be encoded together, of a depth that may be less than this's.

        Raises:
            CodecError: The codes of chunks come without their scales, as from a file.
        """
        if self._loaded.codebooks and not self._kind.chunked:
            return super().decode(batch, rate)
        import torch

        if any(item.payload is None for item in batch):
            raise CodecError("its codes alone make no sound: each chunk's scale is missing")
        decoded = []
        for item in batch:
            coded: Any = item.payload
            gain = 1.0
            if isinstance(coded, Latents):
                coded, gain = coded.frames, coded.gain
            with torch.inference_mode(), self._precision():
                sounds = self._kind.decode(self._model, coded) / gain
                decoded.append(fit(fetch(sounds[0]).astype(np.float64), item.length))
        return decoded

    def _dequantize(self, codes: "Tensor") -> "Tensor | None":
        return self._kind.dequantize(self._model, codes)

    def _depth(self, facts: Facts) -> int:
        """How many codebooks to use. Raises `UserError` where the checkpoint has no such number."""
        wanted = self.options.bandwidth
        if not facts.codebooks:
            if self.options.num_codebooks or wanted:
                raise UserError(
                    f"Codec '{self.id}': '{self.options.checkpoint}' has no codebooks, its frames "
                    "are real numbers. Leave num_codebooks and bandwidth out."
                )
            return 0
        if not wanted:
            return super()._depth(facts)
        allowed, kbps = facts.allowed_depths, facts.kbps_a_codebook
        depth = min(allowed, key=lambda depth: abs(depth * kbps - wanted))
        if abs(depth * kbps / wanted - 1) > NEAR:
            rates = ", ".join(f"{depth * kbps:.4g}" for depth in allowed)
            raise UserError(
                f"Codec '{self.id}': options.bandwidth = {wanted:g}, which "
                f"'{self.options.checkpoint}' does not have. Allowed, in kbps: {rates}."
            )
        return depth

    def _kind_of(self, files: Files) -> str:
        path = files.paths["config.json"]
        kind = kind_of(read_config(path))
        if kind is None or kind not in MODELS:
            what = f"a model of type '{kind}'" if kind else "no model that is named in it"
            raise Unavailable(
                f"{path} is that of {what}, which is no codec known here. "
                f"Known types: {', '.join(MODELS)}. {TO_FIX}"
            )
        return kind

    def _facts(self, files: Files) -> Facts:
        path = files.paths["config.json"]
        kind = MODELS[self._kind_of(files)]
        try:
            facts = kind.read(read_config(path))
        except KeyError as error:
            raise Unavailable(
                f"{path} is no configuration of {kind.class_name}: {error} is missing. {TO_FIX}"
            ) from error
        except (TypeError, IndexError, ValueError, ZeroDivisionError) as error:
            raise Unavailable(
                f"{path} is no configuration of {kind.class_name}: {error}. {TO_FIX}"
            ) from error
        # What is laid out like a published model has as many parameters.
        if known := kind.published.get(self.options.checkpoint):
            return known if known == facts else facts
        alike = [known for known in kind.published.values() if known == facts]
        return alike[0] if len({known.parameters for known in alike}) == 1 else facts

    def _load(self, files: Files) -> "nn.Module":
        transformers = import_transformers()
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        class_ = getattr(transformers, self._kind.class_name)
        try:
            model, report = class_.from_pretrained(
                None,
                config=class_.config_class.from_dict(read_config(files.paths["config.json"])),
                state_dict=load_file(files.weights),
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
            )
        except (SafetensorError, OSError, RuntimeError, ValueError) as error:
            raise self._unfit(files, str(error)) from error
        if missing := sorted(report["missing_keys"]):
            raise self._unfit(files, f"{len(missing)} tensors are missing, as {missing[0]}")
        if mismatched := sorted(report["mismatched_keys"]):
            name, found, expected = mismatched[0]
            shapes = f"{name}, which is {list(found)} and not {list(expected)}"
            raise self._unfit(files, f"{len(mismatched)} tensors are of other shapes, as {shapes}")
        loaded: nn.Module = model
        return loaded

    def _encode(self, sounds: "Tensor") -> "Tensor":
        depth = self._depth(self._loaded)
        codes: Tensor = self._kind.encode(self._model, sounds, depth, self._loaded)
        return codes

    def _decode(self, codes: "Tensor") -> "Tensor":
        return self._kind.decode(self._model, codes)

    def _apart(self, lengths: Sequence[int], width: int) -> "AbstractContextManager[Rows | None]":
        return self._kind.apart(self._model, lengths, width)

    def _unfit(self, files: Files, reason: str) -> Unavailable:
        return Unavailable(
            f"{files.weights} does not hold the weights of the {self._kind.class_name} that its "
            f"config.json describes: {reason.splitlines()[0]}. {TO_FIX}"
        )


TO_FIX = (
    "To fix: take config.json and model.safetensors from one checkpoint, "
    "such as kyutai/mimi or descript/dac_24khz."
)


def import_transformers() -> Any:
    """Import transformers, which imports torchaudio where that is installed."""
    if find_spec("torchaudio"):
        from almbench.torchaudio_import import import_torchaudio

        import_torchaudio()
    import transformers

    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return transformers
