"""What a run folder holds from earlier runs that its tables do not show, as after narrowing one."""

from collections.abc import Iterable, Sequence

from almbench.results.records import ReconstructionRow, ScoreRow
from almbench.results.row_files import iter_rows
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import PlannedTestSet


def left_out(folder: RunFolder, testsets: Sequence[PlannedTestSet]) -> tuple[str, ...]:
    """Name what earlier runs left in a folder and the given test sets do not list.

    Args:
        folder: The run folder.
        testsets: The test sets that the tables are made of.

    Returns:
        As of `unlisted`.
    """
    root = folder.root
    return unlisted(iter_rows(root, ReconstructionRow), iter_rows(root, ScoreRow), testsets)


def unlisted(
    reconstructions: Iterable[ReconstructionRow],
    scores: Iterable[ScoreRow],
    testsets: Sequence[PlannedTestSet],
) -> tuple[str, ...]:
    """Name what rows are of and the given test sets do not list.

    Returns:
        Phrases, such as "codec opus-24 (in speech, music)": test sets, then codecs, metrics and
        clips of the test sets that are listed; empty where they list all.
    """
    listed_codecs = {t.name: {planned.record.id for planned in t.codecs} for t in testsets}
    listed_clips = {t.name: {clip.id for clip in t.clips} for t in testsets}
    listed_metrics = {t.name: {metric.name for metric in t.metrics} for t in testsets}
    sets: set[str] = set()
    codecs: dict[str, set[str]] = {}
    metrics: dict[str, set[str]] = {}
    clips: dict[str, set[str]] = {}
    for row in reconstructions:
        if row.status != "ok":
            continue
        if row.testset not in listed_codecs:
            sets.add(row.testset)
        elif row.codec not in listed_codecs[row.testset]:
            codecs.setdefault(row.codec, set()).add(row.testset)
        elif row.clip not in listed_clips[row.testset]:
            clips.setdefault(row.testset, set()).add(row.clip)
    for score in scores:
        listed = listed_metrics.get(score.testset)
        if listed is not None and score.status == "ok" and score.metric not in listed:
            metrics.setdefault(score.metric, set()).add(score.testset)
    return (
        *(f"test set {name}" for name in sorted(sets)),
        *(f"codec {id_} (in {', '.join(sorted(where))})" for id_, where in sorted(codecs.items())),
        *(f"metric {m} (in {', '.join(sorted(where))})" for m, where in sorted(metrics.items())),
        *(f"{_count(len(ids))} of {name}" for name, ids in sorted(clips.items())),
    )


def announced(names: Sequence[str]) -> str:
    """Say before a run what its tables will not show of the folder."""
    return f"of the tables to come, and in the folder from earlier runs: {'; '.join(names)}."


def _count(clips: int) -> str:
    return f"{clips} clip{'s' if clips > 1 else ''}"
