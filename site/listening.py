"""What a domain's page shows of a test set: every clip through every codec, with its scores."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from almbench.comparison import ARROWS, RATES, Comparison, with_values
from almbench.site.source import Run, kbps, number
from almbench.suite import ORIGINAL
from almbench.tables import records


@dataclass(frozen=True)
class System:
    """A column: a codec's label, whether it is an anchor, and its kbit/s, empty where unknown."""

    label: str
    anchor: bool
    nominal: str
    measured: str


@dataclass(frozen=True)
class Score:
    """A metric of a cell; without a value, the reason."""

    label: str
    arrow: str
    value: str
    unit: str
    reason: str


@dataclass(frozen=True)
class Heard:
    """A cell: the address of its sound, or the reason why there is none; notes and scores."""

    system: System
    audio: str
    reason: str
    note: str
    scores: list[Score]


@dataclass(frozen=True)
class Row:
    """A clip through all systems."""

    clip: str
    text: str
    speaker: str
    seconds: str
    original: str
    original_reason: str
    heard: list[Heard]


@dataclass(frozen=True)
class Listening:
    """The listening table of a test set."""

    testset: dict[str, Any]
    systems: list[System]
    rows: list[Row]


Addresses = dict[tuple[str, str, str], str]


def audio_parts(run: Run, testset: str, codec: str, clip: str) -> tuple[str, ...]:
    """Where a sound lies on the site."""
    return "audio", run.slug, testset, codec, f"{clip}.flac"


def listening(run: Run, table: Comparison, audio: Addresses) -> Listening:
    """Make the listening table of a test set.

    Args:
        run: The run.
        table: The comparison of the test set.
        audio: The published address of (test set, codec, clip), for each sound there is.
    """
    maker = _Maker(run, table, audio)
    clips = run.clips[run.clips["testset"] == table.testset]
    rows = [maker.row(records(group)) for _, group in clips.groupby("clip", sort=False)]
    return Listening(run.testset(table.testset), list(maker.systems.values()), rows)


class _Maker:
    def __init__(self, run: Run, table: Comparison, audio: Addresses) -> None:
        self._testset, self._scores, self._audio = table.testset, run.scores, audio
        self._metrics = [m for m in with_values(table) if m["name"] not in RATES]
        self.systems = {codec["id"]: _system(table, codec) for codec in table.codecs}

    def row(self, facts: list[dict[str, Any]]) -> Row:
        """A clip, from its rows of `clips.csv`, one a codec."""
        by_codec = {row["codec"]: row for row in facts}
        first = facts[0]
        original = self._audio.get((self._testset, ORIGINAL, first["clip"]), "")
        return Row(
            first["clip"],
            first["text"],
            first["speaker"],
            "" if pd.isna(first["duration_s"]) else f"{first['duration_s']:.1f} s",
            original,
            "" if original else first["reason"],
            [self._heard(codec, by_codec.get(codec)) for codec in self.systems],
        )

    def _heard(self, codec: str, row: dict[str, Any] | None) -> Heard:
        system = self.systems[codec]
        if row is None:
            return Heard(system, "", "not run yet", "", [])
        key = self._testset, row["clip"], codec
        address = self._audio.get((self._testset, codec, row["clip"]), "")
        if not address:
            return Heard(system, "", row["reason"] or "no sound", "", [])
        of_clip = self._scores.get(key, {})
        scores = [_score(m, of_clip[m["name"]]) for m in self._metrics if m["name"] in of_clip]
        return Heard(system, address, "", _note(row["reason"], of_clip), scores)


def _system(table: Comparison, codec: dict[str, Any]) -> System:
    nominal = codec["nominal_kbps"]
    row = table.cells.get((codec["id"], "measured_kbps"))
    measured = "" if row is None or pd.isna(row["mean"]) else kbps(row["mean"])
    return System(
        codec["label"], codec["anchor"], "" if nominal is None else kbps(nominal), measured
    )


def _score(metric: dict[str, Any], row: dict[str, Any]) -> Score:
    value = "" if pd.isna(row["value"]) else number(row["value"], metric["digits"])
    arrow = ARROWS[metric["higher_is_better"]]
    unit = "" if metric["unit"] == "MOS" else metric["unit"]  # a scale, not a quantity
    return Score(metric["label"], arrow, value, unit, row["reason"])


def _note(reason: str, of_clip: dict[str, dict[str, Any]]) -> str:
    """What to know of a sound: its row's reason, less what metrics lack in every row."""
    for row in of_clip.values():
        if row["status"] == "unavailable":
            reason = reason.replace(f"{row['metric']}: {row['reason']}", "")
    return "; ".join(part for part in reason.split("; ") if part)
