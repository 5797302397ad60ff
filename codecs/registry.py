"""The codecs there are: adapters by name, imported only when asked for, and ready-made settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from almbench.codecs.base import Codec
from almbench.codecs.reconstructions import Reconstructions
from almbench.errors import UserError, unknown
from almbench.validation import explain

Adapter = type[Codec[Any]] | type[Reconstructions]

GROUP = "almbench.codecs"  # entry points of this group add adapters
BUILT_IN = {
    "aac": "almbench.codecs.aac:Aac",
    "almtokenizer": "almbench.codecs.almtokenizer.adapter:ALMTokenizerCodec",
    "amr-nb": "almbench.codecs.amr:Amr",
    "codec2": "almbench.codecs.codec2:Codec2",
    "dac": "almbench.codecs.dac:Dac",
    "encodec": "almbench.codecs.encodec:Encodec",
    "external": "almbench.codecs.external:External",
    "lowpass": "almbench.codecs.lowpass:Lowpass",
    "mimi": "almbench.codecs.mimi:Mimi",
    "mp3": "almbench.codecs.mp3:Mp3",
    "opus": "almbench.codecs.opus:Opus",
    "reconstructions": "almbench.codecs.reconstructions:Reconstructions",
    "speechtokenizer": "almbench.codecs.speechtokenizer:SpeechTokenizer",
    "stablecodec": "almbench.codecs.stablecodec:StableCodec",
    "wavtokenizer": "almbench.codecs.wavtokenizer:WavTokenizer",
}
EVERYTHING = ("speech", "sound", "music")
SPEECH = ("speech",)


@dataclass(frozen=True)
class Preset:
    """A ready-made codec.

    Attributes:
        label: Name for readers; the bitrate is added to it.
        adapter: Name of the adapter.
        options: Options of the adapter.
        domains: The domains it is meant for.
    """

    label: str
    adapter: str
    options: Mapping[str, Any] = field(default_factory=dict)
    domains: tuple[str, ...] = EVERYTHING


PRESETS: dict[str, Preset] = {
    "almtokenizer": Preset("ALMTokenizer (small)", "almtokenizer", {"window": 6}),
    "codec2-700": Preset("Codec2 700C", "codec2", {"mode": 700}, SPEECH),
    "codec2-1600": Preset("Codec2", "codec2", {"mode": 1600}, SPEECH),
    "codec2-3200": Preset("Codec2", "codec2", {"mode": 3200}, SPEECH),
    "amr-nb-4.75": Preset("AMR-NB", "amr-nb", {"mode": 4750}, SPEECH),
    "amr-nb-12.2": Preset("AMR-NB", "amr-nb", {"mode": 12200}, SPEECH),
    "opus-6": Preset("Opus", "opus", {"bitrate": 6000}),
    "opus-12": Preset("Opus", "opus", {"bitrate": 12000}),
    "opus-24": Preset("Opus", "opus", {"bitrate": 24000}),
    "mp3-16": Preset("MP3", "mp3", {"bitrate": 16000, "sample_rate": 24000}),
    "mp3-32": Preset("MP3", "mp3", {"bitrate": 32000, "sample_rate": 24000}),
    "aac-16": Preset("AAC-LC", "aac", {"bitrate": 16000, "sample_rate": 24000}),
    "encodec-1.5": Preset("Encodec", "encodec", {"num_codebooks": 2}),
    "dac-1.5": Preset("DAC", "dac", {"num_codebooks": 2}),
    "mimi-1.1": Preset("Mimi", "mimi", {"num_codebooks": 8}, SPEECH),
    "mimi-0.41": Preset("Mimi", "mimi", {"num_codebooks": 3}, SPEECH),
    "speechtokenizer-1.5": Preset(
        "SpeechTokenizer", "speechtokenizer", {"num_codebooks": 3}, SPEECH
    ),
    "wavtokenizer-0.48": Preset("WavTokenizer", "wavtokenizer", {"model": "40"}),
    "wavtokenizer-0.9": Preset("WavTokenizer", "wavtokenizer", {"model": "75"}, SPEECH),
    "stablecodec-0.4": Preset("StableCodec", "stablecodec", {}, SPEECH),
    "lowpass-3.5": Preset("Low-pass 3.5 kHz", "lowpass", {"cutoff": 3500}),
    "lowpass-7": Preset("Low-pass 7 kHz", "lowpass", {"cutoff": 7000}),
}


@cache
def _targets() -> dict[str, str]:
    """All adapters, the plugins' too: name -> "module:Class".

    Raises:
        UserError: A plugin registers a name that is taken.
    """
    targets = dict(BUILT_IN)
    for point in entry_points(group=GROUP):
        if point.name in targets:
            raise UserError(
                f"Two codec adapters are called '{point.name}': {targets[point.name]} and "
                f"{point.value}. Uninstall one, or rename its entry point in '{GROUP}'."
            )
        targets[point.name] = point.value
    return targets


def adapter_names() -> list[str]:
    """Names of all adapters."""
    return sorted(_targets())


def adapter(name: str) -> Adapter:
    """Import an adapter.

    Raises:
        UserError: There is none of that name, it cannot be imported, or it is no whole codec.
    """
    targets = _targets()
    if name not in targets:
        raise UserError(unknown("codec adapter", name, targets))
    module, _, attribute = targets[name].partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # a plugin's module may raise anything
        raise UserError(
            f"Codec adapter '{name}' ({targets[name]}) cannot be imported "
            f"({type(error).__name__}: {error}). Repair or uninstall it."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Codec | Reconstructions)):
        raise UserError(f"Codec adapter '{name}' ({targets[name]}) is not a subclass of Codec.")
    if abstract := sorted(getattr(found, "__abstractmethods__", ())):
        raise UserError(f"Codec adapter '{name}' ({targets[name]}) lacks {', '.join(abstract)}.")
    return found


def preset(id_: str) -> Preset:
    """Look up a ready-made codec.

    Raises:
        UserError: There is none of that id.
    """
    if id_ not in PRESETS:
        raise UserError(
            unknown("ready-made codec", id_, PRESETS) + " For another codec, give an adapter."
        )
    return PRESETS[id_]


def create(
    id_: str, label: str, adapter_name: str, options: Mapping[str, Any]
) -> Codec[Any] | Reconstructions:
    """Make a codec; nothing heavy is loaded yet.

    Args:
        id_: The codec's id.
        label: Its name for readers.
        adapter_name: The adapter.
        options: The adapter's options, as a suite gives them.

    Raises:
        UserError: There is no such adapter, or an option is wrong; the message names the codec, the
            option, its value and the allowed ones.
    """
    class_: Any = adapter(adapter_name)
    try:
        parsed = class_.options_type.model_validate(dict(options))
    except ValidationError as error:
        where = f"Codec '{id_}' (adapter {adapter_name})"
        raise UserError(explain(error, class_.options_type, where)) from error
    made: Codec[Any] | Reconstructions = class_(id_, label, parsed)
    return made
