"""The rows of a run brought together: each clip through each codec, with what is known of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from almbench import policies
from almbench.results.codec_record import ORIGINALS, CodecRecord
from almbench.results.manifest import Manifest
from almbench.results.records import OriginalRow, ReconstructionRow, ScoreRow, unchanged
from almbench.results.row_files import iter_rows, read_rows
from almbench.results.runfolder import RunFolder
from almbench.results.testset_record import ClipRecord, TestSetRecord


@dataclass(frozen=True)
class Case:
    """A clip through a codec.

    Attributes:
        testset: The test set.
        clip: The clip.
        codec: The codec.
        original: Row of the original.
        reconstruction: Row of the reconstruction.
        scores: Row of each metric, by its name, made from the reconstruction that is there now.
    """

    testset: TestSetRecord
    clip: ClipRecord
    codec: CodecRecord
    original: OriginalRow
    reconstruction: ReconstructionRow
    scores: dict[str, ScoreRow]

    @property
    def original_notes(self) -> list[str]:
        """What to know of the original, if anything."""
        rate, scoring_rate = self.original.rate, self.testset.scoring_rate
        band = policies.note_band(rate, scoring_rate) if rate and scoring_rate else ""
        return [note for note in (self.original.note, band) if note]


@dataclass(frozen=True)
class RunRows:
    """The latest rows of a run.

    Attributes:
        originals: By test set and clip.
        reconstructions: By test set, clip and codec.
        scores: By test set, clip and codec; then by metric.
    """

    originals: dict[tuple[str, ...], OriginalRow]
    reconstructions: dict[tuple[str, ...], ReconstructionRow]
    scores: dict[tuple[str, ...], dict[str, ScoreRow]]


def read_all(folder: RunFolder, *, scores: bool = True) -> RunRows:
    """Read the rows of a run.

    Args:
        folder: The run folder.
        scores: Whether those of scores are read, which are by far the most.
    """
    of_sounds: dict[tuple[str, ...], dict[str, ScoreRow]] = {}
    for score in iter_rows(folder.root, ScoreRow) if scores else ():
        of_sounds.setdefault(score.key[:3], {})[score.metric] = score
    made = read_rows(folder.root, ReconstructionRow)
    # Originals last: a run that is at work writes them first.
    return RunRows(read_rows(folder.root, OriginalRow), made, of_sounds)


def cases(rows: RunRows, manifest: Manifest) -> Iterator[Case]:
    """All that has run of what a manifest lists: by test set, clip and codec, in its order."""
    for testset in manifest.testsets:
        for clip in testset.clips:
            for id_ in testset.codecs:
                key = testset.name, clip.id, id_
                if row := rows.reconstructions.get(key):
                    codec = manifest.codecs_by_id[id_]
                    original, of_sound = rows.originals[key[:2]], _of_sound(rows, row)
                    yield Case(testset, clip, codec, original, row, of_sound)


def original_cases(rows: RunRows, manifest: Manifest) -> Iterator[Case]:
    """The originals as reconstructions of themselves, in test sets with no-reference metrics."""
    for testset in manifest.testsets:
        if not any(manifest.metrics_by_name[name].no_reference for name in testset.metrics):
            continue
        for clip in testset.clips:
            if original := rows.originals.get((testset.name, clip.id)):
                row = unchanged(original)
                yield Case(testset, clip, ORIGINALS, original, row, _of_sound(rows, row))


def _of_sound(rows: RunRows, row: ReconstructionRow) -> dict[str, ScoreRow]:
    """The scores that were made from the sound that is there now."""
    scores = rows.scores.get(row.key, {})
    return {n: score for n, score in scores.items() if score.audio_sha256 == row.audio_sha256}
