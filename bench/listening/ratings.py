"""Ratings of systems side by side: their means, and paired comparisons of systems."""

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Any, Literal, Self, TypeVar

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from almbench.listening.panel import Panel
from almbench.listening.result_file import (
    Count,
    ListenerResult,
    Strict,
    Text,
    Trial,
    check_unique,
)
from almbench.names import ORIGINAL
from almbench.statistics.intervals import Estimate, t_interval
from almbench.statistics.significance import holm_adjust, paired_t_test
from almbench.suite.config import Name

RATING_COLUMNS = [
    "domain", "test", "listener", "clip", "system", "label", "role", "score", "plays", "kept",
]  # fmt: skip
SYSTEM_COLUMNS = [
    "domain", "system", "label", "role", "listeners", "clips", "ratings", "mean", "ci95_low",
    "ci95_high", "median", "q1", "q3",
]  # fmt: skip
CLIP_COLUMNS = [
    "domain", "clip", "system", "label", "listeners", "mean", "ci95_low", "ci95_high",
]  # fmt: skip
PAIR_COLUMNS = [
    "domain", "system_a", "label_a", "system_b", "label_b", "listeners", "clips", "difference",
    "ci95_low", "ci95_high", "p", "p_holm", "note",
]  # fmt: skip
SCALE = 0, 100
Role = Literal["system", "reference", "anchor"]


class Rating(Strict):
    """What a listener gave one sound of a trial.

    Attributes:
        system: The codec's id; `original` for the hidden reference.
        role: system, reference or anchor.
        label: The system's name for readers.
        score: 0 to 100.
        plays: How often it was played.
    """

    system: Name
    role: Role
    label: Text
    score: Annotated[int, Field(ge=SCALE[0], le=SCALE[1])]
    plays: Count

    @model_validator(mode="after")
    def _reference_is_the_original(self) -> Self:
        if (self.role == "reference") != (self.system == ORIGINAL):
            raise ValueError(f"system '{self.system}' cannot have the role '{self.role}'")
        return self


class RatedTrial(Trial):
    """A clip through all systems, rated side by side."""

    ratings: Annotated[tuple[Rating, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _systems_are_unique(self) -> Self:
        check_unique("system", [rating.system for rating in self.ratings])
        return self


class RatedResult(ListenerResult):
    """A test that rates systems, as one listener did it."""

    trials: tuple[RatedTrial, ...]

    @model_validator(mode="after")
    def _clips_are_unique(self) -> Self:
        check_unique("clip", [trial.clip for trial in self.trials])
        return self


Rated = TypeVar("Rated", bound=RatedResult)


def rating_table(panels: Sequence[Panel[Rated]]) -> pd.DataFrame:
    """All ratings, one row each; `kept` is False for those of listeners who were left out."""
    rows = [
        {
            "domain": panel.domain,
            "test": panel.test,
            "listener": listener.result.listener,
            "clip": trial.clip,
            **rating.model_dump(),
            "kept": listener.kept,
        }
        for panel in panels
        for listener in panel.listeners
        for trial in listener.result.trials
        for rating in trial.ratings
    ]
    return pd.DataFrame(rows, columns=RATING_COLUMNS).astype({"kept": bool})


def system_table(rated: pd.DataFrame) -> pd.DataFrame:
    """One row per domain and system: mean over listeners of their means over the clips.

    Args:
        rated: The ratings, as from `rating_table`; those that are not kept are passed over.
    """
    rows = []
    for (domain, system), group in _groups(rated, ["domain", "system"]):
        of_listeners = group.groupby("listener")["score"].mean().to_numpy(float)
        q1, median, q3 = np.percentile(group["score"], [25, 50, 75])
        rows.append(
            {
                "domain": domain,
                "system": system,
                "label": group["label"].iloc[0],
                "role": group["role"].iloc[0],
                "listeners": len(of_listeners),
                "clips": group["clip"].nunique(),
                "ratings": len(group),
                **_on_scale(t_interval(of_listeners)),
                "median": median,
                "q1": q1,
                "q3": q3,
            }
        )
    table = pd.DataFrame(rows, columns=SYSTEM_COLUMNS)
    return table.sort_values(["domain", "mean"], ascending=[True, False], kind="stable")


def clip_table(rated: pd.DataFrame) -> pd.DataFrame:
    """One row per domain, clip and system: the mean over listeners."""
    rows = [
        {
            "domain": domain,
            "clip": clip,
            "system": system,
            "label": group["label"].iloc[0],
            "listeners": len(group),
            **_on_scale(t_interval(group["score"].to_numpy(float))),
        }
        for (domain, clip, system), group in _groups(rated, ["domain", "clip", "system"])
    ]
    return pd.DataFrame(rows, columns=CLIP_COLUMNS)


def comparison_table(rated: pd.DataFrame) -> pd.DataFrame:
    """One row per domain and pair of systems, compared over listeners by paired t-tests.

    A listener's difference is between the means over the clips that both systems have. The p-values
    are Holm-adjusted for all pairs of a domain. The hidden reference and the anchors are not
    compared.
    """
    tables = []
    for (domain,), group in _groups(rated[rated["role"] == "system"], ["domain"]):
        labels = group.groupby("system")["label"].first()
        scores = group.pivot_table(index=["listener", "clip"], columns="system", values="score")
        rows = [
            {
                "domain": domain,
                "system_a": a,
                "label_a": labels[a],
                "system_b": b,
                "label_b": labels[b],
                **_difference(scores[a] - scores[b]),
            }
            for a, b in combinations(labels.index, 2)
        ]
        table = pd.DataFrame(rows, columns=PAIR_COLUMNS)
        tested = table["p"].notna()
        table.loc[tested, "p_holm"] = holm_adjust(table.loc[tested, "p"].to_numpy(float))
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=PAIR_COLUMNS)


def _difference(of_sounds: pd.Series) -> dict[str, Any]:
    """Compare two systems, from their differences by listener and clip."""
    both = of_sounds.dropna()
    clips = both.index.get_level_values("clip").nunique()
    if both.empty:
        return {"listeners": 0, "clips": 0, "note": "no clip has both"}
    differences = both.groupby("listener").mean().to_numpy(float)
    estimate, p = t_interval(differences), paired_t_test(differences)
    note = ""
    if p is None:
        note = "a single listener" if len(differences) == 1 else "all listeners differ alike: no t"
    return {
        "listeners": len(differences),
        "clips": clips,
        "difference": estimate.mean,
        "ci95_low": estimate.low,
        "ci95_high": estimate.high,
        "p": p,
        "note": note,
    }


def _groups(rated: pd.DataFrame, keys: list[str]) -> Any:
    return rated[rated["kept"]].groupby(keys)


def _on_scale(estimate: Estimate) -> dict[str, float | None]:
    """An estimate's columns; an interval cannot leave the scale, nor can what it is to cover."""
    low, high = SCALE
    return {
        "mean": estimate.mean,
        "ci95_low": None if estimate.low is None else max(estimate.low, low),
        "ci95_high": None if estimate.high is None else min(estimate.high, high),
    }
