"""The rows of a run brought together: each clip through each codec, with what is known of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from almbench import policies
from almbench.results.manifest import ORIGINALS, ClipRecord, CodecRecord, Manifest, TestSetRecord
from almbench.results.records import (
    OriginalRow,
    ReconstructionRow,
    ScoreRow,
    read_rows,
    unchanged,
)
from almbench.results.runfolder import RunFolder


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


def cases(folder: RunFolder, manifest: Manifest) -> Iterator[Case]:
    """All that has run of what a manifest lists: by test set, clip and codec, in its order."""
    originals = read_rows(folder.root, OriginalRow)
    reconstructions = read_rows(folder.root, ReconstructionRow)
    scores = _scores(folder)
    for testset in manifest.testsets:
        for clip in testset.clips:
            for id_ in testset.codecs:
                key = testset.name, clip.id, id_
                if row := reconstructions.get(key):
                    codec = manifest.codecs_by_id[id_]
                    of_sound = _of_sound(scores.get(key, {}), row)
                    yield Case(testset, clip, codec, originals[key[:2]], row, of_sound)


def original_cases(folder: RunFolder, manifest: Manifest) -> Iterator[Case]:
    """The originals as reconstructions of themselves, in test sets with no-reference metrics."""
    originals = read_rows(folder.root, OriginalRow)
    scores = _scores(folder)
    for testset in manifest.testsets:
        if not any(manifest.metrics_by_name[name].no_reference for name in testset.metrics):
            continue
        for clip in testset.clips:
            if original := originals.get((testset.name, clip.id)):
                row = unchanged(original)
                of_sound = _of_sound(scores.get(row.key, {}), row)
                yield Case(testset, clip, ORIGINALS, original, row, of_sound)


def _scores(folder: RunFolder) -> dict[tuple[str, ...], dict[str, ScoreRow]]:
    """The scores by what they are of, and by metric."""
    scores: dict[tuple[str, ...], dict[str, ScoreRow]] = {}
    for score in read_rows(folder.root, ScoreRow).values():
        scores.setdefault(score.key[:3], {})[score.metric] = score
    return scores


def _of_sound(scores: dict[str, ScoreRow], row: ReconstructionRow) -> dict[str, ScoreRow]:
    """The scores that were made from the sound that is there now."""
    return {n: score for n, score in scores.items() if score.audio_sha256 == row.audio_sha256}
