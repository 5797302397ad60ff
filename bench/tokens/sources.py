"""Where codes and labels come from: a finished run, folders of token files, tables of labels."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from almbench.audio import Sound, read
from almbench.codecs.base import Codec
from almbench.codecs.codes_file import read_codes
from almbench.errors import CodecError
from almbench.results.codec_record import CodecRecord
from almbench.results.failures import Fault
from almbench.results.manifest import Manifest
from almbench.results.records import OriginalRow, ReconstructionRow, signature
from almbench.results.row_files import read_rows
from almbench.results.runfolder import RunFolder
from almbench.results.testset_record import TestSetRecord
from almbench.runner.planned_codecs import OBJECT, AnyCodec, configured_codec
from almbench.statistics.tokens import Codes
from almbench.suite.load import load_suite
from almbench.tokens.measure import NO_CODEC, ClipSet, Floats, LabelledClip, TokenSet

NOT_HERE = (
    "the codec was an object in Python, which is not here; almbench.probe takes what "
    "almbench.evaluate returned"
)


@dataclass(frozen=True)
class TokenSource:
    """A codec's codes on a test set, which are read when asked for.

    Attributes:
        clips: All clips of the test set.
        codec: Id of the codec.
        label: Its name for readers.
        has_codes: Whether it has codebooks.
        read: Reads the codes; with them, what is wrong with clips that were left out.
    """

    clips: ClipSet
    codec: str
    label: str
    has_codes: bool
    read: Callable[[], tuple[TokenSet, list[Fault]]]


def clips_of_run(folder: RunFolder, manifest: Manifest) -> list[ClipSet]:
    """The clips of each test set of a run whose originals are in its folder."""
    originals = read_rows(folder.root, OriginalRow)
    return [_clips(folder, testset, originals) for testset in manifest.testsets]


def _clips(
    folder: RunFolder, testset: TestSetRecord, originals: Mapping[tuple[str, ...], OriginalRow]
) -> ClipSet:
    rows = [(clip, originals.get((testset.name, clip.id))) for clip in testset.clips]
    keeps_all = testset.kept_sounds is None
    kept = [(clip, row) for clip, row in rows if row is not None and row.status == "ok"]
    clips = tuple(
        LabelledClip(clip.id, clip.cluster, clip.all_labels, row.duration_s) for clip, row in kept
    )
    return ClipSet(
        testset.name,
        clips,
        partial(_read_original, folder, testset.name) if keeps_all else None,
        signature([row.audio_sha256 for _, row in kept]),
    )


def sources_of_run(
    folder: RunFolder,
    manifest: Manifest,
    clips: ClipSet,
    codecs: Mapping[str, Callable[[], AnyCodec]],
    device: str = "cpu",
) -> list[TokenSource]:
    """List the codecs of a run that coded clips of a test set.

    Args:
        folder: The run folder.
        manifest: Its manifest.
        clips: The clips of the test set.
        codecs: Id -> what makes the codec, for those that can be made here.
        device: What neural codecs run on.
    """
    rows = read_rows(folder.root, ReconstructionRow)
    found = []
    for id_ in manifest.testsets_by_name[clips.testset].codecs:
        codec = manifest.codecs_by_id[id_]
        there = {
            clip.id: folder.codes(clips.testset, id_, clip.id)
            for clip in clips.clips
            if (row := rows.get((clips.testset, clip.id, id_)))
            and row.status == "ok"
            and row.bits is not None
        }
        if there:
            opened = _opener(codecs.get(id_), codec, device)
            reads = partial(_read_set, clips, codec, there, opened)
            found.append(TokenSource(clips, id_, codec.label, codec.has_codes, reads))
    return found


def _read_original(folder: RunFolder, testset: str, id_: str) -> Sound:
    return read(folder.original(testset, id_))


@dataclass(frozen=True)
class _Opener:
    """How a codec is loaded, or why it cannot be."""

    open: Callable[[], AbstractContextManager[Codec[Any]]] | None
    reason: str


def _opener(make: Callable[[], AnyCodec] | None, codec: CodecRecord, device: str) -> _Opener:
    if codec.precomputed:
        return _Opener(None, NO_CODEC)
    if make is None:
        return _Opener(None, codec.missing or NOT_HERE)
    return _Opener(partial(_opened, make, device), "")


@contextmanager
def _opened(make: Callable[[], AnyCodec], device: str) -> Iterator[Codec[Any]]:
    made = make()
    assert isinstance(made, Codec)  # noqa: S101 - the others are precomputed
    made.fetch(network=False)
    made.load(device if made.uses_device else "cpu")
    try:
        yield made
    finally:
        made.unload()


def _read_set(
    clips: ClipSet, codec: CodecRecord, files: Mapping[str, Path], opener: _Opener
) -> tuple[TokenSet, list[Fault]]:
    held: dict[str, Codes] = {}
    faults = []
    for clip in clips.clips:
        if clip.id in files and not codec.has_codes:
            held[clip.id] = np.empty((0, 0), np.int64)
        elif clip.id in files:
            try:
                held[clip.id] = read_codes(files[clip.id], codec.codebook_sizes)
            except CodecError as error:
                faults.append(Fault(clips.testset, clip.id, codec.id, str(error)))
    codes = tuple(held.values())
    facts = codec.model_dump(include={"family", "checkpoint", "settings", "codebook_sizes"})
    tokens = TokenSet(
        clipset=clips.only(held),
        codec=codec.id,
        codes=codes,
        sizes=codec.codebook_sizes,
        frame_rate=codec.frame_rate,
        strides=codec.codebook_strides,
        open_codec=opener.open,
        no_codec=opener.reason,
        codec_hash=signature(facts),
        dequantize=cache(partial(_dequantize, opener.open, codes)) if opener.open else None,
    )
    return tokens, faults


def _dequantize(
    open_codec: Callable[[], AbstractContextManager[Codec[Any]]], codes: tuple[Codes, ...]
) -> list[Floats] | None:
    with open_codec() as codec:
        vectors = [codec.dequantize(one) for one in codes]
    shown = [vector for vector in vectors if vector is not None]
    return shown if len(shown) == len(codes) else None


def run_codecs(folder: RunFolder, manifest: Manifest) -> dict[str, Callable[[], AnyCodec]]:
    """How the codecs of a run are made anew, by the suite in its folder.

    A codec that is in no suite, such as an object given to `evaluate`, is not among them.
    """
    if not folder.suite.is_file():
        return {}
    suite = load_suite(str(folder.suite))
    testsets = {config.name: config for config in suite.testset}
    sets = {id_: testsets.get(t.name) for t in manifest.testsets for id_ in t.codecs}
    return {
        config.id: partial(configured_codec, config, testset)
        for config in suite.codec
        if config.adapter != OBJECT and (testset := sets.get(config.id))
    }
