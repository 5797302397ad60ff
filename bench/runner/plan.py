"""The plan of a run: which clips go through which codecs, and which metrics judge them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from almbench import policies
from almbench.codecs.base import Codec, CodecSpec
from almbench.codecs.reconstructions import Reconstructions
from almbench.codecs.registry import PRESETS, create, preset
from almbench.errors import Unavailable, UserError, unknown
from almbench.metrics.base import Family, Metric
from almbench.metrics.registry import (
    DEFAULT_METRICS,
    family_names,
    family_of,
    make_family,
    metric_names,
)
from almbench.results.records import signature
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.suite.testsets import Clip, exists, find_clips


@dataclass(frozen=True)
class Entry:
    """A codec in a test set: the adapter, made but not loaded, and why it cannot be used, if so."""

    codec: Codec[Any] | Reconstructions
    spec: CodecSpec
    missing: str | None


@dataclass(frozen=True)
class Judge:
    """A metric family in a test set.

    Attributes:
        family: The family.
        metrics: Which of its metrics are wanted.
        missing: Why it cannot be used here, with the cure, if so.
        asked: Whether the suite or the user named them, rather than they being the default.
    """

    family: Family[Any]
    metrics: tuple[Metric, ...]
    missing: str | None
    asked: bool


@dataclass(frozen=True)
class TestSet:
    """A test set, with everything that goes on in it."""

    __test__ = False

    config: TestSetConfig
    clips: list[Clip]
    entries: list[Entry]
    judges: list[Judge]

    @property
    def name(self) -> str:
        """Name in tables and folders."""
        return self.config.name

    @property
    def scoring_rate(self) -> int:
        """Rate in Hz that every sound passes through before it is scored."""
        return self.config.scoring_rate or policies.SCORING_RATES[self.config.domain]


@dataclass(frozen=True)
class Plan:
    """All that a run is to do.

    Attributes:
        suite: The suite as resolved: only the chosen test sets, codecs and metrics, and full paths.
        testsets: The test sets in order.
        skipped: Optional test sets that are not there, each with its path.
    """

    suite: Suite
    testsets: list[TestSet]
    skipped: list[str]


def select(suite: Suite, codecs: list[str], testsets: list[str], metrics: list[str]) -> Suite:
    """Narrow a suite to the named test sets, codecs and metrics; empty lists keep all.

    A ready-made codec that the suite lacks is added.

    Raises:
        UserError: A name does not exist.
    """
    _check("test set", testsets, [t.name for t in suite.testset])
    _check("codec", codecs, [c.id for c in suite.codec] + list(PRESETS))
    _check("metric", metrics, metric_names())
    known = {c.id: c for c in suite.codec}
    changes: dict[str, Any] = {}
    if testsets:
        changes["testset"] = [t for t in suite.testset if t.name in testsets]
    if codecs:
        changes["codec"] = [known.get(id_) or CodecConfig(id=id_) for id_ in dict.fromkeys(codecs)]
    if metrics:
        changes["metrics"] = dict.fromkeys(DEFAULT_METRICS, metrics)
        changes["testset"] = [
            t.model_copy(update={"metrics": None}) for t in changes.get("testset", suite.testset)
        ]
    chosen = suite.model_copy(update=changes)
    ids, names = {c.id for c in chosen.codec}, {t.name for t in chosen.testset}
    published = [
        p for p in suite.published if p.codec in ids and (p.testset is None or p.testset in names)
    ]
    return chosen.model_copy(update={"published": published})


def _check(kind: str, names: list[str], known: Iterable[str], where: str = "") -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise UserError(unknown(kind, name, known, where))


def make_plan(suite: Suite) -> Plan:
    """Find the clips, make the adapters and the metrics.

    Args:
        suite: A suite with its data folders filled in.

    Raises:
        UserError: Something that the suite names does not exist or is wrong.
    """
    _check("metric family", list(suite.settings), family_names(), "in [settings]")
    for domain, names in suite.metrics.items():
        _check("metric", names, metric_names(), f"in [metrics] of {domain}")
    testsets, skipped = [], []
    made: dict[str, Entry] = {}
    for config in suite.testset:
        if config.optional and not exists(config):
            skipped.append(_skipped(config))
            continue
        clips = find_clips(config, suite.seed)
        entries = [
            _entry(codec, config, made)
            for codec in suite.codec
            if config.domain in (codec.domains or _preset_domains(codec) or [config.domain])
        ]
        if not entries:
            raise UserError(f"No codec of the suite takes part in test set '{config.name}'.")
        testsets.append(TestSet(config, clips, entries, _judges(suite, config)))
    if not testsets:
        raise UserError("None of the suite's test sets is there: " + ", ".join(skipped) + ".")
    return Plan(suite, testsets, skipped)


def _skipped(config: TestSetConfig) -> str:
    """Say where a test set was looked for, or how to give it."""
    given = config.path != f"{{{config.name}}}"
    return f"{config.name} ({config.path if given else f'give --data {config.name}=PATH'})"


def _preset_domains(codec: CodecConfig) -> tuple[str, ...] | None:
    chosen = PRESETS.get(codec.id) if codec.adapter is None else None
    return chosen.domains if chosen else None


def _entry(config: CodecConfig, testset: TestSetConfig, made: dict[str, Entry]) -> Entry:
    """Make a codec, or take the one made for another test set: a model is loaded once."""
    adapter, label, options = config.adapter, config.label, config.options
    if adapter is None:
        ready = preset(config.id)
        adapter, label = ready.adapter, label or ready.label
        options = {**ready.options, **options}
    filled = {
        key: value.replace("{domain}", testset.domain).replace("{testset}", testset.name)
        if isinstance(value, str)
        else value
        for key, value in options.items()
    }
    key = signature(config.id, filled)
    if key not in made:
        codec = create(config.id, label or config.id, adapter, filled)
        made[key] = Entry(codec, *_facts(codec))
    return made[key]


def _facts(codec: Codec[Any] | Reconstructions) -> tuple[CodecSpec, str | None]:
    """Fetch what a codec needs; its facts, and why it cannot be used, if so."""
    try:
        codec.fetch()
    except Unavailable as error:
        return codec.spec, str(error)
    return codec.spec, None


def _judges(suite: Suite, testset: TestSetConfig) -> list[Judge]:
    asked = testset.metrics or suite.metrics.get(testset.domain)
    names = asked or DEFAULT_METRICS[testset.domain]
    _check("metric", list(names), metric_names(), f"in test set '{testset.name}'")
    wanted: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        wanted.setdefault(family_of(name), []).append(name)
    judges = []
    for family_name, metric_list in wanted.items():
        family = make_family(family_name, suite.settings.get(family_name, {}))
        metrics = tuple(m for m in family.metrics if m.name in metric_list)
        judges.append(Judge(family, metrics, family.missing(), bool(asked)))
    return judges
