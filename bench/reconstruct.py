"""Stage two: send every clip through every codec and keep what comes out."""

import errno
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from almbench import policies
from almbench.audio import Sound, read, resample, sha256, write_flac
from almbench.codecs.base import Codec, Encoded
from almbench.codecs.reconstructions import Reconstructions
from almbench.errors import AudioError, CodecError, Unavailable
from almbench.plan import Entry, TestSet
from almbench.records import OriginalRow, ReconstructionRow, Writer, read_rows, signature
from almbench.runfolder import RunFolder
from almbench.testsets import Clip


class Reconstructor:
    """Runs the codecs of a plan, one after the other, each loaded once.

    Args:
        folder: The run folder.
        device: "cpu" or "cuda".
        shard: Suffix of the rows file.
        advance: Called after each clip.
    """

    def __init__(
        self, folder: RunFolder, device: str, shard: str, advance: Callable[[], None]
    ) -> None:
        """Read what earlier runs did."""
        self._folder = folder
        self._device = device
        self._shard = shard
        self._advance = advance
        self._originals = read_rows(folder.root, OriginalRow)
        self._known = read_rows(folder.root, ReconstructionRow)
        self._loaded: set[int] = set()

    def run(self, work: list[tuple[TestSet, list[Clip]]]) -> None:
        """Reconstruct the given clips of each test set by all its codecs."""
        with Writer(self._folder.root, ReconstructionRow, self._shard) as rows:
            for testset, clips in work:
                for entry in testset.entries:
                    for clip in clips:
                        row = self._one(testset.name, entry, clip)
                        if row:
                            rows.write(row)
                        self._advance()

    def _one(self, testset: str, entry: Entry, clip: Clip) -> ReconstructionRow | None:
        original = self._originals[testset, clip.id]
        path = self._folder.audio(testset, entry.spec.id, clip.id)
        facts: dict[str, Any] = {"testset": testset, "clip": clip.id, "codec": entry.spec.id}
        facts["signature"] = self._signature(entry, original)
        if original.status != "ok":
            return ReconstructionRow(
                **facts, status="failed", reason=f"original: {original.reason}"
            )
        try:
            if entry.missing:
                raise Unavailable(entry.missing)
            ready = _ready_file(entry, clip)
            if ready:
                facts["signature"] = signature(facts["signature"], sha256(ready))
            if self._kept(testset, entry, clip, facts["signature"]):
                return None
            sound, more = (read(ready), {}) if ready else self._through_codec(testset, entry, clip)
            note = _judge(sound, original)
        except Unavailable as error:
            path.unlink(missing_ok=True)
            return ReconstructionRow(**facts, status="unavailable", reason=str(error))
        except Exception as error:  # an adapter's fault costs its row, not the run
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            path.unlink(missing_ok=True)
            return ReconstructionRow(**facts, status="failed", reason=_words(error))
        clipped = write_flac(path, sound.samples, sound.rate)
        return ReconstructionRow(
            **facts,
            **more,
            status="ok",
            note=note,
            rate=sound.rate,
            clipped=clipped,
            audio_sha256=sha256(path),
            device=self._device,
        )

    @staticmethod
    def _signature(entry: Entry, original: OriginalRow) -> str:
        return signature(
            policies.VERSION, original.samples_sha256, entry.spec.model_dump(exclude={"label"})
        )

    def _kept(self, testset: str, entry: Entry, clip: Clip, signed: str) -> bool:
        row = self._known.get((testset, clip.id, entry.spec.id))
        if row is None or row.status != "ok" or row.signature != signed:
            return False
        path = self._folder.audio(testset, entry.spec.id, clip.id)
        return path.is_file() and sha256(path) == row.audio_sha256

    def _through_codec(
        self, testset: str, entry: Entry, clip: Clip
    ) -> tuple[Sound, dict[str, Any]]:
        codec = entry.codec
        assert isinstance(codec, Codec)  # noqa: S101 - for the type checker
        if id(codec) not in self._loaded:
            codec.load(self._device)
            self._loaded.add(id(codec))
        source = read(self._folder.original(testset, clip.id))
        rate = entry.spec.sample_rate or source.rate
        samples = resample(source.samples, source.rate, rate)
        if not len(samples):
            raise CodecError(f"the clip is shorter than one sample at {rate} Hz")
        start = time.perf_counter()
        encoded = codec.encode([samples], rate)[0]
        middle = time.perf_counter()
        decoded = codec.decode([encoded], rate)[0]
        end = time.perf_counter()
        if encoded.codes is not None:
            self._keep_codes(testset, entry, clip, encoded)
        times = {"encode_s": middle - start, "decode_s": end - middle}
        return Sound(decoded, rate), {"bits": encoded.bits, **times}

    def _keep_codes(self, testset: str, entry: Entry, clip: Clip, encoded: Encoded) -> None:
        path = self._folder.codes(testset, entry.spec.id, clip.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        assert encoded.codes is not None  # noqa: S101 - for the type checker
        np.savez_compressed(part, codes=encoded.codes)
        part.replace(path)


def _ready_file(entry: Entry, clip: Clip) -> Any:
    return entry.codec.find(clip.id) if isinstance(entry.codec, Reconstructions) else None


def _judge(sound: Sound, original: OriginalRow) -> str:
    """Check a reconstruction before it is stored; returns what to note of it."""
    if not np.isfinite(sound.samples).all():
        raise CodecError("the reconstruction holds NaN or infinite samples")
    fine, note = policies.check_length(original.duration_s or 0.0, sound.seconds)
    if not fine:
        raise CodecError(note)
    return note


def _words(error: Exception) -> str:
    if isinstance(error, AudioError | CodecError):
        return str(error)
    return f"{type(error).__name__}: {error}"
