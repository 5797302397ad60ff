"""Tables of ratings, from ratings that are written down."""

import numpy as np
import pandas as pd
import pytest

from almbench.listening.ratings import comparison_table, system_table
from almbench.listening.report import interval_text, p_text


def rated(**scores: list[int]) -> pd.DataFrame:
    """One clip; the scores of each system, one per listener."""
    return pd.DataFrame(
        [
            {
                "domain": "speech", "clip": "a", "listener": listener, "system": system,
                "label": system, "role": "system", "score": score, "kept": True,
            }
            for system, of_system in scores.items()
            for listener, score in enumerate(of_system)
        ]
    )  # fmt: skip


def test_quartiles_of_the_ratings() -> None:
    row = system_table(rated(one=[10, 20, 30, 40, 90])).iloc[0]
    assert (row["q1"], row["median"], row["q3"]) == (20, 30, 40)


def test_an_interval_stays_on_the_scale_but_that_of_a_difference_does_not() -> None:
    # mean 90, s = 17.3, t(0.975, 2) = 4.303: half = 43
    table = rated(good=[100, 70, 100], bad=[0, 30, 0])
    systems = system_table(table).set_index("system")
    ends = systems[["ci95_low", "ci95_high"]].to_numpy(float)
    assert list(systems.index) == ["good", "bad"]
    assert ends == pytest.approx(np.array([[46.97, 100], [0, 53.03]]), abs=0.01)
    pair = comparison_table(table).iloc[0]
    assert (pair["system_a"], pair["difference"]) == ("bad", pytest.approx(-80))
    assert pair["ci95_low"] == pytest.approx(-80 - 86.05, abs=0.01)


def test_texts_for_readers() -> None:
    assert [p_text(p) for p in (0.0009, 0.001, 0.05, None, float("nan"))] == [
        "< 0.001", "0.001", "0.050", "", "",
    ]  # fmt: skip
    assert interval_text({"ci95_low": -1.25, "ci95_high": 2.0}, "+.1f") == "-1.2 to +2.0"
    assert interval_text({"ci95_low": None, "ci95_high": None}, ".1f") == ""
