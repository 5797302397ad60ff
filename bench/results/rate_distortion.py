"""Rate-distortion comparisons of codec families: Bjøntegaard deltas over their operating points."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from almbench.domains import Domain
from almbench.errors import UserError, unknown
from almbench.results.manifest import Manifest
from almbench.results.testset_record import TestSetRecord
from almbench.statistics.bjontegaard import (
    LEAST_POINTS,
    Curve,
    Measure,
    bd_quality,
    bd_rate,
    estimate_delta,
    no_delta,
)

if TYPE_CHECKING:
    from almbench.results.results import Results

RATE = "measured_kbps"
FEW = (
    0.75  # overlap below which a delta says little of the curves, as the package bjontegaard warns
)
MeasureName = Literal["bd_rate", "bd_quality"]
MEASURES: dict[MeasureName, Measure] = {"bd_rate": bd_rate, "bd_quality": bd_quality}
Families = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class RateDistortion:
    """A codec family against a baseline by a metric, over the clips of a test set.

    Attributes:
        testset: Name of the test set.
        domain: Its domain.
        metric: Name of the metric.
        measure: `bd_rate`: the bitrate at equal quality, in percent more than the baseline.
            `bd_quality`: the metric at equal bitrate, less that of the baseline.
        baseline: Name of the family that is compared with.
        baseline_codecs: Ids of its codecs, by ascending bitrate.
        family: Name of the family.
        codecs: Ids of its codecs, by ascending bitrate.
        n: Clips that all those codecs have.
        clusters: Clusters that those are of.
        value: The delta; None for none.
        unit: `%`, or the unit of the metric.
        ci95_low: Lower end of its 95 % interval.
        ci95_high: Upper end.
        overlap: Share of the joint span that both curves cover: of qualities for `bd_rate`, of
            log bitrates for `bd_quality`.
        better: Whether the family is better than the baseline; None where the interval does not
            tell.
        reason: Why there is no delta, or no interval; or what to know of it.
    """

    testset: str
    domain: Domain
    metric: str
    measure: MeasureName
    baseline: str
    baseline_codecs: tuple[str, ...]
    family: str
    codecs: tuple[str, ...]
    n: int
    clusters: int
    value: float | None
    unit: str
    ci95_low: float | None
    ci95_high: float | None
    overlap: float | None
    better: bool | None
    reason: str


def families_of(manifest: Manifest) -> dict[str, list[str]]:
    """The codec families of a run with enough operating points: name -> ids of its codecs.

    Anchors have no bitrate, and of precomputed files without codes no bits were seen.
    """
    found: dict[str, list[str]] = {}
    for codec in manifest.codecs:
        if not codec.anchor and (codec.with_codes or not codec.precomputed):
            found.setdefault(codec.family, []).append(codec.id)
    return {name: ids for name, ids in found.items() if len(ids) >= LEAST_POINTS}


def compare_families(
    run: "Results",
    families: Families,
    pairs: Iterable[tuple[str, str]],
    metrics: Sequence[str] | None = None,
) -> list[RateDistortion]:
    """Compare codec families, pair by pair, in every test set that has operating points of both.

    Args:
        run: The run.
        families: Ids of the codecs of each family.
        pairs: Baseline and family, by name.
        metrics: Names of metrics; None for the headline metrics of each domain.

    Raises:
        UserError: A codec, a family or a metric is not in the run, or there is nothing to compare.
    """
    pairs = list(pairs)
    _check(run.manifest, families, pairs, metrics)
    made = [
        row
        for testset in run.manifest.testsets
        for metric, pair in product(_metrics(run.manifest, testset, metrics), pairs)
        for row in _compare(run, families, testset, metric, pair)
    ]
    if not made and len(families) < 2:
        raise UserError(_too_few(run.manifest))
    if not made:
        raise UserError(
            "There is nothing to compare: no test set has two families and a metric of which one "
            f"way is better. Families: {', '.join(families) or 'none'}."
        )
    return made


def _too_few(manifest: Manifest) -> str:
    """Say what a comparison needs, and what there is."""
    found: dict[str, list[str]] = {}
    for codec in manifest.codecs:
        if not codec.anchor:
            found.setdefault(codec.family, []).append(codec.id)
    there = "; ".join(f"{family}: {', '.join(ids)}" for family, ids in found.items())
    return (
        f"BD-rate compares two families of {LEAST_POINTS} operating points each, codecs of one "
        f"kind at different bitrates. This run has {there or 'no codecs'}. To fix: run more "
        "settings of a codec (bench list codecs), or list codecs as a family: --family "
        "NAME=CODEC,CODEC,CODEC."
    )


def _check(
    manifest: Manifest,
    families: Families,
    pairs: Sequence[tuple[str, str]],
    metrics: Sequence[str] | None,
) -> None:
    for name in {name for pair in pairs for name in pair}:
        if name not in families:
            raise UserError(
                unknown("codec family", name, families, f"with {LEAST_POINTS} operating points")
            )
        for codec in families[name]:
            if codec not in manifest.codecs_by_id:
                raise UserError(unknown("codec", codec, manifest.codecs_by_id, "in the run"))
    directed = [m.name for m in manifest.metrics if m.higher_is_better is not None]
    for metric in metrics or []:
        if metric not in directed:
            where = "of which one way is better, in the run"
            raise UserError(unknown("metric", metric, directed, where))


def _metrics(
    manifest: Manifest, testset: TestSetRecord, asked: Sequence[str] | None
) -> Iterator[str]:
    for name in testset.metrics:
        metric = manifest.metrics_by_name[name]
        chosen = testset.domain in metric.headline if asked is None else name in asked
        if chosen and metric.higher_is_better is not None:
            yield name


def _compare(
    run: "Results", families: Families, testset: TestSetRecord, metric: str, pair: tuple[str, str]
) -> Iterator[RateDistortion]:
    ids = [[id_ for id_ in families[name] if id_ in testset.codecs] for name in pair]
    if not all(ids):
        return
    every = list(dict.fromkeys([*ids[0], *ids[1]]))
    rates, values = (_table(run, testset.name, name, every) for name in (RATE, metric))
    clips = list(rates.dropna().index.intersection(values.dropna().index))
    mean_rates = rates.loc[clips].mean()
    ids = [sorted(of_family, key=lambda id_: mean_rates[id_]) for of_family in ids]
    baseline, curve = (
        Curve(
            name,
            rates.loc[clips, of_family].to_numpy().T,
            values.loc[clips, of_family].to_numpy().T,
        )
        for name, of_family in zip(pair, ids, strict=True)
    )
    record = run.manifest.metrics_by_name[metric]
    higher = bool(record.higher_is_better)
    clusters = testset.clusters(clips)
    for name, measure in MEASURES.items():
        if clips:
            found = estimate_delta(measure, baseline, curve, clusters, higher_is_better=higher)
        else:
            found = no_delta(_missing(rates, values, metric))
        low, high = found.estimate.low, found.estimate.high
        yield RateDistortion(
            testset=testset.name,
            domain=testset.domain,
            metric=metric,
            measure=name,
            baseline=pair[0],
            baseline_codecs=tuple(ids[0]),
            family=pair[1],
            codecs=tuple(ids[1]),
            n=len(clips),
            clusters=len(np.unique(clusters)),
            value=found.estimate.mean,
            unit="%" if name == "bd_rate" else record.unit,
            ci95_low=low,
            ci95_high=high,
            overlap=found.overlap,
            better=_better(low, high, lower=name == "bd_rate" or not higher),
            reason=found.reason or _caution(found.overlap),
        )


def _table(run: "Results", testset: str, metric: str, codecs: list[str]) -> pd.DataFrame:
    """The values of a metric, one row per clip, one column per codec."""
    return run.by_metric.of(testset, metric).reindex(columns=codecs).dropna(how="all")


def _missing(rates: pd.DataFrame, values: pd.DataFrame, metric: str) -> str:
    """Why no clip has a bitrate and a value by all codecs."""
    for table, what in ((rates, "no measured bitrate"), (values, f"no value of {metric}")):
        if without := [str(id_) for id_ in table if table[id_].isna().all()]:
            return f"{what}: {', '.join(without)}"
    return "no clip has a measured bitrate and a value at all operating points"


def _better(low: float | None, high: float | None, *, lower: bool) -> bool | None:
    if low is None or high is None or low <= 0 <= high:
        return None
    return (high < 0) is lower


def _caution(overlap: float | None) -> str:
    return "the curves overlap little" if overlap is not None and overlap < FEW else ""
