"""The plan of a run: which clips go through which codecs, and which metrics score them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from almbench.codecs.builtin import PRESETS
from almbench.domains import DOMAINS, SCORING_RATES
from almbench.errors import UserError, unknown
from almbench.hub import is_hub
from almbench.metrics.base import Family
from almbench.metrics.registry import (
    default_metrics,
    family_names,
    family_of,
    make_family,
    metric_names,
    unusable,
)
from almbench.results.metric_record import MetricRecord
from almbench.runner.planned_codecs import AnyCodec, Codecs, PlannedCodec
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.suite.kept import kept_clips, most_kept
from almbench.suite.testsets import Clip, Selection, exists, find_clips


@dataclass(frozen=True)
class PlannedFamily:
    """A metric family in a test set: the family, made, and which of its metrics are wanted."""

    family: Family[Any]
    metrics: tuple[MetricRecord, ...]

    @property
    def missing(self) -> str:
        """Why it cannot be used here; empty where it can."""
        return self.metrics[0].missing


@dataclass(frozen=True)
class PlannedTestSet:
    """A test set, with everything that goes on in it.

    Attributes:
        config: What the suite says of it.
        clips: Its clips.
        codecs: The codecs that take part.
        families: The metric families that score it.
        metrics_requested: Whether the suite or the user named the metrics.
        selection: What there was besides the clips.
        kept: Ids of the clips whose sounds stay in the run folder; None for all.
    """

    config: TestSetConfig
    clips: list[Clip]
    codecs: list[PlannedCodec]
    families: list[PlannedFamily]
    metrics_requested: bool
    selection: Selection = field(default_factory=lambda: Selection([]))
    kept: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """Name in tables and folders."""
        return self.config.name

    @property
    def scoring_rate(self) -> int:
        """Rate in Hz that every sound passes through before it is scored."""
        return self.config.scoring_rate or SCORING_RATES[self.config.domain]

    @property
    def usable(self) -> list[PlannedCodec]:
        """The codecs that can be used here."""
        return [planned for planned in self.codecs if not planned.record.missing]

    @property
    def metrics(self) -> list[MetricRecord]:
        """The metrics of all families, in order."""
        return [metric for planned in self.families for metric in planned.metrics]


@dataclass(frozen=True)
class Plan:
    """All that a run is to do.

    Attributes:
        suite: The suite as resolved: only the chosen test sets, codecs and metrics, and full paths.
        testsets: The test sets in order.
        skipped: What is left out, each with the reason: test sets in which no codec takes part, and
            what the suite calls optional and is not here.
    """

    suite: Suite
    testsets: list[PlannedTestSet]
    skipped: list[str]


def select(suite: Suite, codecs: list[str], testsets: list[str], metrics: list[str]) -> Suite:
    """Narrow a suite to the named test sets, codecs and metrics; empty lists keep all.

    A built-in preset, or a codec of the hub (`hf:ORG/NAME@K`), that is not in the suite is added.

    Raises:
        UserError: A name does not exist.
    """
    _check("test set", testsets, [t.name for t in suite.testset])
    known = {c.id: c for c in suite.codec}
    _check("codec", [name for name in codecs if not is_hub(name)], [*known, *PRESETS])
    _check("metric", metrics, metric_names())
    changes: dict[str, Any] = {}
    if testsets:
        changes["testset"] = [t for t in suite.testset if t.name in testsets]
    if codecs:
        chosen_codecs = [known.get(name) or CodecConfig(id=name) for name in dict.fromkeys(codecs)]
        changes["codec"] = [c.model_copy(update={"optional": False}) for c in chosen_codecs]
    if metrics:
        changes["metrics"] = dict.fromkeys(DOMAINS, metrics)
        changes["testset"] = [
            t.model_copy(update={"metrics": None}) for t in changes.get("testset", suite.testset)
        ]
    chosen = suite.model_copy(update=changes)
    ids, names = {c.id for c in chosen.codec}, {t.name for t in chosen.testset}
    published = [
        p for p in suite.published if p.codec in ids and (p.testset is None or p.testset in names)
    ]
    highlight = suite.highlight if suite.highlight in ids else ""
    return chosen.model_copy(update={"published": published, "highlight": highlight})


def _check(kind: str, names: list[str], known: Iterable[str], where: str = "") -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise UserError(unknown(kind, name, known, where))


def make_plan(
    suite: Suite, objects: Mapping[str, AnyCodec] | None = None, *, network: bool = True
) -> Plan:
    """Find the clips, make the adapters and the metrics.

    Args:
        suite: A suite with its data folders filled in.
        objects: Adapters that are made already, by the id of their codec in the suite.
        network: Whether checkpoints that are not here may be fetched.

    Raises:
        UserError: Something that the suite names does not exist or is wrong, or nothing is left.
    """
    _check("metric family", list(suite.settings), family_names(), "in [settings]")
    for name, values in suite.settings.items():
        make_family(name, values)  # wrong settings are refused, also where nothing needs them
    for domain, names in suite.metrics.items():
        _check("metric", names, metric_names(), f"in [metrics] of {domain}")
    testsets: list[PlannedTestSet] = []
    skipped: list[str] = []
    without: list[str] = []
    made = Codecs(objects or {}, network)
    for config in suite.testset:
        if config.optional and not exists(config):
            skipped.append(_skipped(config))
            continue
        selection = find_clips(config, suite.seed)
        codecs = made.taking_part(suite.codec, config)
        if not codecs:
            without.append(config.name)
            continue
        requested = suite.metrics_named(config)
        names = requested or default_metrics(config.domain)
        _check("metric", list(names), metric_names(), f"in test set '{config.name}'")
        families = _families(suite, names)
        testsets.append(
            PlannedTestSet(
                config,
                selection.clips,
                codecs,
                families,
                bool(requested),
                selection,
                _kept(suite, selection.clips),
            )
        )
    if without and not testsets:
        raise UserError(
            f"No codec takes part in {_test_sets(without)}. "
            f"Cannot be used: {'; '.join(made.skipped()) or 'none'}."
        )
    skipped += [f"test set {name} (no codec takes part in it)" for name in without]
    if not testsets:
        raise UserError("None of the suite's test sets is there: " + "; ".join(skipped) + ".")
    return Plan(suite, testsets, skipped + made.skipped())


def _test_sets(names: list[str]) -> str:
    quoted = ", ".join(f"'{name}'" for name in names)
    return f"test set{'s' if len(names) > 1 else ''} {quoted}"


def _kept(suite: Suite, clips: list[Clip]) -> frozenset[str] | None:
    most = most_kept(suite.keep_audio)
    if most is None:
        return None
    return frozenset(kept_clips([(clip.id, clip.cluster) for clip in clips], most, suite.seed))


def _skipped(config: TestSetConfig) -> str:
    """Say where a test set was looked for, or how to give it."""
    given = config.path != f"{{{config.name}}}"
    where = f"{config.path} is not there" if given else f"give --data {config.name}=PATH"
    return f"test set {config.name} ({where})"


def _families(suite: Suite, names: Sequence[str]) -> list[PlannedFamily]:
    """Make the families of some metrics."""
    wanted: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        wanted.setdefault(family_of(name), []).append(name)
    planned = []
    for family_name, of_family in wanted.items():
        family = make_family(family_name, suite.settings.get(family_name, {}))
        settings = family.settings.model_dump(mode="json")
        missing = unusable(family)
        at_rate = {"rate": family.rate}  # which a setting may choose
        records = tuple(
            MetricRecord.of(
                metric.model_copy(update=at_rate), family.name, family.version(), settings, missing
            )
            for metric in family.metrics
            if metric.name in of_family
        )
        planned.append(PlannedFamily(family, records))
    return planned
