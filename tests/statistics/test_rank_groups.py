from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from almbench.statistics.rank_groups import rank_groups


def draws(seed: int, offsets: dict[str, float], clips: int = 12) -> pd.DataFrame:
    """Clips of differing difficulty, on which codecs differ by about `offsets`."""
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(0, 1, clips)
    return pd.DataFrame(
        {
            codec: offset + difficulty + rng.normal(0, 0.2, clips)
            for codec, offset in offsets.items()
        }
    )


def significant(values: pd.DataFrame) -> set[frozenset[str]]:
    """Pairs with a Holm-adjusted p < 0.05, anew: reject while p * (tests left) < 0.05."""
    pairs = sorted(
        (float(stats.ttest_rel(values[a], values[b]).pvalue), a, b)
        for a, b in combinations(values.columns, 2)
    )
    apart = set()
    for i, (p, a, b) in enumerate(pairs):
        if p * (len(pairs) - i) >= 0.05:
            break
        apart.add(frozenset((a, b)))
    return apart


def test_clear_differences_give_a_group_each_in_the_order_of_the_means() -> None:
    values = draws(0, {"middle": 2.0, "worst": 0.0, "best": 4.0})
    assert rank_groups(values, higher_is_better=True) == {"middle": "2", "worst": "3", "best": "1"}
    assert rank_groups(values, higher_is_better=False) == {"middle": "2", "worst": "1", "best": "3"}


def test_a_codec_between_two_that_differ_is_in_the_groups_of_both() -> None:
    noise = np.array([0.3, -0.3, 0.25, -0.25, 0.2, -0.2])
    values = pd.DataFrame({"a": noise, "b": noise[::-1] * 3 - 0.2, "c": noise - 0.4 + noise**2})
    assert significant(values) == {frozenset("ac")}
    assert rank_groups(values, higher_is_better=True) == {"a": "1", "b": "1 2", "c": "2"}


@pytest.mark.parametrize("seed", range(20))
def test_two_codecs_share_a_group_unless_they_differ_significantly(seed: int) -> None:
    offsets = dict(zip("abcdef", np.random.default_rng(seed).normal(0, 0.2, 6), strict=True))
    values = draws(seed, offsets)
    groups = {
        codec: set(g.split()) for codec, g in rank_groups(values, higher_is_better=True).items()
    }
    apart = significant(values)
    for a, b in combinations(values.columns, 2):
        assert (frozenset((a, b)) in apart) == (not groups[a] & groups[b])
    assert "1" in groups[str(values.mean().idxmax())]
    members = [{c for c in groups if str(i) in groups[c]} for i in range(1, 20)]
    members = [m for m in members if m]
    assert not any(one < other for one in members for other in members)  # none says nothing new


def test_where_nothing_can_be_tested_all_share_a_group_or_there_is_none() -> None:
    one_clip = pd.DataFrame({"a": [1.0], "b": [2.0]})
    assert rank_groups(one_clip, higher_is_better=True) == {"a": "", "b": ""}
    one_codec = pd.DataFrame({"a": [1.0, 2.0]})
    assert rank_groups(one_codec, higher_is_better=True) == {"a": ""}
    assert rank_groups(pd.DataFrame(), higher_is_better=True) == {}
    equal = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    assert rank_groups(equal, higher_is_better=True) == {"a": "1", "b": "1"}
    always_more = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 3.0]})  # t has no spread to go by
    assert rank_groups(always_more, higher_is_better=True) == {"a": "1", "b": "1"}


def test_speakers_count_not_their_clips() -> None:
    # Two speakers of ten clips each: a difference that both show alike is two observations.
    noise = np.random.default_rng(0).normal(0, 0.01, (20, 2))
    of_speakers = np.repeat([0.2, 0.6], 10)
    values = pd.DataFrame({"a": noise[:, 0] + of_speakers, "b": noise[:, 1]})
    speakers = np.repeat([0, 1], 10)
    assert rank_groups(values, higher_is_better=True) == {"a": "1", "b": "2"}
    assert rank_groups(values, speakers, higher_is_better=True) == {"a": "1", "b": "1"}
    one = np.zeros(20, np.int64)
    assert rank_groups(values, one, higher_is_better=True) == {"a": "", "b": ""}
