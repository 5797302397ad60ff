from collections import Counter
from itertools import pairwise

import pytest

from almbench.suite.kept import kept_clips, most_kept

SIZES = {"many": 60, "some": 30, "few": 10}
CLIPS = [(f"{name}-{i}", name) for name, size in SIZES.items() for i in range(size)]


@pytest.mark.parametrize("seed", range(10))
def test_clusters_are_kept_in_proportion(seed: int) -> None:
    kept = kept_clips(CLIPS, 20, seed)
    found = Counter(id_.partition("-")[0] for id_ in kept)
    for name, share in {"many": 12, "some": 6, "few": 2}.items():
        assert abs(found[name] - share) <= 1
    assert kept == sorted(kept)
    assert len(kept) == 20


def test_a_larger_choice_holds_every_smaller_one() -> None:
    choices = [set(kept_clips(CLIPS, most, 1)) for most in range(101)]
    assert all(one < more for one, more in pairwise(choices))


def test_the_order_of_clips_does_not_matter_but_the_seed_does() -> None:
    assert kept_clips(CLIPS[::-1], 20, 4) == kept_clips(CLIPS, 20, 4)
    assert kept_clips(CLIPS, 20, 4) != kept_clips(CLIPS, 20, 5)


def test_a_clip_that_goes_moves_few_others() -> None:
    whole, less = set(kept_clips(CLIPS, 20, 2)), set(kept_clips(CLIPS[1:], 20, 2))
    assert len(whole - less) <= 3


def test_clips_without_a_cluster_are_kept_by_lot() -> None:
    alone = [(f"{i:02}", "") for i in range(50)]
    drawn = Counter(id_ for seed in range(400) for id_ in kept_clips(alone, 10, seed))
    assert set(drawn) == {id_ for id_, _ in alone}  # 80 each on average
    assert max(drawn.values()) < 2 * min(drawn.values())


def test_degenerate_choices() -> None:
    assert kept_clips([], 5, 0) == []
    assert kept_clips(CLIPS, 0, 0) == []
    assert kept_clips(CLIPS, 1000, 0) == sorted(id_ for id_, _ in CLIPS)
    assert most_kept("sample:999999999") == 999_999_999
