"""What is missing of the input of token measures, each told in one line: codes, files, labels."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from almbench.names import some
from almbench.results.manifest import Manifest
from almbench.tokens.measure import ClipSet, Measure
from almbench.tokens.sources import TokenSource
from almbench.tokens.token_files import Labels, TokenFolder


def without_codes(
    manifest: Manifest,
    sources: Sequence[TokenSource],
    measures: Sequence[Measure[Any]],
    codecs: Collection[str],
) -> Iterator[str]:
    """Name the codecs of a run's test sets that have no codes there, and what leaves them out.

    Args:
        manifest: Of the run.
        sources: The sources that are chosen.
        measures: The measures that are wanted.
        codecs: Ids of the codecs that are wanted; empty for all.
    """
    there = {source.codec for source in sources if source.has_codes}
    sets = {source.clips.testset for source in sources}
    listed = dict.fromkeys(id_ for t in manifest.testsets if t.name in sets for id_ in t.codecs)
    left = [id_ for id_ in listed if id_ not in there and id_ in (codecs or listed)]
    reading = [measure.name for measure in measures if measure.needs_codes]
    if left and reading:
        yield f"Left out of {', '.join(reading)}, for want of codes: {', '.join(left)}"


def without_files(folder: TokenFolder, clipsets: Iterable[ClipSet]) -> Iterator[str]:
    """Say how many clips of the test sets that token files are of have none.

    Args:
        folder: The token files.
        clipsets: The test sets.
    """
    ids = [[clip.id for clip in clips.clips] for clips in clipsets]
    known = [id_ for of_set in ids if set(of_set) & set(folder.files) for id_ in of_set]
    yield from _counted(folder.name, "clips without token files", folder.files, known)
    yield from _counted(folder.name, "token files of no clip", {*chain(*ids)}, folder.files)


def without_labels(
    labels: Labels, clipsets: Iterable[ClipSet], chosen: Iterable[ClipSet]
) -> Iterator[str]:
    """Say how many labels are of no clip, and how many clips have none.

    Args:
        labels: The table.
        clipsets: All test sets.
        chosen: Those that are wanted.
    """
    known = {clip.id for clips in clipsets for clip in clips.clips}
    ids = [clip.id for clips in chosen for clip in clips.clips]
    labelled = {id_ for id_, row in labels.rows.items() if row}
    yield from _counted(str(labels.path), "ids of no clip", known, labels.rows)
    yield from _counted(str(labels.path), "clips without labels", labelled, ids)


def _counted(who: str, what: str, there: Collection[str], ids: Collection[str]) -> Iterator[str]:
    """Count the ids that are not there, and name the first; nothing where all are."""
    if left := [id_ for id_ in ids if id_ not in there]:
        yield f"{who}: {what}: {len(left)} of {len(ids)} ({some(left)})"
