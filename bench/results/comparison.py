"""The comparison table: a row a codec, a column a metric, the best and the second marked."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from almbench.errors import UserError
from almbench.results.records import SCHEMA_VERSION
from almbench.results.runfolder import RunFolder
from almbench.results.tables import read_table, records

ARROWS = {True: "↑", False: "↓", None: ""}


def _rate(name: str, label: str, unit: str, version: str) -> dict[str, Any]:
    facts = {"name": name, "label": label, "unit": unit, "version": version}
    return {name: {**facts, "higher_is_better": None, "digits": 2}}


RATES = {
    **_rate("measured_kbps", "Measured", "kbit/s", "payload bits"),
    **_rate("entropy_kbps", "Entropy", "kbit/s", "codes at their frequencies in the test set"),
    **_rate("ngram_bits_per_token", "N-gram", "bits/token", "a bigram of the other clips"),
}


@dataclass(frozen=True)
class Comparison:
    """One test set's table.

    Attributes:
        testset: Name of the test set.
        domain: Its domain.
        codecs: Facts of the codecs, in order, as in the manifest.
        metrics: Facts of the metrics, in order, as in the manifest, each with its `rate_hz` here.
        means: Mean of each metric; **index** codec id, **columns** metric name.
        ranks: 1 for the best, 2 for the second, 0 for others, shaped like `means`. Anchors are not
            ranked, nor is a mean over fewer clips than another codec's.
        counts: How many clips each mean is over, shaped like `means`.
        cells: The summary row of (codec, metric).
    """

    testset: str
    domain: str
    codecs: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    means: pd.DataFrame
    ranks: pd.DataFrame
    counts: pd.DataFrame
    cells: dict[tuple[str, str], dict[str, Any]]


def read_manifest(folder: RunFolder) -> dict[str, Any]:
    """Read a run's manifest.

    Raises:
        UserError: The folder is not a finished run, or its manifest is damaged.
    """
    if not folder.manifest.is_file():
        raise UserError(f"{folder.root} is not a finished run: it has no manifest.json.")
    try:
        manifest: dict[str, Any] = json.loads(folder.manifest.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{folder.manifest} is damaged: {error}") from error
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise UserError(
            f"{folder.root} was made by another version of almbench: run its suite again."
        )
    return manifest


def with_values(table: Comparison) -> list[dict[str, Any]]:
    """The metrics that have a value for some codec."""
    return [m for m in table.metrics if table.means[m["name"]].notna().any()]


def compare(folder: RunFolder) -> list[Comparison]:
    """Make the comparison tables of a run, one a test set."""
    return comparisons(read_table(folder, "summary"), read_manifest(folder))


def comparisons(summary: pd.DataFrame, manifest: dict[str, Any]) -> list[Comparison]:
    """Make the comparison tables from a summary table and its manifest."""
    facts = RATES | {m["name"]: m for m in manifest["metrics"]}
    specs = {c["id"]: c for c in manifest["codecs"]}
    tables = []
    for testset in manifest["testsets"]:
        rows = summary[summary["testset"] == testset["name"]]
        names = list(dict.fromkeys(rows["metric"]))
        ids = list(dict.fromkeys(rows["codec"]))
        means, counts = (
            rows.pivot_table(
                index="codec", columns="metric", values=value, dropna=False, sort=False
            ).reindex(index=ids, columns=names)
            for value in ("mean", "n")
        )
        rates = rows.groupby("metric")["rate_hz"].first()
        metrics = [{**facts[n], "rate_hz": _whole(rates.get(n))} for n in names if n in facts]
        cells = {(r["codec"], r["metric"]): r for r in records(rows)}
        tables.append(
            Comparison(
                testset["name"],
                testset["domain"],
                [specs[i] for i in ids],
                metrics,
                means,
                _ranks(means, counts, metrics, [i for i in ids if not specs[i]["anchor"]]),
                counts,
                cells,
            )
        )
    return tables


def _whole(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _ranks(
    means: pd.DataFrame, counts: pd.DataFrame, metrics: list[dict[str, Any]], codecs: list[str]
) -> pd.DataFrame:
    ranks = pd.DataFrame(0, index=means.index, columns=means.columns)
    for metric in metrics:
        name, better = metric["name"], metric["higher_is_better"]
        if better is None:
            continue
        n = counts.loc[codecs, name]
        whole = [codec for codec in codecs if n[codec] == n.max()]
        # Ranked as printed: what reads the same shares the mark.
        printed = means.loc[whole, name].round(metric["digits"])
        order = printed.rank(ascending=not better, method="dense")
        ranks.loc[whole, name] = order.where(order <= 2, 0).fillna(0).astype(int)
    return ranks


def cell(table: Comparison, codec: str, metric: dict[str, Any], lacking: str = "") -> str:
    """A mean as text, with the count of its clips where another codec has more."""
    value, n = table.means.loc[codec, metric["name"]], table.counts.loc[codec, metric["name"]]
    if pd.isna(value):
        return lacking
    most = table.counts[metric["name"]].max()
    return f"{value:z.{metric['digits']}f}" + (f" (n={n:.0f})" if n < most else "")


def codec_label(codec: dict[str, Any]) -> str:
    """A codec's label with its nominal bitrate, such as "Mimi, 3 codebooks (0.41 kbps)"."""
    rate = codec["nominal_kbps"]
    return codec["label"] if rate is None else f"{codec['label']} ({rate:.2f} kbps)"


def metric_label(metric: dict[str, Any]) -> str:
    """A metric's label with unit and the arrow that says which way is better."""
    unit = f" ({metric['unit']})" if metric["unit"] else ""
    return f"{metric['label']}{unit} {ARROWS[metric['higher_is_better']]}".rstrip()


def formatted(table: Comparison, best: str, second: str, lacking: str) -> pd.DataFrame:
    """The table as text, without the metrics that have no value at all.

    Args:
        table: The comparison.
        best: Format of the best value, with `{}` for the number.
        second: Format of the second.
        lacking: What stands for no value.
    """
    columns: dict[str, list[str]] = {"Codec": [codec_label(c) for c in table.codecs]}
    for metric in with_values(table):
        name = metric["name"]
        cells = []
        for codec in table.codecs:
            text = cell(table, codec["id"], metric, lacking)
            rank = table.ranks.loc[codec["id"], name]
            cells.append({1: best, 2: second}.get(rank, "{}").format(text))
        columns[metric_label(metric)] = cells
    return pd.DataFrame(columns)
