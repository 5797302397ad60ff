"""The tables of a run, built from its rows and its manifest, written as CSV and read back."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pandas as pd

from almbench.atomic import write_atomically
from almbench.errors import UserError, in_a_line
from almbench.metrics.bitstream import VERSIONS
from almbench.names import ORIGINAL, check_file_name
from almbench.results.cases import Case, cases, original_cases
from almbench.results.formats import TABLE_NAMES, TableName
from almbench.results.manifest import ORIGINALS, Manifest, MetricRecord
from almbench.results.ranks import with_rank_groups
from almbench.results.records import Status
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import (
    TABLES,
    TEXT,
    WHOLE,
    ClipRow,
    MetricRow,
    SummaryRow,
    to_frame,
)
from almbench.results.token_tables import ENTROPY, TOKEN_METRICS, TokenTable, token_tables
from almbench.spreadsheets import as_typed, inert
from almbench.statistics.intervals import t_interval

MEASURED = "measured_kbps"
LARGEST = 2**53  # up to here every whole number has a float of its own
FOREIGN = {
    "label",
    "speaker",
    "text",
    "target",
}  # columns of text from outside, made inert in CSV files
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
    tokens = token_tables(folder, manifest)
    clips: list[ClipRow] = []
    values: list[dict[str, float | None]] = []
    metrics = [
        _score(case, metric)
        for case in original_cases(folder, manifest)
        for metric in map(manifest.metrics_by_name.__getitem__, case.testset.metrics)
        if metric.no_reference
    ]
    for case in cases(folder, manifest):
        of_case = list(_metric_rows(case, manifest, tokens))
        metrics += of_case
        values.append({row.metric: row.value for row in of_case})
        clips.append(_clip_row(case, of_case, values[-1]))
    columns = TABLES["clips"].columns
    extra = [name for name in dict.fromkeys(row.metric for row in metrics) if name not in columns]
    summary = with_rank_groups(summarise(manifest, metrics, tokens), metrics, manifest)
    return Tables(
        to_frame(clips, columns + extra, values),
        to_frame(metrics, TABLES["metrics"].columns),
        to_frame(summary, TABLES["summary"].columns),
    )


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


def summarise(manifest: Manifest, metrics: list[MetricRow], tokens: Tokens) -> list[SummaryRow]:
    """A row of each mean, by test set and codec in the manifest's order, the originals first.

    Args:
        manifest: What was run.
        metrics: The values.
        tokens: Statistics of codes, for the rows of single codebooks.
    """
    groups: dict[tuple[str, str], dict[str, list[MetricRow]]] = {}
    for row in metrics:
        groups.setdefault((row.testset, row.codec), {}).setdefault(row.metric, []).append(row)
    rows: list[SummaryRow] = []
    for testset in manifest.testsets:
        for codec in (ORIGINAL, *testset.codecs):
            key = testset.name, codec
            rows += [_mean(group, manifest) for group in groups.get(key, {}).values()]
            rows += tokens[key].codebook_rows() if key in tokens else []
    return rows


def _mean(group: list[MetricRow], manifest: Manifest) -> SummaryRow:
    first, metric = group[0], manifest.metrics_by_name[group[0].metric]
    scored = {row.clip: row.value for row in group if row.value is not None}
    testset = manifest.testsets_by_name[first.testset]
    clusters = testset.clusters(scored)
    mean, low, high = t_interval(np.array(list(scored.values()), float), clusters).within(
        metric.low, metric.high
    )
    independent = len(np.unique(clusters))
    no_interval = MEANS_ONLY if testset.means else NO_INTERVAL
    reasons = [row.reason for row in group if row.reason]
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
        failed=sum(row.status == "failed" for row in group),
        label=(manifest.codecs_by_id.get(first.codec) or ORIGINALS).label,
        version=first.version,
        rate_hz=first.rate_hz,
        reason=(no_interval if independent == 1 else "") if scored else next(iter(reasons), ""),
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each as column -> value."""
    return cast("list[dict[str, Any]]", table.to_dict("records"))


def table_bytes(tables: Tables, name: TableName) -> bytes:
    """The content of a table's CSV file."""
    return csv_bytes(getattr(tables, name))


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV, text from outside made inert."""
    table = table.copy()
    for column in FOREIGN.intersection(table.columns):
        table[column] = table[column].map(inert)
    return table.to_csv(index=False, lineterminator="\n").encode()


def write_tables(tables: Tables, folder: RunFolder) -> None:
    """Write `clips.csv`, `metrics.csv` and `summary.csv`, each in one step."""
    for name in TABLE_NAMES:
        write_atomically(folder.table(name), table_bytes(tables, name))


def write_probes(table: pd.DataFrame, folder: RunFolder) -> None:
    """Write `probes.csv` in one step."""
    write_atomically(folder.table("probes"), csv_bytes(table))


def read_table(folder: RunFolder, name: TableName) -> pd.DataFrame:
    """Read a table of a run.

    Args:
        folder: The run folder.
        name: clips, metrics, summary or probes.

    Raises:
        UserError: The folder is not a finished run, or has no such table.
    """
    path = folder.table(name)
    if not path.is_file():
        if name == "probes":
            raise UserError(
                f"{folder.root} has no probes.csv. Make it with: bench probe {folder.root}"
            )
        raise UserError(
            f"{folder.root} is not a finished run: {path.name} is missing. "
            f"Make or finish it with: bench run SUITE -o {folder.root}"
        )
    folder.check(path)
    try:
        return _parse(path, name)
    except (ValueError, KeyError, OverflowError, RecursionError, csv.Error) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"{path} is damaged: {in_a_line(said[0], 200)}. To fix: have it made again with: "
            f"bench run {folder.suite} -o {folder.root}"
        ) from error


def _parse(path: Path, name: TableName) -> pd.DataFrame:
    text = [column for column in TABLES[name].columns if column in TEXT]
    # Numbers come back as they were written, which pandas before 3.1 does not promise.
    table = pd.read_csv(
        path, dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values=[""]
    )
    table[text] = table[text].fillna("")
    for column in table.columns.difference(text):
        numbers = pd.to_numeric(table[column])
        if np.isinf(numbers.dropna().to_numpy(float)).any():
            raise ValueError(f"column {column} holds infinite numbers")
        if column in WHOLE and ((numbers % 1 > 0) | (numbers.abs() > LARGEST)).any():
            raise ValueError(f"column {column} holds numbers that are not whole, or too large")
    for column in ("testset", "clip", "codec"):
        for value in set(table.get(column, ())) - {""}:
            check_file_name(value)
    if "status" in table and (unknown := set(table["status"]) - set(get_args(Status))):
        raise ValueError(f"there is no status '{min(unknown)}'")
    for column in FOREIGN.intersection(table.columns):
        table[column] = table[column].map(as_typed)
    return table.astype(dict.fromkeys(WHOLE.intersection(table.columns), "Int64"))
