"""The plan of a run: which clips go through which codecs, and which metrics score them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from almbench.codecs.base import Codec
from almbench.codecs.builtin import PRESETS
from almbench.codecs.reconstructions import Reconstructions
from almbench.codecs.registry import create, preset
from almbench.domains import DOMAINS, SCORING_RATES
from almbench.errors import Unavailable, UserError, unknown
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
from almbench.results.codec_record import CodecRecord
from almbench.results.metric_record import MetricRecord
from almbench.results.records import signature
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.suite.kept import kept_clips, most_kept
from almbench.suite.testsets import Clip, Selection, exists, find_clips

AnyCodec = Codec[Any] | Reconstructions
OBJECT = "python"  # stands for the adapter of a codec that is an object


@dataclass(frozen=True)
class PlannedCodec:
    """A codec in a test set.

    Attributes:
        codec: The adapter, made but not loaded.
        record: Its facts, and why it cannot be used, if so.
    """

    codec: AnyCodec
    record: CodecRecord


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
    for domain, names in suite.metrics.items():
        _check("metric", names, metric_names(), f"in [metrics] of {domain}")
    testsets: list[PlannedTestSet] = []
    skipped: list[str] = []
    without: list[str] = []
    made = _Codecs(objects or {}, network)
    for config in suite.testset:
        if config.optional and not exists(config):
            skipped.append(_skipped(config))
            continue
        selection = find_clips(config, suite.seed)
        codecs = made.taking_part(suite.codec, config)
        if not codecs:
            without.append(config.name)
            continue
        requested = config.metrics or suite.metrics.get(config.domain)
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


def _preset_domains(codec: CodecConfig) -> tuple[str, ...] | None:
    chosen = PRESETS.get(codec.id) if codec.adapter is None else None
    return chosen.domains if chosen else None


class _Codecs:
    """Makes codecs; one that two test sets share is made, and its model loaded, once."""

    def __init__(self, objects: Mapping[str, AnyCodec], network: bool) -> None:
        self._objects = objects
        self._network = network
        self._made: dict[str, PlannedCodec] = {}
        self._unusable: dict[str, list[str]] = {}

    def taking_part(self, configs: list[CodecConfig], testset: TestSetConfig) -> list[PlannedCodec]:
        """Make the codecs for a test set, without optional ones that cannot be used here."""
        taking_part = []
        for config in configs:
            if testset.domain not in (config.domains or _preset_domains(config) or DOMAINS):
                continue
            if config.optional and (absent := _absent_folder(config, testset)):
                self._leave_out(config.id, absent)
                continue
            planned = self.get(config, testset)
            if not (config.optional and planned.record.missing):
                taking_part.append(planned)
            else:
                self._leave_out(config.id, planned.record.missing)
        return taking_part

    def _leave_out(self, id_: str, reason: str) -> None:
        if id_ not in (ids := self._unusable.setdefault(reason, [])):
            ids.append(id_)

    def skipped(self) -> list[str]:
        """The optional codecs that cannot be used here, those with one reason together."""
        return [f"{', '.join(ids)} ({missing})" for missing, ids in self._unusable.items()]

    def get(self, config: CodecConfig, testset: TestSetConfig) -> PlannedCodec:
        """Make a codec of the suite for a test set, or take the one made for another."""
        if config.id in self._objects:
            key = config.id
        else:
            key = signature(config.id, _resolved(config, testset)[2])
        if key not in self._made:
            codec = self._objects.get(config.id) or configured_codec(config, testset)
            self._made[key] = PlannedCodec(codec, _record(codec, config, self._network))
        return self._made[key]


def configured_codec(config: CodecConfig, testset: TestSetConfig) -> AnyCodec:
    """Make a codec of a suite for a test set; nothing is fetched or loaded.

    Raises:
        UserError: Its adapter or an option of it is wrong.
    """
    adapter, label, options = _resolved(config, testset)
    return create(config.id, label, adapter, options)


def _resolved(config: CodecConfig, testset: TestSetConfig) -> tuple[str, str, dict[str, Any]]:
    """Adapter, label and options of a codec, those of its preset included."""
    adapter, label, options = config.adapter, config.label, config.options
    if adapter is None:
        ready = preset(config.id)
        adapter, label = ready.adapter, label or ready.label
        options = {**ready.options, **options}
    filled = {key: _filled(value, testset) for key, value in options.items()}
    return str(adapter), label or config.id, filled


def _absent_folder(config: CodecConfig, testset: TestSetConfig) -> str:
    """Say that a folder of reconstructions does not exist; empty where it does, or for a codec."""
    if config.adapter != "reconstructions" or "path" not in config.options:
        return ""
    folder = Path(str(_filled(config.options["path"], testset))).expanduser()
    return "" if folder.is_dir() else f"{folder} is not there"


def _filled(value: Any, testset: TestSetConfig) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("{domain}", testset.domain).replace("{testset}", testset.name)


def _record(codec: AnyCodec, config: CodecConfig, network: bool) -> CodecRecord:
    """Fetch what a codec needs; its facts, and why it cannot be used, if so."""
    missing: Unavailable | None = None
    try:
        codec.fetch(network=network)
    except Unavailable as error:
        missing = error
    spec = codec.spec.model_copy(update={"id": config.id})
    return CodecRecord.of(
        spec,
        missing,
        precomputed=isinstance(codec, Reconstructions),
        with_codes=isinstance(codec, Reconstructions) and codec.with_codes,
        stated_kbps=config.stated_kbps,
    )


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
