"""Tables: views of the rows of a run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from almbench.codecs.reconstructions import Reconstructions
from almbench.errors import UserError
from almbench.results.ranks import with_rank_groups
from almbench.results.records import OriginalRow, ReconstructionRow, Row, ScoreRow, read_rows
from almbench.results.runfolder import RunFolder
from almbench.results.tokens import CLIP_METRICS, ENTROPY, TokenTable
from almbench.runner.plan import Entry, Judge, Plan, TestSet
from almbench.runner.scoring import score_signature
from almbench.statistics.intervals import bootstrap_interval
from almbench.suite.testsets import Clip

CLIP_COLUMNS = [
    "testset", "domain", "clip", "codec", "label", "duration_s", "nominal_kbps", "measured_kbps",
    "entropy_kbps", "tokens_per_second", "frame_rate_hz", "encode_rtf", "decode_rtf", "lag_ms",
    "gain_db", "status", "reason", "speaker", "text", "sample_rate_hz", "clipped_samples",
    "encoded_with",
]  # fmt: skip
METRIC_COLUMNS = [
    "testset", "domain", "clip", "codec", "metric", "value", "status", "reason", "seconds",
    "signature", "version", "rate_hz",
]  # fmt: skip
SUMMARY_COLUMNS = [
    "testset", "domain", "codec", "metric", "mean", "ci95_low", "ci95_high", "n", "failed",
    "rank_group", "label", "version", "rate_hz", "reason",
]  # fmt: skip
NAMES = ("clips", "metrics", "summary")
NOT_RUN = "not run yet"
Groups = Iterable[tuple[tuple[str, ...], pd.DataFrame]]


@dataclass(frozen=True)
class Tables:
    """The three tables of a run."""

    clips: pd.DataFrame
    metrics: pd.DataFrame
    summary: pd.DataFrame


@dataclass(frozen=True)
class _Case:
    """A clip through a codec, with all that is known of it."""

    testset: TestSet
    clip: Clip
    entry: Entry
    original: OriginalRow
    reconstruction: ReconstructionRow
    scores: dict[str, ScoreRow]


class _Rows:
    def __init__(self, root: Path) -> None:
        self.originals = read_rows(root, OriginalRow)
        self.reconstructions = read_rows(root, ReconstructionRow)
        self.scores: dict[tuple[str, ...], dict[str, ScoreRow]] = {}
        for score in read_rows(root, ScoreRow).values():
            self.scores.setdefault(score.key[:3], {})[score.metric] = score

    def cases(self, plan: Plan) -> Iterator[_Case]:
        for testset in plan.testsets:
            for clip in testset.clips:
                for entry in testset.entries:
                    key = testset.name, clip.id, entry.spec.id
                    row = self.reconstructions.get(key)
                    if row:
                        original = self.originals[key[:2]]
                        scores = {
                            name: score
                            for name, score in self.scores.get(key, {}).items()
                            if score.audio_sha256 == row.audio_sha256
                        }
                        yield _Case(testset, clip, entry, original, row, scores)

    def tokens(self, plan: Plan, folder: RunFolder) -> dict[tuple[str, str], TokenTable]:
        """The tokens of each codec that has codebooks: (test set, codec) -> tokens."""
        return {
            (testset.name, entry.spec.id): TokenTable(
                {
                    clip.id: (folder.codes(testset.name, entry.spec.id, clip.id), row.signature)
                    for clip in testset.clips
                    if (row := self.reconstructions.get((testset.name, clip.id, entry.spec.id)))
                    and row.status == "ok"
                },
                entry.spec.codebook_sizes,
            )
            for testset in plan.testsets
            for entry in testset.entries
            if entry.spec.codebook_sizes and not isinstance(entry.codec, Reconstructions)
        }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each as column -> value."""
    return cast("list[dict[str, Any]]", table.to_dict("records"))


def build_tables(plan: Plan, folder: RunFolder) -> Tables:
    """Build the tables of a run from its rows; what has not run yet is left out."""
    clips: list[dict[str, Any]] = []
    metrics: list[dict[str, Any]] = []
    rows = _Rows(folder.root)
    tokens = rows.tokens(plan, folder)
    for case in rows.cases(plan):
        of_case = list(_metric_rows(case, tokens.get((case.testset.name, case.entry.spec.id))))
        metrics += of_case
        clips.append(_clip_row(case, of_case))
    names = dict.fromkeys(row["metric"] for row in metrics)
    extra = [name for name in names if name not in CLIP_COLUMNS]
    metric_table = pd.DataFrame(metrics, columns=METRIC_COLUMNS)
    return Tables(
        pd.DataFrame(clips, columns=CLIP_COLUMNS + extra),
        metric_table,
        _summary(plan, metric_table, tokens),
    )


def _clip_row(case: _Case, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    spec, row, duration = case.entry.spec, case.reconstruction, case.original.duration_s
    values = {m["metric"]: m.get("value") for m in metrics}
    status, reason = _overall(row, metrics)
    return {
        "testset": case.testset.name,
        "domain": case.testset.config.domain,
        "clip": case.clip.id,
        "codec": spec.id,
        "label": spec.label,
        "duration_s": duration,
        "nominal_kbps": spec.nominal_kbps,
        "tokens_per_second": spec.tokens_per_second,
        "frame_rate_hz": spec.frame_rate,
        "encode_rtf": row.encode_s / duration if row.encode_s and duration else None,
        "decode_rtf": row.decode_s / duration if row.decode_s and duration else None,
        "status": status,
        "reason": reason,
        "speaker": case.clip.speaker,
        "text": case.clip.text,
        "sample_rate_hz": row.rate,
        "encoded_with": row.encoded_with,
        "clipped_samples": row.clipped if row.status == "ok" else None,
        **values,
    }


def _overall(row: ReconstructionRow, metrics: list[dict[str, Any]]) -> tuple[str, str]:
    """Sum a clip up: failed if anything failed, with every reason and note."""
    if row.status != "ok":
        return row.status, row.reason
    notes = [row.note] if row.note else []
    lacking = [m for m in metrics if m["status"] in {"failed", "unavailable"}]
    notes += [f"{m['metric']}: {m['reason']}" for m in lacking]
    failed = any(m["status"] == "failed" for m in lacking)
    return "failed" if failed else "ok", "; ".join(notes)


def _metric_rows(case: _Case, tokens: TokenTable | None) -> Iterator[dict[str, Any]]:
    base = {
        "testset": case.testset.name,
        "domain": case.testset.config.domain,
        "clip": case.clip.id,
        "codec": case.entry.spec.id,
    }
    yield {**base, "metric": "measured_kbps", **_measured(case)}
    entropy, *others = _token_rows(case, tokens)
    yield {**base, **entropy}
    for judge in case.testset.judges:
        for metric in judge.metrics:
            facts = {
                "version": judge.family.version(),
                "rate_hz": judge.family.rate or case.testset.scoring_rate,
            }
            yield {**base, "metric": metric.name, **_value(case, judge, metric.name), **facts}
    yield from ({**base, **row} for row in others)


def _token_rows(case: _Case, tokens: TokenTable | None) -> list[dict[str, Any]]:
    """The entropy bitrate of a clip, then what else there is of a codec with codebooks."""
    row, duration = case.reconstruction, case.original.duration_s
    status, reason = row.status, row.reason
    if status == "ok" and duration:
        if tokens is not None:
            return tokens.clip_rows(case.clip.id, duration)
        status, reason = "skipped", "no codes were seen: no codebooks, or ready-made files"
    state = {"status": status, "reason": reason, "signature": row.signature}
    return [
        {"metric": metric, "version": version, **state}
        for metric, version in CLIP_METRICS.items()
        if metric == ENTROPY or tokens is not None
    ]


def _measured(case: _Case) -> dict[str, Any]:
    row, duration = case.reconstruction, case.original.duration_s
    if row.status != "ok" or not duration:
        return {"status": row.status, "reason": row.reason, "signature": row.signature}
    if row.bits is None:
        reason = "no bits were seen: a filter, or ready-made files"
        return {"status": "skipped", "reason": reason, "signature": row.signature}
    value = row.bits / duration / 1000
    return {"value": value, "status": "ok", "reason": "", "signature": row.signature}


def _value(case: _Case, judge: Judge, metric: str) -> dict[str, Any]:
    """The state of a metric: its row, or why there is none."""
    row: Row = case.reconstruction
    score = case.scores.get(metric)
    if score and score.signature != score_signature(
        row.signature, judge, metric, case.testset.scoring_rate
    ):
        score = None  # made under other settings
    if row.status == "ok" and judge.missing:
        return {"status": "unavailable", "reason": judge.missing}
    if row.status == "ok" and score is None:
        return {"status": "skipped", "reason": NOT_RUN}
    if row.status != "ok" or score is None:
        return {"status": row.status, "reason": row.reason}
    return {
        "value": score.value,
        "status": score.status,
        "reason": score.reason,
        "seconds": score.seconds,
        "signature": score.signature,
    }


def _summary(
    plan: Plan, metrics: pd.DataFrame, tokens: dict[tuple[str, str], TokenTable]
) -> pd.DataFrame:
    labels = {
        (t.name, e.spec.id): (t.config.domain, e.spec.label)
        for t in plan.testsets
        for e in t.entries
    }
    rows = []
    grouped = metrics.groupby(["testset", "codec", "metric"], sort=False)
    for (testset, codec, metric), group in cast("Groups", grouped):
        domain, label = labels[testset, codec]
        values = group["value"].dropna().to_numpy(float)
        mean, low, high = bootstrap_interval(values, plan.suite.seed)
        reasons = group.loc[group["reason"] != "", "reason"]
        rows.append(
            {
                "testset": testset,
                "domain": domain,
                "codec": codec,
                "metric": metric,
                "mean": mean,
                "ci95_low": low,
                "ci95_high": high,
                "n": len(values),
                "failed": int((group["status"] == "failed").sum()),
                "label": label,
                "version": group["version"].iloc[0],
                "rate_hz": group["rate_hz"].iloc[0],
                "reason": "" if len(values) or reasons.empty else reasons.iloc[0],
            }
        )
    for (testset, codec), table in tokens.items():
        domain, label = labels[testset, codec]
        base = {"testset": testset, "domain": domain, "codec": codec, "label": label, "failed": 0}
        rows += [{**base, **row} for row in table.codebook_rows()]
    summary = pd.DataFrame(rows, columns=SUMMARY_COLUMNS)
    return _in_plan_order(with_rank_groups(summary, metrics, plan), plan)


def _in_plan_order(summary: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Sort by test set and codec as in the suite; metrics keep their order."""
    order = {
        (t.name, e.spec.id): i
        for i, (t, e) in enumerate((t, e) for t in plan.testsets for e in t.entries)
    }
    keys = pd.Series(
        [order[t, c] for t, c in zip(summary["testset"], summary["codec"], strict=True)],
        dtype=int,
    )
    return summary.iloc[keys.argsort(kind="stable")].reset_index(drop=True)


def write_tables(tables: Tables, folder: RunFolder) -> None:
    """Write `clips.csv`, `metrics.csv` and `summary.csv`, each in one step."""
    whole = {"rate_hz": "Int64", "sample_rate_hz": "Int64", "clipped_samples": "Int64"}
    for name in NAMES:
        table: pd.DataFrame = getattr(tables, name)
        table = table.astype({c: t for c, t in whole.items() if c in table.columns})
        part = folder.root / f".{name}.csv.part"
        table.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
        part.replace(folder.table(name))


def read_table(folder: RunFolder, name: str) -> pd.DataFrame:
    """Read a table of a run.

    Raises:
        UserError: The folder is not a finished run.
    """
    path = folder.table(name)
    if not path.is_file():
        raise UserError(
            f"{folder.root} is not a finished run: it has no {path.name}. "
            f"Make or finish it with: bench run SUITE -o {folder.root}"
        )
    text = dict.fromkeys(
        ["testset", "domain", "clip", "codec", "label", "status", "reason", "speaker", "text",
         "metric", "version", "signature", "rank_group"], "str",
    )  # fmt: skip
    table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
    columns = [c for c in text if c in table.columns]
    table[columns] = table[columns].fillna("")
    return table
