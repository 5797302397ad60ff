"""Paired comparisons of codecs, in one run or across two."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from almbench.domains import Domain
from almbench.errors import UserError
from almbench.results.manifest import Manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.records import OriginalRow
from almbench.results.row_files import read_rows
from almbench.statistics.paired import compare_paired
from almbench.statistics.significance import ALPHA, holm_adjust

if TYPE_CHECKING:
    from almbench.results.results import Results

MOVED = 3  # clips named, at most, that moved most
Verdict = Literal["better", "worse", "different", "not separated", "not tested"]


@dataclass(frozen=True, kw_only=True)
class MovedClip:
    """A clip with its values by both codecs, and where they can be heard, if anywhere."""

    clip: str
    baseline_value: float
    value: float
    baseline_sound: Path | None
    sound: Path | None


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """A codec against a baseline by a metric, over the clips of a test set that both have.

    Attributes:
        testset: Name of the test set.
        domain: Its domain.
        metric: Name of the metric.
        baseline: Id of the codec that is compared with.
        codec: Id of the codec.
        n: Clips that both have.
        clusters: Clusters that those are of.
        baseline_mean: Mean of the baseline over those clips.
        mean: Mean of the codec over them.
        difference: Mean of codec less baseline.
        ci95_low: Lower end of its 95 % interval.
        ci95_high: Upper end.
        p: P-value of the paired t-test.
        p_holm: The same, Holm-adjusted for all comparisons made together.
        effect_size: Mean difference over the standard deviation of the differences.
        wins: Clips by which the codec is better; higher, where neither way is better.
        ties: Clips with equal values.
        losses: Clips by which it is worse.
        smallest_difference: The smallest difference that these clips can show at 80 % power, with
            the level of 5 % shared by all comparisons made together.
        verdict: What it comes to.
        note: The verdict in words, where it is not a difference.
        moved: The clips that moved most.
    """

    testset: str
    domain: Domain
    metric: str
    baseline: str
    codec: str
    n: int
    clusters: int
    baseline_mean: float | None
    mean: float | None
    difference: float | None
    ci95_low: float | None
    ci95_high: float | None
    p: float | None
    p_holm: float | None
    effect_size: float | None
    wins: int
    ties: int
    losses: int
    smallest_difference: float | None
    verdict: Verdict
    note: str
    moved: tuple[MovedClip, ...]


def compared_metrics(manifest: Manifest) -> list[str]:
    """The metrics of a run by which codecs are compared: those of its tables with a better way."""
    return [
        name
        for name, metric in manifest.metrics_by_name.items()
        if metric.compared and metric.higher_is_better is not None
    ]


def compare_codecs(
    old: "Results",
    pairs: Iterable[tuple[str, str]],
    metrics: Sequence[str],
    new: "Results | None" = None,
) -> list[PairedComparison]:
    """Compare codecs, pair by pair, in every test set that has both.

    Args:
        old: The run of the baselines.
        pairs: Baseline and codec, by id.
        metrics: Names of metrics.
        new: The run of the codecs, where it is another.

    Raises:
        UserError: A codec or metric is in neither test set, or the runs are not comparable.
    """
    new = new or old
    names = [
        name for name in old.manifest.testsets_by_name if name in new.manifest.testsets_by_name
    ]
    if new is not old:
        _check(old, new, names, metrics)
    pairs = list(pairs)
    asked = [
        (testset, metric, baseline, codec)
        for testset, metric, (baseline, codec) in product(names, metrics, pairs)
        if baseline in old.manifest.testsets_by_name[testset].codecs
        and codec in new.manifest.testsets_by_name[testset].codecs
    ]
    named = {(testset, metric) for testset, metric, _, _ in asked}
    before, after = ({key: run.by_metric.of(*key) for key in named} for run in (old, new))
    asked = [key for key in asked if key[2] in before[key[:2]] and key[3] in after[key[:2]]]
    if not asked:
        raise UserError(
            "There is nothing to compare: no test set has values of "
            f"{' or '.join(metrics) or 'a metric with a better direction'} for "
            f"{', '.join(f'{a} and {b}' for a, b in pairs) or 'two codecs'}. "
            f"Codecs: {', '.join(new.manifest.codecs_by_id)}. "
            f"Metrics: {', '.join(new.manifest.metrics_by_name)}."
        )
    made = [
        _compare(old, new, before[key[:2]][key[2]], after[key[:2]][key[3]], key, len(asked))
        for key in asked
    ]
    return _adjusted(made, new.manifest)


def _compare(
    old: "Results",
    new: "Results",
    before: "pd.Series[float]",
    after: "pd.Series[float]",
    key: tuple[str, str, str, str],
    comparisons: int,
) -> PairedComparison:
    testset, metric, baseline, codec = key
    a, b = before.dropna(), after.dropna()
    shared = a.index[a.index.isin(b.index)].tolist()
    record = new.manifest.testsets_by_name[testset]
    clusters = record.clusters(shared)
    left, right = (side[shared].to_numpy(float) for side in (a, b))
    differences = right - left
    found = compare_paired(differences, clusters, comparisons)
    lower = new.manifest.metrics_by_name[metric].higher_is_better is False
    moved = sorted(range(len(shared)), key=lambda i: -abs(differences[i]))[:MOVED]
    return PairedComparison(
        testset=testset,
        domain=record.domain,
        metric=metric,
        baseline=baseline,
        codec=codec,
        n=len(shared),
        clusters=len(np.unique(clusters)),
        baseline_mean=float(left.mean()) if shared else None,
        mean=float(right.mean()) if shared else None,
        difference=found.estimate.mean,
        ci95_low=found.estimate.low,
        ci95_high=found.estimate.high,
        p=found.p,
        p_holm=None,
        effect_size=found.effect_size,
        wins=found.negative if lower else found.positive,
        ties=found.equal,
        losses=found.positive if lower else found.negative,
        smallest_difference=found.smallest,
        verdict="not tested",
        note="",
        moved=tuple(
            MovedClip(
                clip=shared[i],
                baseline_value=float(left[i]),
                value=float(right[i]),
                baseline_sound=_sound(old, testset, baseline, shared[i]),
                sound=_sound(new, testset, codec, shared[i]),
            )
            for i in moved
        ),
    )


def _sound(run: "Results", testset: str, codec: str, clip: str) -> Path | None:
    return None if run.manifest.source else run.folder.audio(testset, codec, clip)


def _adjusted(made: list[PairedComparison], manifest: Manifest) -> list[PairedComparison]:
    """Adjust the p-values for each other, and say what they come to."""
    tested = [row for row in made if row.p is not None]
    adjusted = iter(holm_adjust(np.array([row.p for row in tested], float)).tolist())
    done = []
    for row in made:
        p = None if row.p is None else next(adjusted)
        better = manifest.metrics_by_name[row.metric].higher_is_better
        verdict = _verdict(row, p, better)
        clips = manifest.testsets_by_name[row.testset].count(row.n, row.clusters)
        done.append(replace(row, p_holm=p, verdict=verdict, note=_note(row, verdict, clips)))
    return done


def _verdict(row: PairedComparison, p: float | None, better: bool | None) -> Verdict:
    if p is None or row.difference is None:
        return "not tested"
    if p >= ALPHA:
        return "not separated"
    if better is None:
        return "different"
    return "better" if (row.difference > 0) is better else "worse"


def _note(row: PairedComparison, verdict: Verdict, clips: str) -> str:
    if verdict == "not separated":
        if row.ties == row.n:
            return f"equal on all {clips}"
        lost = row.p is not None and row.p < ALPHA
        return f"{clips} do not separate these two{', among so many comparisons' if lost else ''}"
    if verdict == "not tested":
        alike = row.clusters > 1
        return f"{clips}: no test, as " + (
            "all differences are alike" if alike else "it takes two clips of different clusters"
        )
    return ""


def _check(old: "Results", new: "Results", testsets: Sequence[str], metrics: Sequence[str]) -> None:
    """Refuse two runs whose values do not mean the same.

    Raises:
        UserError: They were made by other rules, metrics, scoring rates or clips.
    """
    faults = []
    made_by = [
        run.manifest.source.name if run.manifest.source else "almbench" for run in (old, new)
    ]
    if made_by[0] != made_by[1]:
        faults.append(f"scores by {made_by[0]} and by {made_by[1]}")
    if old.manifest.policies.version != new.manifest.policies.version:
        a, b = old.manifest.policies.version, new.manifest.policies.version
        faults.append(f"policies of version {a} and {b}")
    for name in metrics:
        one, other = (m.manifest.metrics_by_name.get(name) for m in (old, new))
        if one and other and _computed(one) != _computed(other):
            faults.append(f"{name}: {_computed(one)} and {_computed(other)}")
    originals = [read_rows(run.folder.root, OriginalRow) for run in (old, new)]
    for name in testsets:
        one_rate, other_rate = (
            run.manifest.testsets_by_name[name].scoring_rate for run in (old, new)
        )
        if one_rate != other_rate:
            faults.append(f"test set {name}: scored at {one_rate} and {other_rate} Hz")
        changed = [
            key[1]
            for key, row in originals[0].items()
            if key[0] == name
            and (other_row := originals[1].get(key))
            and row.samples_sha256 != other_row.samples_sha256
        ]
        if changed:
            faults.append(f"test set {name}: other sound under the same name: {', '.join(changed)}")
    if faults:
        raise UserError(
            f"{old.folder.root} and {new.folder.root} cannot be compared: {'; '.join(faults)}. "
            "To fix: score both in the same way, or name other metrics with --metric."
        )


def _computed(metric: MetricRecord) -> str:
    settings = ", ".join(f"{key}={value}" for key, value in sorted(metric.settings.items()))
    return f"{metric.version}{f' with {settings}' if settings else ''}"
