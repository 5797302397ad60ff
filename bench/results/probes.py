"""What a run's tokens carry: the records of token measures, and the table made of them."""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any, Self

import pandas as pd
from pydantic import Field, JsonValue, model_validator
from pydantic.dataclasses import dataclass

from almbench.names import ORIGINAL
from almbench.record import Record
from almbench.results.frames import to_frame
from almbench.results.records import Name, Row
from almbench.results.row_files import read_rows
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import TABLES, ProbeRow
from almbench.statistics.intervals import Estimate

ALL_BOOKS = "all"
ONE_CLUSTER = "no interval: all clips that it is over are of one cluster, such as a speaker"


class ProbeValue(Record):
    """A number that a token measure found.

    Attributes:
        measure: Name of the number, such as `probe_accuracy`.
        input: What it was computed from, such as `bag` or `sequence`, where there are several.
        book: The codebook, counted from 1, or `all`.
        value: The number; None for none.
        unit: Its unit; empty for none.
        ci95_low: Lower end of its 95 % interval; None where there is none.
        ci95_high: Upper end.
        n: Clips, or pairs or triples of them, that it is over.
        clusters: Clusters that those are of, such as speakers: what is independent.
        chance: What guessing gives; None where that means nothing.
        reason: Why there is no value, or no interval of it; or what to know of it.
        detail: What else belongs to it, such as a learning curve.
    """

    measure: str
    input: str = ""
    book: str = ALL_BOOKS
    value: float | None = None
    unit: str = ""
    ci95_low: float | None = None
    ci95_high: float | None = None
    n: int = 0
    clusters: int = 0
    chance: float | None = None
    reason: str = ""
    detail: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_finite_or_says_why(self) -> Self:
        if self.value is None and not self.reason:
            raise ValueError(f"{self.measure}: no value and no reason")
        if self.value is not None and not isfinite(self.value):
            raise ValueError(f"{self.measure} is {self.value}")
        return self

    @classmethod
    def of(
        cls, estimate: Estimate, n: int, clusters: int, *, reason: str = "", **facts: Any
    ) -> Self:
        """Make the value of a mean with its interval, or with why it has none.

        Args:
            estimate: The mean.
            n: Clips that it is over.
            clusters: Clusters of these.
            reason: Why some have no value, or what to know of it; empty for none.
            facts: The other fields.
        """
        return cls(
            value=estimate.mean,
            ci95_low=estimate.low,
            ci95_high=estimate.high,
            n=n,
            clusters=clusters,
            reason=reason or ("" if estimate.low is not None else ONE_CLUSTER),
            **facts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRecord(Row):
    """What a token measure found of a codec on a test set: a line of `rows/probes.jsonl`.

    Attributes:
        codec: Id of the codec; "original" for the baseline, plain features of the originals' sound.
        label: Name of the codec for readers.
        family: The token measure, such as `probe`.
        target: The column of labels that was looked for; empty for a measure that takes none.
        version: What computed it.
        settings: Settings of the measure.
        seed: Seed of all that was drawn.
        seconds: Seconds of computing it.
        found: What it found.
    """

    file = "probes"

    codec: Name
    label: str = ""
    family: str
    target: str = ""
    version: str = ""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    seed: int = 0
    seconds: float = 0.0
    found: tuple[ProbeValue, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """Test set, codec, measure and target."""
        return self.testset, self.codec, self.family, self.target


def read_probes(folder: RunFolder) -> list[ProbeRecord]:
    """Read the latest record of each measure of a run, by test set, codec, measure and target."""
    return sorted(read_rows(folder.root, ProbeRecord).values(), key=lambda record: record.key)


def language_bits(rows: Iterable[ProbeRow]) -> ProbeRow | None:
    """The bits a second of a codec under the language model that needs the fewest; None for none.

    A model's bits are an upper bound of the entropy rate, so the least of them is nearest to it.

    Args:
        rows: Those of one codec on one test set.
    """
    bits = [
        r
        for r in rows
        if (r.measure, r.book) == ("lm_bits_per_second", ALL_BOOKS) and r.value is not None
    ]
    return min(bits, key=lambda r: r.value or 0.0, default=None)


def probe_table(records: list[ProbeRecord]) -> pd.DataFrame:
    """Make the table of token measures, each value with its baseline beside it.

    Args:
        records: Those of a run, baselines among them.
    """
    baselines = {
        (record.testset, record.family, record.target, value.measure, value.input): value.value
        for record in records
        if record.codec == ORIGINAL
        for value in record.found
    }
    rows = []
    for record in records:
        values = record.found or (
            ProbeValue(measure=record.family, reason=record.reason or "none"),
        )
        for value in values:
            key = (record.testset, record.family, record.target, value.measure, value.input)
            rows.append(
                ProbeRow(
                    testset=record.testset,
                    codec=record.codec,
                    label=record.label,
                    target=record.target,
                    baseline=baselines.get(key) if record.codec != ORIGINAL else None,
                    seconds=record.seconds,
                    seed=record.seed,
                    settings=json.dumps(record.settings, sort_keys=True),
                    version=record.version,
                    signature=record.signature,
                    **value.model_dump(exclude={"detail"}),
                )
            )
    return to_frame(rows, TABLES["probes"])
