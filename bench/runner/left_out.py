"""What a run folder holds from earlier runs that its tables do not show, as after narrowing one."""

from almbench.results.records import ReconstructionRow, ScoreRow
from almbench.results.row_files import iter_rows
from almbench.results.runfolder import RunFolder
from almbench.results.testset_record import TestSetRecord


def left_out(folder: RunFolder, testsets: tuple[TestSetRecord, ...]) -> tuple[str, ...]:
    """Name what earlier runs left in a folder and the given test sets do not list.

    Args:
        folder: The run folder.
        testsets: The test sets that the tables are made of.

    Returns:
        Phrases, such as "codec opus-24 (in speech, music)": test sets, then codecs, metrics and
        clips of the test sets that are listed; empty where the tables show all.
    """
    known = {testset.name: testset for testset in testsets}
    sets: set[str] = set()
    codecs: dict[str, set[str]] = {}
    metrics: dict[str, set[str]] = {}
    clips: dict[str, set[str]] = {}
    listed = {testset.name: {clip.id for clip in testset.clips} for testset in testsets}
    for row in iter_rows(folder.root, ReconstructionRow):
        if row.status != "ok":
            continue
        if row.testset not in known:
            sets.add(row.testset)
        elif row.codec not in known[row.testset].codecs:
            codecs.setdefault(row.codec, set()).add(row.testset)
        elif row.clip not in listed[row.testset]:
            clips.setdefault(row.testset, set()).add(row.clip)
    for score in iter_rows(folder.root, ScoreRow):
        of = known.get(score.testset)
        if of and score.status == "ok" and score.metric not in of.metrics:
            metrics.setdefault(score.metric, set()).add(score.testset)
    return (
        *(f"test set {name}" for name in sorted(sets)),
        *(f"codec {id_} (in {', '.join(sorted(where))})" for id_, where in sorted(codecs.items())),
        *(f"metric {m} (in {', '.join(sorted(where))})" for m, where in sorted(metrics.items())),
        *(f"{_count(len(ids))} of {name}" for name, ids in sorted(clips.items())),
    )


def _count(clips: int) -> str:
    return f"{clips} clip{'s' if clips > 1 else ''}"
