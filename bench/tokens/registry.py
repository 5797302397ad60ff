"""The token measures by name, loaded when asked for.

A package of one's own adds a measure by an entry point of the group `almbench.tokens`:

    [project.entry-points."almbench.tokens"]
    my_measure = "my_package.my_module:MyMeasure"
"""

from collections.abc import Mapping
from typing import Any

from almbench.plugins import Registry, parse_options
from almbench.tokens.measure import Measure

MEASURES: dict[str, str] = {
    "probe": "almbench.tokens.probe:Probe",
    "frame_probe": "almbench.tokens.frames:FrameProbe",
    "abx": "almbench.tokens.abx:Abx",
    "swap": "almbench.tokens.swap:Swap",
    "recognition": "almbench.tokens.recognition:Recognition",
    "language": "almbench.tokens.language:Language",
    "stability": "almbench.tokens.robustness:Stability",
}

_measures: Registry[type[Measure[Any]]] = Registry(
    "token measure", "almbench.tokens", MEASURES, (Measure,)
)


def measure_names() -> list[str]:
    """The measures, those of the package first.

    Raises:
        UserError: Two installed packages use the same name.
    """
    return _measures.names()


def make_measure(name: str, settings: Mapping[str, Any]) -> Measure[Any]:
    """Make a measure with its settings.

    Raises:
        UserError: There is no such measure, or a setting is wrong.
    """
    cls = _measures.load(name)
    return cls(parse_options(cls.settings_type, settings, f"--set {name}"))
