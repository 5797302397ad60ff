"""Options that several commands share, and how their values are read."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from almbench.errors import UserError, unknown
from almbench.keyvalue import as_json, parse_pairs, split_key

if TYPE_CHECKING:
    from almbench.codecs.base import Codec

Device = Literal["auto", "cpu", "cuda"]
Engine = Literal["local", "ray"]
Form = Literal["table", "csv", "json", "markdown"]
Listable = Literal["codecs", "metrics", "suites", "testsets"]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where neural codecs run.")]
FormOption = Annotated[
    Form, typer.Option("--format", metavar="FORMAT", help="table, csv, json or markdown.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="File. (default: standard output)"),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="METRIC", help="Only this metric; may be repeated."),
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FAMILY.KEY=VALUE",
        help="A metric's setting, such as speaker_similarity.backend=ecapa.",
    ),
]
OptionOption = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="Option of the adapter; may be repeated."),
]
CheckpointOption = Annotated[
    str | None,
    typer.Option(metavar="[CODEC=]FOLDER", help="Where the codec's weights lie, if not the hub."),
]
BatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch",
        min=1,
        metavar="N",
        help="Clips that go through a neural codec at once. (default: 16 on a GPU, 1 on a CPU)",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, metavar="N", help="Scoring processes. (default: all cores)"),
]


def folders(
    option: str,
    pairs: list[str] | None,
    example: str,
    kind: str,
    known: Collection[str],
    where: str,
) -> dict[str, Path]:
    """Read NAME=PATH options; the names must be known, and the folders there.

    Args:
        option: Name of the option, for messages.
        pairs: What the user typed.
        example: A right one.
        kind: What a name stands for, such as "codec".
        known: The allowed names.
        where: Where they are used, such as "in suite 'quick'".

    Raises:
        UserError: A pair has another form, a name is unknown, or a folder does not exist.
    """
    found: dict[str, Path] = {}
    paths = parse_pairs(option, pairs or [], "NAME=PATH", example)
    for name in paths:
        if name not in known:
            raise UserError(f"{option}: {unknown(kind, name, known, where)}")
    for name, path in paths.items():
        found[name] = Path(path).expanduser().resolve()
        if not found[name].exists():
            raise UserError(f"{option} {name}: {path} does not exist.")
    return found


def usable_codec(name: str, pairs: list[str] | None, checkpoint: str | None = None) -> "Codec[Any]":
    """Make a codec that can be used here; what it needs of the hub is fetched.

    Args:
        name: A built-in preset, or an adapter.
        pairs: `--option KEY=VALUE` options.
        checkpoint: Where its weights lie, `[CODEC=]FOLDER`; None for where it has them from.

    Raises:
        UserError: There is no such codec, an option is wrong, or something is missing.
    """
    from almbench.codecs.builtin import PRESETS
    from almbench.codecs.registry import make_codec
    from almbench.errors import Unavailable
    from almbench.plugins import OptionsError

    parsed = parse_pairs("--option", pairs or [], "KEY=VALUE", "bitrate=16000")
    options = {key: as_json(value) for key, value in parsed.items()}
    if checkpoint is not None:
        path = Path(checkpoint.removeprefix(f"{name}=")).expanduser().resolve()
        if not path.exists():
            raise UserError(f"--checkpoint {checkpoint}: {path} does not exist.")
        options["checkpoint"] = str(path)
    try:
        codec = make_codec(name, options)
        codec.fetch()
    except OptionsError as error:
        presets = [id_ for id_, preset in PRESETS.items() if preset.adapter == name != id_]
        ready = f" With its options set: {', '.join(presets)}." if presets else ""
        raise UserError(f"{error} Options are given by --option KEY=VALUE.{ready}") from error
    except Unavailable as error:
        raise UserError(f"Codec '{name}' cannot be used here: {error}") from error
    return codec


def metric_settings(pairs: list[str] | None) -> dict[str, dict[str, str]]:
    """Read `--set FAMILY.KEY=VALUE` options: family -> key -> value.

    Raises:
        UserError: A pair has another form.
    """
    form, example = "FAMILY.KEY=VALUE", "speaker_similarity.backend=ecapa"
    settings: dict[str, dict[str, str]] = {}
    for path, value in parse_pairs("--set", pairs or [], form, example).items():
        family, key = split_key("--set", path, 2, form, example)
        settings.setdefault(family, {})[key] = value
    return settings
