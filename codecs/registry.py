"""Codecs by name: adapters, those of plugins too, and presets. Imported only on demand."""

from collections.abc import Mapping
from typing import Any, cast

from almbench.codecs.base import Codec
from almbench.codecs.builtin import ADAPTERS, PRESETS, Preset
from almbench.codecs.reconstructions import Reconstructions
from almbench.errors import UserError, unknown
from almbench.plugins import Registry, parse_options

Adapter = type[Codec[Any]] | type[Reconstructions]

_adapters: Registry[Adapter] = Registry(
    "codec adapter", "almbench.codecs", ADAPTERS, (Codec, Reconstructions)
)


def adapter_names() -> list[str]:
    """Names of all adapters, sorted.

    Raises:
        UserError: Two installed packages use the same name.
    """
    return sorted(_adapters.names())


def adapter(name: str) -> Adapter:
    """Import an adapter.

    Raises:
        UserError: There is none of that name, it cannot be imported, or it is no whole codec.
    """
    return _adapters.load(name)


def preset(id_: str) -> Preset:
    """Look up a built-in preset.

    Raises:
        UserError: There is none of that id.
    """
    if id_ not in PRESETS:
        raise UserError(
            unknown("built-in preset", id_, PRESETS) + " For another codec, give an adapter."
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
    where = f"Codec '{id_}' (adapter {adapter_name})"
    made: Codec[Any] | Reconstructions = class_(
        id_, label, parse_options(class_.options_type, options, where)
    )
    return made


def create_preset(id_: str, options: Mapping[str, Any] | None = None) -> Codec[Any]:
    """Make the codec of a built-in preset.

    Args:
        id_: The preset's id, which becomes the codec's.
        options: Options that take the place of the preset's own, or come beside them.

    Raises:
        UserError: There is no such preset, or an option is wrong.
    """
    chosen = preset(id_)
    made = create(id_, chosen.label, chosen.adapter, {**chosen.options, **(options or {})})
    return cast("Codec[Any]", made)  # the table of presets holds nothing else
