"""The rows of a run brought together: each clip through each codec, with what is known of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from almbench.results.manifest import ClipRecord, CodecRecord, Manifest, TestSetRecord
from almbench.results.records import OriginalRow, ReconstructionRow, ScoreRow, read_rows
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


def cases(folder: RunFolder, manifest: Manifest) -> Iterator[Case]:
    """All that has run of what a manifest lists: by test set, clip and codec, in its order."""
    originals = read_rows(folder.root, OriginalRow)
    reconstructions = read_rows(folder.root, ReconstructionRow)
    scores: dict[tuple[str, ...], dict[str, ScoreRow]] = {}
    for score in read_rows(folder.root, ScoreRow).values():
        scores.setdefault(score.key[:3], {})[score.metric] = score
    for testset in manifest.testsets:
        for clip in testset.clips:
            for id_ in testset.codecs:
                key = testset.name, clip.id, id_
                if row := reconstructions.get(key):
                    of_sound = {
                        name: score
                        for name, score in scores.get(key, {}).items()
                        if score.audio_sha256 == row.audio_sha256
                    }
                    codec = manifest.codecs_by_id[id_]
                    yield Case(testset, clip, codec, originals[key[:2]], row, of_sound)
