"""What a run could not do: clips that failed, by reason, and codecs that cannot be used."""

from collections.abc import Iterable

from almbench.results.table_rows import ClipRow


def failures(clips: Iterable[ClipRow]) -> list[str]:
    """What failed, once for each reason: "speech/a and 2 more by opus-6: TypeError: ..."."""
    groups: dict[tuple[str, str], list[ClipRow]] = {}
    for row in clips:
        if row.status == "failed":
            groups.setdefault((row.testset, row.reason), []).append(row)
    lines = []
    for (testset, reason), rows in groups.items():
        ids = list(dict.fromkeys(row.clip for row in rows))
        codecs = list(dict.fromkeys(row.codec for row in rows))
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        by = codecs[0] if len(codecs) == 1 else f"{len(codecs)} codecs"
        lines.append(f"{testset}/{ids[0]}{more} by {by}: {reason}")
    return lines


def unavailable(clips: Iterable[ClipRow]) -> dict[str, str]:
    """The codecs that could not be used, by id, and why."""
    return {row.codec: row.reason for row in clips if row.status == "unavailable"}
