"""The metric families by name, loaded when asked for, and which metrics a domain gets by default.

A package of one's own adds a family by an entry point of the group `almbench.metrics`:

    [project.entry-points."almbench.metrics"]
    my_metric = "my_package.my_module:MyFamily"
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from almbench.domains import Domain
from almbench.errors import UserError, unknown
from almbench.metrics.base import Family, Metric
from almbench.validation import explain

GROUP = "almbench.metrics"

BUILTIN = {
    "pesq_wb": "almbench.metrics.pesq:PesqWideBand",
    "pesq_nb": "almbench.metrics.pesq:PesqNarrowBand",
    "stoi": "almbench.metrics.stoi:Stoi",
    "visqol_speech": "almbench.metrics.visqol:VisqolSpeech",
    "visqol_audio": "almbench.metrics.visqol:VisqolAudio",
    "speaker_similarity": "almbench.metrics.speaker:SpeakerSimilarity",
    "mel_distance": "almbench.metrics.spectral:MelDistance",
    "mrstft_distance": "almbench.metrics.spectral:MrstftDistance",
    "si_sdr": "almbench.metrics.sisdr:SiSdr",
    "lag_ms": "almbench.metrics.alignment:LagMs",
    "gain_db": "almbench.metrics.alignment:GainDb",
}


def family_names() -> list[str]:
    """The families, those of the package first.

    Raises:
        UserError: Two installed packages claim the same name.
    """
    return list(_addresses())


@cache
def family(name: str) -> type[Family[Any]]:
    """Load a family.

    Raises:
        UserError: There is no such family, or an installed package gives a faulty one.
    """
    addresses = _addresses()
    if name not in addresses:
        raise UserError(unknown("metric family", name, addresses))
    address = addresses[name]
    if isinstance(address, EntryPoint):
        return _load_plugin(address)
    module, attribute = address.split(":")
    loaded: type[Family[Any]] = getattr(import_module(module), attribute)
    return loaded


def all_families() -> dict[str, type[Family[Any]]]:
    """Load every family: name -> class."""
    return {name: family(name) for name in family_names()}


def make_family(name: str, settings: Mapping[str, Any]) -> Family[Any]:
    """Make a family with its settings.

    Raises:
        UserError: There is no such family, or a setting is wrong.
    """
    cls = family(name)
    try:
        return cls(cls.settings_type.model_validate(dict(settings)))
    except ValidationError as error:
        raise UserError(explain(error, cls.settings_type, f"[settings.{name}]")) from error


def metric_names() -> list[str]:
    """The metrics of all families, that is the possible columns."""
    return list(_columns())


def default_metrics(domain: Domain) -> list[str]:
    """The metrics that a domain's test sets get unless a suite names its own."""
    return [m.name for cls in all_families().values() for m in cls.metrics if domain in m.default]


def family_of(metric: str) -> str:
    """Name the family that computes a metric.

    Raises:
        UserError: There is no such metric.
    """
    columns = _columns()
    if metric not in columns:
        raise UserError(unknown("metric", metric, columns))
    return columns[metric]


def metric(name: str) -> Metric:
    """The facts of a metric by its column name.

    Raises:
        UserError: There is no such metric.
    """
    return next(m for m in family(family_of(name)).metrics if m.name == name)


@cache
def _addresses() -> dict[str, str | EntryPoint]:
    """Where each family is: a "module:class" of this package, or another package's entry point."""
    addresses: dict[str, str | EntryPoint] = dict(BUILTIN)
    for entry in entry_points(group=GROUP):
        if entry.name in addresses:
            raise UserError(
                f"{_owner(entry)} registers the metric family '{entry.name}', which exists "
                f"already. Rename its entry point, or uninstall it."
            )
        addresses[entry.name] = entry
    return addresses


@cache
def _columns() -> dict[str, str]:
    """Which family computes which metric."""
    columns: dict[str, str] = {}
    for name, cls in all_families().items():
        for facts in cls.metrics:
            if facts.name in columns:
                raise UserError(
                    f"The metric '{facts.name}' is given by two families, "
                    f"'{columns[facts.name]}' and '{name}'. Uninstall one of them."
                )
            columns[facts.name] = name
    return columns


def _load_plugin(entry: EntryPoint) -> type[Family[Any]]:
    try:
        loaded = entry.load()
    except Exception as error:
        raise UserError(
            f"The metric family '{entry.name}' of {_owner(entry)} cannot be loaded "
            f"({type(error).__name__}: {error}). Repair or uninstall it."
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Family) and loaded.name == entry.name):
        raise UserError(
            f"{_owner(entry)} registers {entry.value} as the metric family '{entry.name}', but "
            f"that is no subclass of almbench.metrics.base.Family of this name."
        )
    return loaded


def _owner(entry: EntryPoint) -> str:
    return f"The package '{entry.dist.name}'" if entry.dist else "An installed package"
