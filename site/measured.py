"""How a run was measured: its policies, its metrics, and where it was run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from almbench.metrics.registry import metric as metric_facts
from almbench.metrics.registry import metric_names
from almbench.results.comparison import RATES
from almbench.results.tokens import CLIP_METRICS, CODEBOOK_METRICS
from almbench.site.metricnotes import NOTES, Note
from almbench.site.pages import Page, Site
from almbench.site.source import MINUS, Run, hertz

ADDRESS = "measured.html"
BETTER = {True: "↑ higher", False: "↓ lower", None: "neither"}


@dataclass(frozen=True)
class MetricLine:
    """A metric in the table of metrics; all texts, empty where there is nothing to say."""

    name: str
    label: str
    unit: str
    better: str
    span: str
    rate: str
    version: str
    settings: str
    missing: str
    note: Note


def measured_page(site: Site) -> Iterator[Page]:
    """The page that says how all runs were measured."""
    sections = [
        {"run": run, "metrics": metric_lines(run), "circumstances": circumstances(run)}
        for run in site.runs
    ]
    yield Page(ADDRESS, "measured.html.j2", {"sections": sections})


def metric_lines(run: Run) -> list[MetricLine]:
    """Describe what a run measured, the rates and the tokens last."""
    lines = [_line(metric) for metric in run.manifest["metrics"]]
    seen = {
        metric
        for table in run.tables
        for (_, metric), row in table.cells.items()
        if not pd.isna(row["mean"])
    }
    lines += [_line(facts) for name, facts in RATES.items() if name in seen]
    for name, label in (("codebook_use", "Use"), ("codebook_perplexity", "Perplexity")):
        if name in seen:
            version = f"{CODEBOOK_METRICS[name]}; of a clip: {CLIP_METRICS[name]}"
            facts = {"name": name, "label": label, "unit": "", "higher_is_better": None}
            lines.append(_line({**facts, "version": version}))
    return lines


def _line(metric: dict[str, Any]) -> MetricLine:
    name, rate = metric["name"], metric.get("rate")
    at = hertz(rate) if rate else "the test set's" if "family" in metric else ""
    settings = [f"{key} {value}" for key, value in metric.get("settings", {}).items() if value]
    return MetricLine(
        name,
        metric["label"],
        metric["unit"],
        BETTER[metric["higher_is_better"]],
        _span(name),
        at,
        metric["version"],
        ", ".join(settings),
        metric.get("missing", ""),
        NOTES.get(name, Note("", "")),
    )


def _span(name: str) -> str:
    """The range of a metric's values; empty where this program does not know the metric."""
    if name not in metric_names():
        return ""
    facts = metric_facts(name)
    low, high = (None if end is None else f"{end:g}" for end in (facts.low, facts.high))
    if low and high:
        return f"{low} to {high}".replace("-", MINUS)
    return f"from {low}".replace("-", MINUS) if low else "any"


def circumstances(run: Run) -> list[tuple[str, str]]:
    """When, where and with what the run was made."""
    manifest = run.manifest
    machine, facts = manifest["machine"], manifest["run"]
    commit = manifest["commit"]
    almbench = manifest["almbench"] + (f", commit {commit[:12]}" if commit else "")
    packages = [f"{name} {version}" for name, version in manifest["packages"].items() if version]
    where = [machine["processor"], f"{machine['cores']} cores", machine["system"]]
    return [
        ("Finished", manifest["finished"].replace("T", " ").replace("+00:00", " UTC")),
        ("Command", manifest["command"]),
        ("almbench", almbench),
        ("Machine", ", ".join(text for text in where if text)),
        ("Device", f"{facts['device']}, {facts['workers']} scoring processes"),
        ("Seed", str(manifest["suite"]["seed"])),
        ("Python", machine["python"]),
        ("Packages", ", ".join(packages)),
        ("Data", ", ".join(f"{t['name']} {t['data_hash']}" for t in manifest["testsets"])),
        ("Suite", f"SHA-256 {manifest['suite_sha256']}"),
    ]
