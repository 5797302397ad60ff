from collections import Counter

import numpy as np
import pytest

from almbench.site.sample import sample

SIZES = {"many": 60, "some": 30, "few": 10}
CLUSTERS = {f"{name}-{i}": name for name, size in SIZES.items() for i in range(size)}
IDS = list(CLUSTERS)


@pytest.mark.parametrize("seed", range(10))
def test_clusters_are_drawn_in_proportion(seed: int) -> None:
    drawn = sample(IDS, 20, CLUSTERS, {}, seed)
    assert Counter(CLUSTERS[id_] for id_ in drawn) == {"many": 12, "some": 6, "few": 2}
    assert drawn == [id_ for id_ in IDS if id_ in set(drawn)]
    assert drawn == sample(IDS, 20, CLUSTERS, {}, seed)


def test_a_sample_has_the_range_of_scores_of_all() -> None:
    rng = np.random.default_rng(3)
    scores = {id_: float(rng.gamma(2)) for id_ in IDS}
    every = np.sort(list(scores.values()))
    by_sample, by_lot = [], []
    for seed in range(200):
        drawn = [scores[id_] for id_ in sample(IDS, 10, {}, scores, seed)]
        assert min(drawn) <= every[10]  # one of each tenth
        assert max(drawn) >= every[90]
        by_sample.append(np.mean(drawn))
        by_lot.append(np.mean(rng.choice(every, 10, replace=False)))
    assert np.mean(by_sample) == pytest.approx(every.mean(), rel=0.03)
    assert np.std(by_sample) < np.std(by_lot) / 3


def test_every_clip_may_be_drawn() -> None:
    drawn = Counter(id_ for seed in range(600) for id_ in sample(IDS, 10, CLUSTERS, {}, seed))
    assert set(drawn) == set(IDS)
    assert max(drawn.values()) < 2.2 * min(drawn.values())  # 60 each on average


def test_degenerate_samples() -> None:
    assert sample(IDS, 100, CLUSTERS, {}, 0) == IDS
    assert sample([], 3, {}, {}, 0) == []
    assert len(sample(IDS, 1, CLUSTERS, {"many-0": 1.0}, 0)) == 1
    alone = {id_: id_ for id_ in IDS}  # every clip its own cluster
    assert len(sample(IDS, 7, alone, {id_: i for i, id_ in enumerate(IDS)}, 1)) == 7
