"""Which clips of a test set keep their sounds in a run folder, where not all do."""

import hashlib
from collections.abc import Iterable

KEEP_AUDIO = r"^(all|none|sample:[1-9][0-9]{0,8})$"


def most_kept(keep: str) -> int | None:
    """How many clips of a test set keep their sounds by a choice such as "sample:200"; None: all.

    >>> most_kept("all"), most_kept("sample:200"), most_kept("none")
    (None, 200, 0)
    """
    if keep == "all":
        return None
    return int(keep.partition(":")[2]) if keep.startswith("sample:") else 0


def kept_clips(clips: Iterable[tuple[str, str]], most: int, seed: int) -> list[str]:
    """Choose clips, of each cluster in proportion, by nothing but their names and the seed.

    A larger choice holds every smaller one, and a clip that comes or goes moves few others. The
    clips of a cluster are put in an order by hashes and spread evenly over 0 to 1, from an offset
    that is a hash, too; the first on that line are taken.

    Args:
        clips: Id and cluster of each clip; those without a cluster are independent of all others.
        most: How many to choose at most.
        seed: The suite's seed.

    Returns:
        The ids of the chosen clips, sorted.

    >>> kept_clips([("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")], 2, seed=0)
    ['a', 'c']
    """
    if not most:
        return []
    clusters: dict[tuple[str, str], list[str]] = {}
    for id_, cluster in clips:
        clusters.setdefault(("of", cluster) if cluster else ("alone", id_), []).append(id_)
    line: list[tuple[float, str]] = []
    for name, ids in clusters.items():
        first = _hash(seed, *name)
        ids.sort(key=lambda id_: _hash(seed, "clip", id_))
        line += [((place + first) / len(ids), id_) for place, id_ in enumerate(ids)]
    return sorted(id_ for _, id_ in sorted(line)[:most])


def _hash(seed: int, *names: str) -> float:
    """A number from 0 to 1 that looks drawn."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
