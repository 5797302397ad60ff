"""The tables of a run, built from its rows and its manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from almbench.metrics.bitstream import VERSIONS
from almbench.names import ORIGINAL
from almbench.results.cases import Case, cases, original_cases, read_all
from almbench.results.codec_record import ORIGINALS
from almbench.results.frames import Columns, from_frame, to_frame
from almbench.results.manifest import Manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.ranks import with_rank_groups
from almbench.results.records import Status
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import TABLES, ClipRow, MetricRow, SummaryRow
from almbench.results.token_tables import ENTROPY, TOKEN_METRICS, TokenTable, token_tables
from almbench.results.values import Values
from almbench.statistics.intervals import t_interval

MEASURED = "measured_kbps"
NOT_RUN = "not run yet"
NO_BITS = "no bits were seen: a filter, or precomputed files without codes"
NO_INTERVAL = "no interval: it takes two clips of different clusters, such as speakers"
MEANS_ONLY = "no interval: the source gives means alone"
NO_CODES = "no codes were seen: no codebooks, or precomputed files without codes"
Tokens = dict[tuple[str, str], TokenTable]


@dataclass(frozen=True)
class Tables:
    """The three tables of a run."""

    clips: pd.DataFrame
    metrics: pd.DataFrame
    summary: pd.DataFrame


def build_tables(folder: RunFolder, manifest: Manifest) -> Tables:
    """Build the tables of a run from its rows; what has not run yet is left out."""
    rows = read_all(folder)
    tokens = token_tables(folder, manifest, rows.reconstructions)
    clips, metrics = Columns(TABLES["clips"]), Columns(TABLES["metrics"])
    names: dict[str, None] = {}
    for case in original_cases(rows, manifest):
        for metric in map(manifest.metrics_by_name.__getitem__, case.testset.metrics):
            if metric.no_reference:
                metrics.add(_score(case, metric))
                names[metric.name] = None
    for case in cases(rows, manifest):
        of_case = list(_metric_rows(case, manifest, tokens))
        for row in of_case:
            metrics.add(row)
        values = {row.metric: row.value for row in of_case}
        names |= dict.fromkeys(values)
        clips.add(_clip_row(case, of_case, values), values)
    del rows  # which take as much memory as the tables that are made now
    columns = TABLES["clips"].columns
    table = metrics.frame()
    return Tables(
        clips.frame([name for name in names if name not in columns]),
        table,
        summary_table(manifest, table, tokens),
    )


def summary_table(manifest: Manifest, metrics: pd.DataFrame, tokens: Tokens) -> pd.DataFrame:
    """The means of values, with intervals and rank groups.

    Args:
        manifest: What was run.
        metrics: The values: rows of `metrics.csv`, texts as categories.
        tokens: Statistics of codes, for the rows of single codebooks.
    """
    means = summarise(manifest, metrics, tokens)
    return to_frame(with_rank_groups(means, Values(metrics), manifest), TABLES["summary"])


def _clip_row(case: Case, metrics: list[MetricRow], values: dict[str, float | None]) -> ClipRow:
    codec, row, duration = case.codec, case.reconstruction, case.original.duration_s
    status, reason = _overall(case, metrics)
    return ClipRow(
        testset=case.testset.name,
        domain=case.testset.domain,
        clip=case.clip.id,
        codec=codec.id,
        label=codec.label,
        duration_s=duration,
        nominal_kbps=codec.nominal_kbps,
        measured_kbps=values.get("measured_kbps"),
        entropy_kbps=values.get("entropy_kbps"),
        tokens_per_second=codec.tokens_per_second,
        frame_rate_hz=codec.frame_rate,
        encode_rtf=row.encode_s / duration if row.encode_s and duration else None,
        decode_rtf=row.decode_s / duration if row.decode_s and duration else None,
        lag_ms=values.get("lag_ms"),
        gain_db=values.get("gain_db"),
        status=status,
        reason=reason,
        speaker=case.clip.speaker,
        text=case.clip.text,
        sample_rate_hz=row.rate,
        clipped_samples=row.clipped if row.status == "ok" else None,
        encoded_with=row.encoded_with,
    )


def _overall(case: Case, metrics: list[MetricRow]) -> tuple[Status, str]:
    """Sum a clip up: failed if anything failed, with every reason and note."""
    row = case.reconstruction
    if row.status != "ok":
        return row.status, row.reason
    notes = [*case.original_notes, *filter(None, [row.note])]
    without = [m for m in metrics if m.status in {"failed", "unavailable"}]
    notes += [f"{m.metric}: {m.reason}" for m in without]
    failed = any(m.status == "failed" for m in without)
    return "failed" if failed else "ok", "; ".join(notes)


def _metric_rows(case: Case, manifest: Manifest, tokens: Tokens) -> Iterator[MetricRow]:
    yield _measured(case)
    entropy, *others = _token_rows(case, tokens.get((case.testset.name, case.codec.id)))
    yield entropy
    for name in case.testset.metrics:
        yield _score(case, manifest.metrics_by_name[name])
    yield from others


def _row(case: Case, metric: str, status: Status, reason: str = "", **facts: Any) -> MetricRow:
    return MetricRow(
        testset=case.testset.name,
        domain=case.testset.domain,
        clip=case.clip.id,
        codec=case.codec.id,
        metric=metric,
        status=status,
        reason=reason,
        **facts,
    )


def _measured(case: Case) -> MetricRow:
    row, duration = case.reconstruction, case.original.duration_s
    facts = {"signature": row.signature, "version": VERSIONS[MEASURED]}
    if row.status != "ok":
        return _row(case, MEASURED, row.status, row.reason, **facts)
    if row.bits is None or not duration:
        return _row(case, MEASURED, "skipped", NO_BITS, **facts)
    return _row(case, MEASURED, "ok", value=row.bits / duration / 1000, **facts)


def _token_rows(case: Case, tokens: TokenTable | None) -> list[MetricRow]:
    """The entropy bitrate of a clip, then what else there is of a codec with codebooks."""
    row, duration = case.reconstruction, case.original.duration_s
    status, reason = row.status, row.reason
    if status == "ok":
        if tokens is not None and duration and case.clip.id in tokens:
            return tokens.clip_rows(case.clip.id, duration)
        status, reason = "skipped", NO_CODES
    return [
        _row(case, name, status, reason, signature=row.signature, version=VERSIONS[name])
        for name in TOKEN_METRICS
        if name == ENTROPY or tokens is not None
    ]


def _score(case: Case, metric: MetricRecord) -> MetricRow:
    """The state of a metric: its row, or why there is none."""
    row = case.reconstruction
    rate = case.testset.scoring_rate
    facts: dict[str, Any] = {"version": metric.version, "rate_hz": metric.rate or rate}
    if row.status != "ok":
        return _row(case, metric.name, row.status, row.reason, **facts)
    if metric.missing:
        return _row(case, metric.name, "unavailable", metric.missing, **facts)
    score = case.scores.get(metric.name)
    if score is None or score.signature != metric.signature(row.signature, rate, case.clip.text):
        return _row(case, metric.name, "skipped", NOT_RUN, **facts)  # or under other settings
    facts |= {"value": score.value, "seconds": score.seconds, "signature": score.signature}
    return _row(case, metric.name, score.status, score.reason, **facts)


def summarise(manifest: Manifest, metrics: pd.DataFrame, tokens: Tokens) -> list[SummaryRow]:
    """A row of each mean, by test set and codec in the manifest's order, the originals first.

    Args:
        manifest: What was run.
        metrics: The values: rows of `metrics.csv`, texts as categories.
        tokens: Statistics of codes, for the rows of single codebooks.
    """
    groups: dict[tuple[str, str], list[tuple[MetricRow, pd.DataFrame]]] = {}
    by = ["testset", "codec", "metric"]
    firsts = {
        (row.testset, row.codec, row.metric): row
        for row in from_frame(metrics[~metrics.duplicated(by)], MetricRow)
    }
    key: Any
    for key, group in metrics.groupby(by, observed=True, sort=False):
        groups.setdefault(key[:2], []).append((firsts[key], group))
    rows: list[SummaryRow] = []
    for testset in manifest.testsets:
        for codec in (ORIGINAL, *testset.codecs):
            of = testset.name, codec
            rows += [_mean(first, group, manifest) for first, group in groups.get(of, [])]
            rows += tokens[of].codebook_rows() if of in tokens else []
    return rows


def _mean(first: MetricRow, group: pd.DataFrame, manifest: Manifest) -> SummaryRow:
    metric, testset = (
        manifest.metrics_by_name[first.metric],
        manifest.testsets_by_name[first.testset],
    )
    scored = group[group["value"].notna()]
    clusters = testset.clusters(scored["clip"])
    mean, low, high = t_interval(scored["value"].to_numpy(float), clusters).within(
        metric.low, metric.high
    )
    independent = len(np.unique(clusters))
    no_interval = MEANS_ONLY if testset.means else NO_INTERVAL
    reasons = (reason for reason in group["reason"] if reason)
    return SummaryRow(
        testset=first.testset,
        domain=first.domain,
        codec=first.codec,
        metric=first.metric,
        mean=mean,
        ci95_low=low,
        ci95_high=high,
        n=len(scored),
        clusters=independent,
        failed=int((group["status"] == "failed").sum()),
        label=(manifest.codecs_by_id.get(first.codec) or ORIGINALS).label,
        version=first.version,
        rate_hz=first.rate_hz,
        reason=(no_interval if independent == 1 else "") if len(scored) else next(reasons, ""),
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each as column -> value."""
    return cast("list[dict[str, Any]]", table.to_dict("records"))
