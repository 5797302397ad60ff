"""Results of blind tests on the site: ratings beside the scores of the same clips, and others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from almbench.errors import UserError
from almbench.listening.analysis import Analysis
from almbench.listening.kinds import TestKind, load_kind
from almbench.listening.panel import Panel
from almbench.listening.plot import draw, draw_for_paper
from almbench.names import ORIGINAL
from almbench.results.codec_names import name_codecs
from almbench.results.comparison import ARROWS
from almbench.results.metric_record import MetricRecord
from almbench.results.tables import records
from almbench.site.output import Output
from almbench.site.source import Run
from almbench.site.words import interval, number
from almbench.statistics.correlation import Correlation, correlate


@dataclass(frozen=True)
class SystemRating:
    """A system: its mean rating with the 95 % interval, and its mean score by each metric."""

    label: str
    role: str
    mean: str
    interval: str
    median: str
    scores: list[str]


@dataclass(frozen=True)
class MetricCorrelation:
    """How far the means of a metric go with the ratings, over the systems that have both."""

    metric: MetricRecord
    found: Correlation

    @property
    def label(self) -> str:
        """The metric's name for readers."""
        return self.metric.label

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return ARROWS[self.metric.higher_is_better]

    @property
    def texts(self) -> tuple[str, str]:
        """Both coefficients for readers; empty where they are not defined."""
        pearson, spearman = (
            "" if r is None else number(r, 2) for r in (self.found.pearson, self.found.spearman)
        )
        return pearson, spearman


@dataclass(frozen=True)
class Ratings:
    """The results of a test that rates systems.

    Attributes:
        kind: The kind of test.
        domain: speech, sound or music.
        title: Title of the test.
        listeners: How many listeners count.
        left_out: How many do not.
        clips: How many clips were rated.
        rows: The systems, the best first.
        correlations: Each metric's, in the order of `SystemRating.scores`.
        plot: The address of each theme's drawing.
        downloads: The addresses of what papers take of it, by suffix.
    """

    kind: TestKind[Any]
    domain: str
    title: str
    listeners: int
    left_out: int
    clips: int
    rows: list[SystemRating]
    correlations: list[MetricCorrelation]
    plot: dict[str, str]
    downloads: dict[str, str]


@dataclass(frozen=True)
class Overall:
    """The results of a kind of test that does not rate systems: one row per panel.

    Attributes:
        kind: The kind of test.
        headings: Headings of the cells.
        rows: Domain, labels of the systems, and cells of each panel.
    """

    kind: TestKind[Any]
    headings: list[str]
    rows: list[tuple[str, list[str], list[str]]]


@dataclass(frozen=True)
class ListeningResults:
    """The results of the blind tests of a run."""

    ratings: list[Ratings]
    overall: list[Overall]


def listening_results(analysis: Analysis, run: Run, out: Output) -> ListeningResults:
    """Gather the results of the blind tests of a run's clips.

    A metric's mean is over the very clips that were rated; a system without a value of one of them
    has none. Correlations are over the systems of the run, without reference and anchors.

    Args:
        analysis: The analysis.
        run: The run.
        out: The site's folder; the plots are written there.
    """
    ratings: list[Ratings] = []
    overall: dict[str, Overall] = {}
    for panel in analysis.panels:
        if not _is_of(panel, run):
            continue
        kind = load_kind(panel.kind)
        means = kind.system_means(panel, analysis.tables)
        if means is not None:
            ratings.append(_ratings(kind, panel, means, run, out))
            continue
        cells = kind.overall(panel, analysis.tables)
        of_kind = overall.setdefault(kind.name, Overall(kind, list(cells), []))
        of_kind.rows.append((panel.domain, _labels(panel, run), list(cells.values())))
    return ListeningResults(ratings, list(overall.values()))


def check_belongs(analysis: Analysis, runs: list[Run]) -> None:
    """Refuse results that none of the runs has the clips of.

    Raises:
        UserError: Such a test; the message names it.
    """
    for panel in analysis.panels:
        if panel.kept and not any(_is_of(panel, run) for run in runs):
            raise UserError(
                f"--listening: the {panel.kind} test '{panel.title}' of {panel.domain} "
                f"({panel.listeners[0].path}) has a clip or system that none of the runs has. To "
                "fix: give the results of tests made from these runs."
            )


def _is_of(panel: Panel[Any], run: Run) -> bool:
    """Whether a panel has listeners, and a run has all its clips and systems."""
    if not panel.kept or panel.domain not in run.domains:
        return False
    clips = {trial.clip for result in panel.kept for trial in result.trials}
    known = {f"{row.testset}/{row.clip}" for row in run.clips}
    codecs = set(run.manifest.codecs_by_id)
    return clips <= known and set(load_kind(panel.kind).clips_by_system(panel)) <= codecs


def _labels(panel: Panel[Any], run: Run) -> list[str]:
    names = name_codecs(run.manifest.codecs)
    return ["Original" if s == ORIGINAL else names[s].label for s in panel.subject]


def _ratings(
    kind: TestKind[Any], panel: Panel[Any], means: pd.DataFrame, run: Run, out: Output
) -> Ratings:
    clips = kind.clips_by_system(panel)
    metrics = {
        metric.name: metric
        for of_set in run.tables
        if of_set.domain == panel.domain
        for metric in of_set.filled
        if metric.higher_is_better is not None
    }
    scores = pd.DataFrame(
        {
            name: {system: _score(run, name, system, clips[system]) for system in sorted(clips)}
            for name in metrics
        },
        dtype=float,
    )
    return Ratings(
        kind,
        panel.domain,
        panel.title,
        len(panel.kept),
        len(panel.listeners) - len(panel.kept),
        len({trial.clip for result in panel.kept for trial in result.trials}),
        [_system_rating(row, scores, metrics) for row in records(means)],
        [
            _correlation(metric, scores[name], means.set_index("system")["mean"])
            for name, metric in metrics.items()
        ],
        {
            theme: out.write(("plots", run.slug, f"listening-{panel.domain}-{theme}.svg"), svg)
            for theme, svg in draw(means).items()
        },
        {
            suffix: out.write(("plots", run.slug, f"listening-{panel.domain}.{suffix}"), content)
            for suffix, content in draw_for_paper(means).items()
        },
    )


def _score(run: Run, metric: str, system: str, clips: list[str]) -> float:
    """A system's mean by a metric over clips; not a number if it has no value of one of them."""
    found = []
    for testset, _, clip in (id_.partition("/") for id_ in clips):
        values = run.by_metric.of(testset, metric)
        found.append(values[system].get(clip, np.nan) if system in values else np.nan)
    return float(np.mean(found))


def _system_rating(
    row: dict[str, Any], scores: pd.DataFrame, metrics: dict[str, MetricRecord]
) -> SystemRating:
    of_system = scores.loc[row["system"]] if row["system"] in scores.index else {}
    texts = []
    for name, metric in metrics.items():
        value = of_system.get(name, np.nan)
        texts.append("" if pd.isna(value) else number(value, metric.digits))
    return SystemRating(
        row["label"],
        row["role"],
        number(row["mean"], 1),
        "" if pd.isna(row["ci95_low"]) else interval(row["ci95_low"], row["ci95_high"], 1),
        f"{row['median']:g}",
        texts,
    )


def _correlation(metric: MetricRecord, scores: pd.Series, means: pd.Series) -> MetricCorrelation:
    known = scores.dropna()
    found = correlate(known.to_numpy(float), means[known.index].to_numpy(float))
    return MetricCorrelation(metric, found)
