"""What a run could not do: clips that failed, by reason, and codecs that cannot be used."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from almbench.names import some
from almbench.results.table_rows import ClipRow


class Fault(NamedTuple):
    """What is wrong with a clip by a codec.

    Attributes:
        testset: Its test set.
        clip: Its id.
        codec: Id of the codec.
        reason: What is wrong.
    """

    testset: str
    clip: str
    codec: str
    reason: str


def together(faults: Iterable[Fault]) -> list[str]:
    """Tell faults, once for each kind of reason, with the names of up to three clips.

    Reasons are of a kind where they differ in numbers and in the clip's own name alone.

    >>> together(Fault("talk", f"c{i}", "opus-6", f"c{i}.wav is empty") for i in range(5))
    ['talk/c0, c1, c2 and 2 more by opus-6, the first: c0.wav is empty']
    """
    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.testset, _kind(fault)), []).append(fault)
    lines = []
    for (testset, _), held in groups.items():
        clips = some(list(dict.fromkeys(fault.clip for fault in held)))
        codecs = list(dict.fromkeys(fault.codec for fault in held))
        by = codecs[0] if len(codecs) == 1 else f"{len(codecs)} codecs"
        first = ", the first" if len({fault.reason for fault in held}) > 1 else ""
        lines.append(f"{testset}/{clips} by {by}{first}: {held[0].reason}")
    return lines


def _kind(fault: Fault) -> str:
    """The reason without numbers and the clip's name, which a file may have with other signs."""
    name = re.escape(fault.clip.rpartition("__")[2]).replace("_", r"[\W_]+")
    return re.sub(r"\d+", "0", re.sub(rf"(?<!\w){name}(?!\w)", "", fault.reason))


def failures(clips: Iterable[ClipRow]) -> list[str]:
    """What failed, once for each kind of reason."""
    return together(
        Fault(row.testset, row.clip, row.codec, row.reason)
        for row in clips
        if row.status == "failed"
    )


def unavailable(clips: Iterable[ClipRow]) -> dict[str, str]:
    """The codecs that could not be used, by id, and why."""
    return {row.codec: row.reason for row in clips if row.status == "unavailable"}
