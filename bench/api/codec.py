"""A codec to encode and decode with, one sound at a time."""

from collections.abc import Sequence
from dataclasses import replace
from math import isclose
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from almbench.arrays import SoundLike, to_sound
from almbench.audio import (
    Samples,
    Sound,
    as_original,
    fit,
    read,
    resample,
    write_flac,
    write_wav,
)
from almbench.codecs.base import Codec, CodecSpec, Encoded, from_codes
from almbench.codecs.code_faults import codes_fault
from almbench.codecs.codes_file import CodesFacts, read_codes, read_facts, write_codes
from almbench.codecs.registry import make_codec
from almbench.devices import choose
from almbench.errors import CodecError, UserError

SLACK = 2  # frames by which a clip may last longer than its codes


class LoadedCodec:
    """A codec that is loaded. Use it as a context manager, or call `close` to free its memory.

    Attributes:
        codec: The adapter.
        spec: The codec's facts.
        sample_rate: Rate in Hz of what `decode` gives; None for a codec that takes any rate, whose
            output has the rate of its input.
    """

    def __init__(self, codec: Codec[Any], device: str) -> None:
        """Load the codec.

        Args:
            codec: The adapter; its checkpoint is fetched if need be.
            device: auto, cpu or cuda.

        Raises:
            Unavailable: Something that the codec needs is missing.
        """
        codec.fetch()
        self.codec = codec
        self.spec: CodecSpec = codec.spec
        self.sample_rate = self.spec.sample_rate
        kind = choose(device, used=codec.uses_device).kind if codec.uses_device else "cpu"
        codec.load(kind)

    def encode(self, sound: SoundLike, sample_rate: int | None = None) -> Encoded:
        """Encode a sound, which is first made mono and resampled to the codec's rate.

        Args:
            sound: Samples, **Shape** `[T]` or `[C, T]`, or a file.
            sample_rate: Sample rate of samples in Hz; a file has its own.

        Returns:
            What the codec emitted: `codes`, **Shape** `[K, T']` of K codebooks and T' frames, for a
            codec that has codebooks; and `bits` of payload.

        Raises:
            AudioError: A file cannot be read.
            CodecError: The codec cannot encode this sound.
            UserError: Samples are not sound, or have no sample rate.
        """
        given = to_sound(sound, sample_rate, "the sound")
        rate = self.sample_rate or given.rate
        (encoded,) = self.codec.encode([resample(given.samples, given.rate, rate)], rate)
        return encoded

    def decode(
        self, encoded: Encoded | NDArray[np.integer[Any]], sample_rate: int | None = None
    ) -> Samples:
        """Decode what `encode` gave, or codes alone.

        Args:
            encoded: What `encode` gave, or integer codes, **Shape** `[K, T']`; with fewer codebooks
                than the codec has, only where it can do without the rest.
            sample_rate: Sample rate of the input in Hz, for a codec that takes any rate.

        Returns:
            Samples at the codec's rate, **Shape** `[T]`, as long as the input was, or as the codes
            last.

        Raises:
            CodecError: The codec cannot decode this.
            UserError: Codes of another shape, or for a codec without codebooks.
        """
        rate = self.sample_rate or sample_rate
        if rate is None:
            raise UserError(
                f"Codec '{self.spec.id}' takes any sample rate: give sample_rate in Hz."
            )
        held = encoded if isinstance(encoded, Encoded) else self._from_codes(encoded, rate)
        (samples,) = self.codec.decode([held], rate)
        return samples

    def reconstruct(self, sound: SoundLike, sample_rate: int | None = None) -> Samples:
        """Encode and decode a sound; samples of its length, at its own rate, **Shape** `[T]`."""
        given = to_sound(sound, sample_rate, "the sound")
        rate = self.sample_rate or given.rate
        decoded = self.decode(self.encode(given.samples, given.rate), rate)
        return fit(resample(decoded, rate, given.rate), len(given.samples))

    def encode_file(self, sound: str | Path, codes: str | Path) -> Encoded:
        """Encode a sound file and write its codes, as a run stores both.

        A sound beyond full scale is brought within it by one gain first, as a run's originals are.

        Args:
            sound: The sound file.
            codes: The file to write, `.npz`, with the array `codes` and `CodesFacts`.

        Raises:
            AudioError: The sound cannot be read.
            CodecError: The codec cannot encode it, or has no codebooks.
        """
        given = read(Path(sound))
        self.codec.check_duration(given.seconds)
        samples, _, bit_depth = as_original(given.samples)
        rate = self.sample_rate or given.rate
        encoded = self.encode(samples, given.rate)
        if encoded.codes is None:
            raise CodecError(f"codec '{self.spec.id}' has no codebooks, so there are no codes")
        facts = CodesFacts.of(self.spec, rate, encoded.length, bit_depth)
        write_codes(Path(codes), encoded.codes, facts)
        return encoded

    def decode_file(self, codes: str | Path, sound: str | Path) -> Sound:
        """Decode a file of codes and write the sound: the samples that a run stores.

        Args:
            codes: The file of codes, `.npz`, as `encode_file` or a run wrote it, or with `codes`
                alone.
            sound: The file to write, `.wav` or `.flac`, at the codec's rate.

        Raises:
            AudioError: FLAC has no such rate.
            CodecError: The codes cannot be read, or are not of this codec.
            UserError: The codec has no codebooks, or takes any sample rate and the file says none.
        """
        source, target = Path(codes), Path(sound)
        facts = read_facts(source)
        if fault := self._origin_fault(facts):
            raise CodecError(f"its codes were made {fault}")
        rate, sizes = self.sample_rate or facts.sample_rate, self.spec.codebook_sizes
        if not (rate and sizes):
            raise UserError(f"Codec '{self.spec.id}' decodes no codes from a file.")
        held = self._from_codes(read_codes(source, sizes), rate)
        if facts.length is not None and facts.sample_rate == rate:
            if facts.length > held.length + SLACK * rate / (self.spec.frame_rate or 1):
                raise CodecError(
                    f"it says length = {facts.length} samples, but its frames last {held.length}"
                )
            held = replace(held, length=facts.length)
        samples = self.decode(held, rate)
        if not np.isfinite(samples).all():
            raise CodecError("the sound holds NaN or infinite samples")
        write = write_flac if target.suffix.lower() == ".flac" else write_wav
        write(target, samples, rate, 24 if (facts.bit_depth or 16) > 16 else 16)
        return Sound(samples, rate)

    def _origin_fault(self, facts: CodesFacts) -> str:
        """Say by what else codes were made than by this codec; empty where by it, or unknown."""
        own = CodesFacts.of(self.spec, 1, 1, 16)
        weights = facts.weights, own.weights
        if all(weights) and facts.weights != own.weights:
            theirs, ours = (f" (weights {sha256[:12]})" for sha256 in weights)
        elif facts.codebook_sizes and facts.codebook_sizes != own.codebook_sizes:
            theirs, ours = (f" ({_books(one.codebook_sizes)})" for one in (facts, own))
        elif facts.frame_rate and not isclose(facts.frame_rate, own.frame_rate or 0, rel_tol=1e-6):
            theirs, ours = (f" ({one.frame_rate or 0:g} frames/s)" for one in (facts, own))
        elif facts.codec not in {"", own.codec} and not all(weights):
            theirs = ours = ""
        else:
            return ""
        maker = f"'{facts.codec}'" if facts.codec else "a codec"
        alike = facts.codec == own.codec and facts.weights == own.weights
        fix = "; give the options that it was made with" if alike else ""
        return f"by {maker}{theirs}, not by '{own.codec}'{ours}{fix}"

    def _from_codes(self, codes: Any, rate: int) -> Encoded:
        sizes, frame_rate = self.spec.codebook_sizes, self.spec.frame_rate
        if not (sizes and frame_rate):
            raise UserError(f"Codec '{self.spec.id}' has no codebooks; give what encode gave.")
        if hasattr(codes, "detach"):
            codes = codes.detach().cpu().numpy()
        given = np.asarray(codes)
        if fault := codes_fault(given, sizes):
            raise UserError(
                f"The codes {fault}. Codec '{self.spec.id}' takes integers of shape "
                f"[{len(sizes)}, T], counted from 0."
            )
        length = round(given.shape[1] * rate / frame_rate)
        return from_codes(given.astype(np.int64), sizes, length, self.spec.codebook_strides)

    def close(self) -> None:
        """Free the memory that the model takes."""
        self.codec.unload()

    def __enter__(self) -> Self:
        """Enter a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Free the memory."""
        self.close()


def load_codec(name: str, *, device: str = "auto", **options: Any) -> LoadedCodec:
    """Load a codec.

    Args:
        name: Id of a built-in preset, such as "mimi-1.1", or the name of an adapter
            (`bench list codecs`), or `hf:ORG/NAME@K`.
        device: Where a neural codec runs: auto, cpu or cuda.
        **options: Options of the adapter, which take the place of the preset's own; such as
            `checkpoint="FOLDER"`.

    Raises:
        UserError: There is no such codec, or an option is wrong.
        Unavailable: Something that the codec needs is missing; the message says what, and how to
            get it.

    Example:
        >>> import numpy as np
        >>> import almbench
        >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)
        >>> with almbench.load_codec("opus-6") as opus:
        ...     encoded = opus.encode(tone, 24_000)
        ...     decoded = opus.decode(encoded)
        >>> encoded.bits / 1.0 < 7000, decoded.shape
        (True, (24000,))
    """
    typed = {k: str(v) if isinstance(v, PathLike) else v for k, v in options.items()}
    return LoadedCodec(make_codec(name, typed), device)


def _books(sizes: Sequence[int]) -> str:
    """Word codebooks."""
    books = f"{len(sizes)} codebook{'s' if len(sizes) != 1 else ''}"
    kinds = sorted(set(sizes))
    return f"{books} of {', '.join(map(str, kinds))} entries"
