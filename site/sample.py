"""Which clips of a test set are published where not all are: a sample that stands for all."""

import random
from itertools import pairwise
from statistics import fmean

from almbench.results.results import Results


def sample(
    ids: list[str], most: int, clusters: dict[str, str], scores: dict[str, float], seed: int
) -> list[str]:
    """Draw clips so that clusters and the range of scores are represented in proportion.

    Clips are put in order of their clusters' mean scores and, within a cluster, of their own
    scores, up and down by turns; that order is cut into `most` parts of equal size, and one clip
    of each is drawn by lot. So it is a stratified sample with one unit per stratum (W. G. Cochran,
    Sampling Techniques, 3rd ed. 1977, chapters 5 and 5A).

    Args:
        ids: The clips.
        most: How many to draw, at most.
        clusters: The cluster of each clip, such as its speaker; those without belong together.
        scores: A score of each clip that has one.
        seed: Seed of the lot.

    Returns:
        The clips drawn, in the order of `ids`.

    >>> sample(["a", "b", "c", "d"], 2, {"a": "x", "b": "x", "c": "y", "d": "y"}, {}, 0)
    ['b', 'd']
    """
    if most >= len(ids):
        return ids
    members: dict[str, list[str]] = {}
    for id_ in ids:
        members.setdefault(clusters.get(id_, ""), []).append(id_)
    mean = fmean(scores.values()) if scores else 0.0

    def score(id_: str) -> float:
        return scores.get(id_, mean)

    ordered: list[str] = []
    for i, name in enumerate(sorted(members, key=lambda c: (fmean(map(score, members[c])), c))):
        ordered += sorted(members[name], key=score, reverse=bool(i % 2))
    lot = random.Random(seed)  # noqa: S311
    edges = [i * len(ids) // most for i in range(most + 1)]
    drawn = {ordered[lot.randrange(*part)] for part in pairwise(edges)}
    return [id_ for id_ in ids if id_ in drawn]


def draw_clips(results: Results, most: int | None) -> dict[str, list[str]]:
    """The clips of each test set whose sounds are published: all, or a sample.

    Clips whose sounds the run did not keep are not among them.

    Args:
        results: The results of a run.
        most: How many of a test set, at most; None for all.
    """
    ids: dict[str, dict[str, None]] = {}
    for row in results.clip_rows:
        of_set = ids.setdefault(row.testset, {})
        if results.manifest.testsets_by_name[row.testset].keeps(row.clip):
            of_set[row.clip] = None
    if most is None:
        return {testset: list(clips) for testset, clips in ids.items()}
    drawn = {}
    for table in results.comparisons:
        headline = next((m.name for m in table.filled if table.domain in m.headline), None)
        means = results.by_metric.of(table.testset, headline or "").mean(axis=1)
        drawn[table.testset] = sample(
            list(ids.get(table.testset, {})),
            most,
            {clip.id: clip.cluster for clip in table.of.clips},
            {str(clip): float(mean) for clip, mean in means.items()},
            results.manifest.suite.seed,
        )
    return drawn
