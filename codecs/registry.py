"""Codecs by name: adapters, those of plugins too, and presets. Imported only on demand."""

from collections.abc import Mapping
from typing import Any, cast

from almbench.codecs.base import Codec
from almbench.codecs.builtin import ADAPTERS, PRESETS, Preset
from almbench.codecs.reconstructions import Reconstructions
from almbench.errors import UserError, unknown
from almbench.hub import is_hub, parse_hub
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
    """Look up a built-in preset, or read `hf:ORG/NAME@K`.

    Raises:
        UserError: There is none of that id.
    """
    if is_hub(id_):
        hub = parse_hub(id_)
        return Preset(hub.label, hub.adapter, hub.options)
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


def make_codec(name: str, options: Mapping[str, Any] | None = None) -> Codec[Any]:
    """Make a codec by the name of a built-in preset, or of an adapter, or `hf:ORG/NAME@K`.

    Args:
        name: The name, which becomes the codec's id.
        options: Options of the adapter; they take the place of the preset's own, or come beside
            them.

    Raises:
        UserError: There is no such name, an option is wrong, or it reads precomputed files.
    """
    if is_hub(name):
        hub = parse_hub(name)
        made = create(hub.id, hub.label, hub.adapter, {**hub.options, **(options or {})})
        return cast("Codec[Any]", made)
    if name not in PRESETS and name not in adapter_names():
        raise UserError(unknown("codec", name, [*PRESETS, *adapter_names()]))
    chosen = PRESETS.get(name) or Preset(name, name, {})
    if not issubclass(adapter(chosen.adapter), Codec):
        raise UserError(
            f"'{name}' reads precomputed files, which another program made; there is no codec to "
            "run. To score the files: bench score REFERENCE_DIR RECONSTRUCTION_DIR"
        )
    made = create(name, chosen.label, chosen.adapter, {**chosen.options, **(options or {})})
    return cast("Codec[Any]", made)
