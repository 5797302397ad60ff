"""How a run was measured: its policies, its metrics, and where it was run."""

from collections.abc import Iterator
from dataclasses import dataclass

from almbench.results.metric_record import MetricRecord
from almbench.site.language import tr
from almbench.site.pages import Page, Site
from almbench.site.source import Run
from almbench.site.told import told
from almbench.site.words import MINUS, hertz

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
    note: str
    caveat: str


def measured_page(site: Site) -> Iterator[Page]:
    """The page that says how all runs were measured."""
    sections = [
        {"run": run, "metrics": metric_lines(run), "circumstances": circumstances(run)}
        for run in site.runs
    ]
    yield Page(ADDRESS, "measured.html.j2", {"sections": sections})


def metric_lines(run: Run) -> list[MetricLine]:
    """Describe what a run measured, the rates and the tokens last."""
    return [
        _line(metric)
        for metric in run.manifest.metrics
        if metric.computed_from == "sound" or _has_values(run, metric.name)
    ]


def _has_values(run: Run, metric: str) -> bool:
    return any(
        name == metric and row.mean is not None
        for table in run.tables
        for (_, name), row in table.cells.items()
    )


def _line(metric: MetricRecord) -> MetricLine:
    at = hertz(metric.rate) if metric.rate else tr("the test set's")
    settings = [f"{key} {value}" for key, value in metric.settings.items() if value]
    return MetricLine(
        metric.name,
        metric.label,
        metric.unit,
        BETTER[metric.higher_is_better],
        _span(metric),
        at if metric.computed_from == "sound" else "",
        metric.version,
        ", ".join(settings),
        metric.missing,
        told(metric.note),
        f"{told(metric.caveat)} {told(metric.footnote)}".strip(),
    )


def _span(metric: MetricRecord) -> str:
    """The range of a metric's values."""
    low, high = (None if end is None else f"{end:g}" for end in (metric.low, metric.high))
    if low and high:
        return tr("{low} to {high}", low=low, high=high).replace("-", MINUS)
    return tr("from {low}", low=low).replace("-", MINUS) if low else tr("any")


def circumstances(run: Run) -> list[tuple[str, str]]:
    """When, where and with what the run was made."""
    manifest = run.manifest
    machine, facts, commit = manifest.machine, manifest.run, manifest.commit
    finished = manifest.finished.replace("T", " ").replace("+00:00", " UTC")
    if source := manifest.source:
        files = [f"{name} SHA-256 {hash_}" for name, hash_ in source.files.items()]
        told = [("Source", f"{source.name}, {source.url}"), ("Files", ", ".join(files))]
        return [*told, ("Imported", finished), ("Command", manifest.command)]
    almbench = manifest.almbench + (f", commit {commit[:12]}" if commit else "")
    packages = [f"{name} {version}" for name, version in manifest.packages.items() if version]
    where = [machine.processor, tr("{count} cores", count=machine.cores), machine.system]
    return [
        ("Finished", finished),
        ("Command", manifest.command),
        ("almbench", almbench),
        ("Machine", ", ".join(text for text in where if text)),
        (
            "Device",
            tr("{device}, {count} scoring processes", device=facts.device, count=facts.workers),
        ),
        ("Seed", str(manifest.suite.seed)),
        ("Python", machine.python),
        ("Packages", ", ".join(packages)),
        ("Data", ", ".join(f"{t.name} {t.data_hash}" for t in manifest.testsets)),
        ("Suite", f"SHA-256 {manifest.suite_sha256}"),
    ]
