"""What a site shows of blind tests: ratings beside the scores of the same clips, and ABX counts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from almbench.errors import UserError
from almbench.listening.abx import ALL
from almbench.listening.analysis import Analysis
from almbench.listening.panel import Panel
from almbench.listening.plot import draw
from almbench.listening.submissions import AbxResult, MushraResult
from almbench.names import ORIGINAL
from almbench.results.comparison import ARROWS, codec_label
from almbench.results.manifest import MetricRecord
from almbench.results.tables import records
from almbench.site.output import Output
from almbench.site.source import Run, number
from almbench.statistics.correlation import correlate


@dataclass(frozen=True)
class Rated:
    """A system: its mean rating with the 95 % interval, and its mean score by each metric."""

    label: str
    role: str
    mean: str
    interval: str
    median: str
    scores: list[str]


@dataclass(frozen=True)
class Correlation:
    """How far a metric's means go with the ratings, over `systems` systems; empty if undefined."""

    metric: MetricRecord
    pearson: float | None
    spearman: float | None
    systems: int

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
        """Both coefficients for readers."""
        pearson, spearman = (
            "" if r is None else number(r, 2) for r in (self.pearson, self.spearman)
        )
        return pearson, spearman


@dataclass(frozen=True)
class Outcome:
    """What came of the MUSHRA test of a domain.

    Attributes:
        domain: speech, sound or music.
        title: Title of the test.
        listeners: How many listeners count.
        left_out: How many do not.
        clips: How many clips were rated.
        rows: The systems, the best first.
        correlations: Each metric's, in the order of `Rated.scores`.
        plot: The address of each theme's drawing.
    """

    domain: str
    title: str
    listeners: int
    left_out: int
    clips: int
    rows: list[Rated]
    correlations: list[Correlation]
    plot: dict[str, str]


@dataclass(frozen=True)
class ToldApart:
    """What came of the ABX test of a pair, over all listeners."""

    domain: str
    a: str
    b: str
    listeners: int
    count: str
    share: str
    interval: str
    p: str


@dataclass(frozen=True)
class Heard:
    """What came of the blind tests of a run."""

    mushra: list[Outcome]
    abx: list[ToldApart]


def heard(analysis: Analysis, run: Run, out: Output) -> Heard:
    """Say what came of the blind tests of a run's clips.

    A metric's mean is over the very clips that were rated; a system that lacks a value of one of
    them has none. Correlations are over the systems of the run, without reference and anchors.

    Args:
        analysis: The analysis.
        run: The run.
        out: The site's folder; the plots are written there.
    """
    return Heard(
        [_outcome(analysis, run, panel, out) for panel in analysis.mushra if _is_of(panel, run)],
        [_told_apart(analysis, run, panel) for panel in analysis.abx if _is_of(panel, run)],
    )


def check_belongs(analysis: Analysis, runs: list[Run]) -> None:
    """Refuse results that none of the runs has the clips of.

    Raises:
        UserError: Such a test; the message names it.
    """
    panels: list[Panel[Any]] = [*analysis.mushra, *analysis.abx]
    for panel in panels:
        if panel.kept and not any(_is_of(panel, run) for run in runs):
            raise UserError(
                f"--listening: the {panel.kind} test '{panel.title}' of {panel.domain} "
                f"({panel.listeners[0].path}) has a clip or system that none of the runs has. Give "
                "the results of tests made from these runs."
            )


def _is_of(panel: Panel[Any], run: Run) -> bool:
    """Whether a panel was heard at all, and a run has all its clips and systems."""
    if not panel.kept or panel.domain not in run.domains:
        return False
    clips = {trial.clip for result in panel.kept for trial in result.trials}
    known = {f"{row.testset}/{row.clip}" for row in run.clips}
    codecs = {codec.id for codec in run.manifest.codecs}
    return clips <= known and _systems(panel) <= codecs


def _systems(panel: Panel[Any]) -> set[str]:
    """The codecs that a panel heard."""
    if panel.kind == "abx":
        pair = panel.listeners[0].result.pair
        return {pair.a, pair.b} - {ORIGINAL}
    return {
        rating.system
        for result in panel.kept
        for trial in result.trials
        for rating in trial.ratings
        if rating.role == "system"
    }


def _told_apart(analysis: Analysis, run: Run, panel: Panel[AbxResult]) -> ToldApart:
    pair = panel.listeners[0].result.pair
    table = analysis.tables["abx"]
    pooled = table[(table["listener"] == ALL) & (table["domain"] == panel.domain)]
    (row,) = records(pooled[(pooled["a"] == pair.a) & (pooled["b"] == pair.b)])
    labels = {codec.id: codec_label(codec) for codec in run.manifest.codecs}
    return ToldApart(
        panel.domain,
        labels.get(pair.a, "Original"),
        labels.get(pair.b, "Original"),
        row["listeners"],
        f"{row['right']} of {row['trials']}",
        number(row["proportion"], 2),
        _interval(row, 2),
        "< 0.001" if row["p_holm"] < 0.001 else number(row["p_holm"], 3),
    )


def _outcome(analysis: Analysis, run: Run, panel: Panel[MushraResult], out: Output) -> Outcome:
    table = analysis.tables["listening"]
    table = table[table["domain"] == panel.domain]
    ratings = analysis.tables["ratings"]
    ratings = ratings[(ratings["domain"] == panel.domain) & ratings["kept"]]
    clips = {
        str(system): [tuple(clip.split("/", 1)) for clip in group["clip"].unique()]
        for system, group in ratings[ratings["role"] == "system"].groupby("system")
    }
    metrics = {
        metric.name: metric
        for of_set in run.tables
        if of_set.domain == panel.domain
        for metric in of_set.filled
        if metric.higher_is_better is not None
    }
    scores = pd.DataFrame(
        {
            name: {system: _score(run, name, system, of) for system, of in clips.items()}
            for name in metrics
        },
        dtype=float,
    )
    means = table.set_index("system")["mean"]
    return Outcome(
        panel.domain,
        panel.title,
        len(panel.kept),
        len(panel.listeners) - len(panel.kept),
        ratings["clip"].nunique(),
        [_rated(row, scores, metrics) for row in records(table)],
        [_correlation(metric, scores[name], means) for name, metric in metrics.items()],
        {
            theme: out.write(("plots", run.slug, f"listening-{panel.domain}-{theme}.svg"), svg)
            for theme, svg in draw(table).items()
        },
    )


def _score(run: Run, metric: str, system: str, clips: list[tuple[str, ...]]) -> float:
    """A system's mean by a metric over clips; not a number if it lacks one of them."""
    rows = [run.scores.get((testset, clip, system), {}).get(metric) for testset, clip in clips]
    return float(
        np.mean([np.nan if row is None or row.value is None else row.value for row in rows])
    )


def _rated(row: dict[str, Any], scores: pd.DataFrame, metrics: dict[str, MetricRecord]) -> Rated:
    of_system = scores.loc[row["system"]] if row["system"] in scores.index else {}
    texts = []
    for name, metric in metrics.items():
        value = of_system.get(name, np.nan)
        texts.append("" if pd.isna(value) else number(value, metric.digits))
    return Rated(
        row["label"],
        row["role"],
        number(row["mean"], 1),
        _interval(row, 1),
        f"{row['median']:g}",
        texts,
    )


def _correlation(metric: MetricRecord, scores: pd.Series, means: pd.Series) -> Correlation:
    known = scores.dropna()
    found = correlate(known.to_numpy(float), means[known.index].to_numpy(float))
    return Correlation(metric, found.pearson, found.spearman, found.n)


def _interval(row: dict[str, Any], digits: int) -> str:
    if pd.isna(row["ci95_low"]):
        return ""
    return f"[{number(row['ci95_low'], digits)}, {number(row['ci95_high'], digits)}]"
