"""`bench fetch`: get what codecs need before a run that has no network."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from almbench.cli.missing import Missing, print_missing

if TYPE_CHECKING:
    from almbench.codecs.base import Codec
    from almbench.suite.config import CodecConfig, Suite


def fetch(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Suites, their TOML files, or codecs."),
    ],
) -> None:
    """Fetch the checkpoints of codecs into the hub's cache, as on a node that has a network."""
    from rich.console import Console
    from rich.markup import escape

    from almbench.errors import Unavailable

    console = Console(highlight=False)
    missing: list[Missing] = []
    for id_, codec in _codecs(names).items():
        if isinstance(codec, str):
            console.print(f"{escape(id_)}: not looked for: {escape(codec)}")
            continue
        try:
            codec.fetch(network=False)
            state = "here"
        except Unavailable:
            state = "fetched"
            try:
                codec.fetch()
            except Unavailable as error:
                missing.append(Missing(id_, str(error), error.cause, error.command))
                continue
        console.print(f"{escape(id_)}: {state}{escape(_source(codec))}")
    print_missing(console, missing)
    _print_cache(console)
    raise typer.Exit(1 if missing else 0)


def _codecs(names: list[str]) -> "dict[str, Codec[Any] | str]":
    """The codecs that the names stand for, or why one is not looked for."""
    from almbench.codecs.builtin import PRESETS
    from almbench.codecs.registry import adapter_names, make_codec
    from almbench.errors import UserError, unknown
    from almbench.hub import is_hub
    from almbench.suite.load import builtin_suites, load_suite

    found: dict[str, Codec[Any] | str] = {}
    for name in names:
        if is_hub(name) or name in PRESETS or name in adapter_names():
            found[name] = make_codec(name)
        elif name in builtin_suites() or name.endswith(".toml"):
            suite = load_suite(name)
            for config in suite.codec:
                made = _of_suite(config, suite)
                if config.id not in found or not isinstance(made, str):
                    found[config.id] = made
        else:
            known = [*builtin_suites(), *PRESETS, *adapter_names()]
            raise UserError(unknown("suite or codec", name, known) + " Or give a TOML file.")
    return found


def _of_suite(config: "CodecConfig", suite: "Suite") -> "Codec[Any] | str":
    """Make a codec of a suite; or say why it is not looked for."""
    from almbench.codecs.base import Codec
    from almbench.codecs.registry import create, preset
    from almbench.suite.load import data_names

    alone = suite.model_copy(update={"codec": [config], "testset": []})
    if folders := data_names(alone):
        return f"its files are yours (--data {folders[0]}=PATH)"
    if config.adapter == "reconstructions":
        return "its files are yours"
    ready = preset(config.id) if config.adapter is None else None
    options = {**(ready.options if ready else {}), **config.options}
    adapter = ready.adapter if ready else str(config.adapter)
    made = create(config.id, config.label or config.id, adapter, options)
    return made if isinstance(made, Codec) else "its files are yours"


def _source(codec: "Codec[Any]") -> str:
    """Where a codec's weights came from."""
    checkpoint = codec.spec.checkpoint
    if checkpoint is None:
        return ""
    at = f" at {checkpoint.revision[:12]}" if checkpoint.revision else ""
    return f" ({checkpoint.source}{at})"


def _print_cache(console: Any) -> None:
    """Say where the files are, for a node that sees the same disk."""
    from importlib.util import find_spec

    if find_spec("huggingface_hub"):
        from huggingface_hub import constants

        console.print(f"The hub's cache: {constants.HF_HUB_CACHE}", soft_wrap=True)
