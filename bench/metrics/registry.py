"""The metric families by name, loaded when asked for, and which metrics a domain gets by default.

A package of one's own adds a family by an entry point of the group `almbench.metrics`:

    [project.entry-points."almbench.metrics"]
    my_metric = "my_package.my_module:MyFamily"
"""

from collections.abc import Mapping
from typing import Any

from almbench.domains import Domain
from almbench.errors import Unavailable, UserError, unknown
from almbench.metrics.base import Family, Metric
from almbench.plugins import Registry, parse_options

FAMILIES = {
    "pesq_wb": "almbench.metrics.pesq:PesqWideBand",
    "pesq_nb": "almbench.metrics.pesq:PesqNarrowBand",
    "stoi": "almbench.metrics.stoi:Stoi",
    "visqol_speech": "almbench.metrics.visqol:VisqolSpeech",
    "visqol_audio": "almbench.metrics.visqol:VisqolAudio",
    "speaker_similarity": "almbench.metrics.speaker:SpeakerSimilarity",
    "dnsmos": "almbench.metrics.dnsmos:Dnsmos",
    "distillmos": "almbench.metrics.distillmos:DistillMos",
    "utmos": "almbench.metrics.utmos:Utmos",
    "nisqa": "almbench.metrics.nisqa:Nisqa",
    "wer": "almbench.metrics.wer:Wer",
    "wer_to_original": "almbench.metrics.wer:WerToOriginal",
    "warpq": "almbench.metrics.warpq:WarpQ",
    "f0_correlation": "almbench.metrics.world:F0Correlation",
    "vuv_error": "almbench.metrics.world:VuvError",
    "mcd": "almbench.metrics.world:Mcd",
    "mel_distance": "almbench.metrics.spectral:MelDistance",
    "mrstft_distance": "almbench.metrics.spectral:MrstftDistance",
    "log_spectral_distance": "almbench.metrics.spectral:LogSpectralDistance",
    "si_sdr": "almbench.metrics.sisdr:SiSdr",
    "lag_ms": "almbench.metrics.alignment:LagMs",
    "gain_db": "almbench.metrics.alignment:GainDb",
}


_families: Registry[type[Family[Any]]] = Registry(
    "metric family", "almbench.metrics", FAMILIES, (Family,)
)


def family_names() -> list[str]:
    """The families, those of the package first.

    Raises:
        UserError: Two installed packages use the same name.
    """
    return _families.names()


def family(name: str) -> type[Family[Any]]:
    """Import a family.

    Raises:
        UserError: There is no such family, or an installed package gives a faulty one.
    """
    loaded = _families.load(name)
    if loaded.name != name:
        raise UserError(
            f"The metric family '{name}' has the name '{loaded.name}' in its class "
            f"{loaded.__module__}.{loaded.__name__}. To fix: register it as '{loaded.name}'."
        )
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
    return cls(parse_options(cls.settings_type, settings, f"[settings.{name}]"))


def unusable(family: Family[Any]) -> str:
    """Fetch what a family needs; why it cannot be used here, or nothing."""
    try:
        family.fetch()
    except Unavailable as error:
        return str(error)
    return family.missing() or ""


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


def _columns() -> dict[str, str]:
    """Which family computes which metric."""
    columns: dict[str, str] = {}
    for name, cls in all_families().items():
        for facts in cls.metrics:
            if facts.name in columns:
                raise UserError(
                    f"The metric '{facts.name}' is given by two families, "
                    f"'{columns[facts.name]}' and '{name}'. To fix: uninstall one of them."
                )
            columns[facts.name] = name
    return columns
