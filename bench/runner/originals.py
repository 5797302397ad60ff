"""Stage one: import the clips, so that the run folder holds all that is heard and scored."""

import hashlib
from collections.abc import Callable

from almbench import policies
from almbench.audio import Sound, as_original, read, sha256, write_flac
from almbench.errors import AudioError
from almbench.results.records import OriginalRow, Writer, read_rows, signature
from almbench.results.runfolder import RunFolder
from almbench.suite.testsets import Clip

Originals = dict[tuple[str, ...], OriginalRow]


def import_originals(
    folder: RunFolder, work: list[tuple[str, Clip]], shard: str, advance: Callable[[bool], None]
) -> None:
    """Store each clip as mono FLAC and record its hash; what is there already is kept.

    Args:
        folder: The run folder.
        work: Test set names and their clips.
        shard: Suffix of the rows file.
        advance: Called after each clip, with whether it was there already.
    """
    known = read_rows(folder.root, OriginalRow)
    with Writer(folder.root, OriginalRow, shard) as rows:
        for testset, clip in work:
            signed = sign(clip)
            kept = is_kept(folder, known.get((testset, clip.id)), signed)
            if not kept:
                rows.write(_import(folder, testset, clip, signed))
            advance(kept)


def sign(clip: Clip) -> str:
    """Hash all that can change what is stored of a clip."""
    return signature(policies.VERSION, _source_hash(clip))


def _source_hash(clip: Clip) -> str:
    try:
        return sha256(clip.path) if clip.path.is_file() else ""
    except OSError:
        return ""  # reading it says why


def is_kept(folder: RunFolder, row: OriginalRow | None, signed: str) -> bool:
    """Whether the row of an earlier run still holds and its sound is there."""
    if row is None or row.status != "ok" or row.signature != signed:
        return False
    path = folder.original(row.testset, row.clip)
    return path.is_file() and sha256(path) == row.audio_sha256


def _import(folder: RunFolder, testset: str, clip: Clip, signed: str) -> OriginalRow:
    path = folder.original(testset, clip.id)
    try:
        sound = read(clip.path)
        samples, gain, bit_depth = as_original(sound.samples)
        write_flac(path, samples, sound.rate, bit_depth)
    except AudioError as error:
        path.unlink(missing_ok=True)
        return OriginalRow(
            testset=testset, clip=clip.id, status="failed", reason=str(error), signature=signed
        )
    return OriginalRow(
        testset=testset,
        clip=clip.id,
        status="ok",
        signature=signed,
        duration_s=sound.seconds,
        rate=sound.rate,
        channels=sound.channels,
        bit_depth=bit_depth,
        gain=gain,
        note="; ".join(filter(None, [sound.note, policies.note_gain(gain)])),
        samples_sha256=_samples_hash(sound),
        audio_sha256=sha256(path),
    )


def _samples_hash(sound: Sound) -> str:
    hashed = hashlib.sha256(str(sound.rate).encode())
    hashed.update(sound.samples.astype("<f4").tobytes())
    return hashed.hexdigest()
