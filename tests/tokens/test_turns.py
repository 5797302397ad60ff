"""Clips drawn in turn."""

import numpy as np

from almbench.tokens.turns import in_turns


def test_clips_are_drawn_from_as_many_clusters_as_there_are() -> None:
    kinds = [0] * 10 + [1, 2, 3]
    assert set(np.array(kinds)[in_turns(kinds, 4, 0)]) == {0, 1, 2, 3}
    assert len(in_turns(kinds, 100, 0)) == 13
    assert in_turns(kinds, 6, 1).tolist() == in_turns(kinds, 6, 1).tolist()
