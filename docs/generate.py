"""Writes the reference pages of the documentation from the code, before they are built."""

import inspect
import json
import re
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import click
import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from almbench.domains import DOMAINS, SCORING_RATES, Domain
from almbench.metrics.base import Metric

if TYPE_CHECKING:
    from almbench.checks.conformance import Conformance

BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
PLAIN = {
    str: "text", int: "whole number", float: "number", bool: "`true` or `false`",
    type(None): "nothing", Any: "anything",
}  # fmt: skip
HERE = Path(__file__).resolve().parent
NOTICE = "<!-- Written by docs/generate.py; change the code that it describes. -->\n\n"


def write_pages(folder: Path) -> None:
    """Write the reference pages into a folder, but for the one of conformance."""
    pages = {
        "codecs": _codecs(),
        "settings": _settings(),
        "metrics": _metrics(),
        "suites": _suites(),
        "results": _results(),
        "commands": _commands(),
    }
    for name, parts in pages.items():
        _write(folder, name, parts)


def write_conformance(folder: Path) -> None:
    """Compute every metric where its value is known, and write the page of it; some seconds.

    Raises:
        RuntimeError: A metric does not conform.
    """
    from almbench.checks.conformance import conformance

    found = list(conformance([], None))
    if wrong := [f"{one.case.metric}, {one.case.name}" for one in found if one.failed]:
        raise RuntimeError(f"These do not conform: {'; '.join(wrong)}")
    _write(folder, "conformance", conformance_page(found))


def _write(folder: Path, name: str, parts: Iterable[str]) -> None:
    folder.mkdir(exist_ok=True)
    text = NOTICE + "\n\n".join(parts) + "\n"
    path = folder / f"{name}.md"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def conformance_page(found: "Sequence[Conformance]") -> Iterator[str]:
    """The page that shows what a conformance check found."""
    yield "# Conformance"
    yield (
        "What [`bench conformance`](commands.md) found when these pages were built: each metric "
        "against values published by its source, or computed by an independent definition or "
        "package. It is explained in [the guide to results](/results.md#conformance)."
    )
    computed = [one for one in found if not one.skipped]
    heads = "metric, case, expected, got, difference, tolerance, source, version"
    yield _table(
        heads.split(", "),
        [
            [
                f"`{one.case.metric}`", one.case.name, f"{one.expected:.6f}", f"{one.got:.6f}",
                f"{one.difference:+.2g}", f"{one.case.tolerance:.2g}", one.case.source,
                one.version,
            ]
            for one in computed
        ],
    )  # fmt: skip
    yield "## Skipped"
    yield "Values of sounds that their source does not let others pass on; `--files` takes them."
    yield _table(
        ["metric", "case", "source", "tolerance"],
        [
            [f"`{one.case.metric}`", one.case.name, one.case.source, f"{one.case.tolerance:.2g}"]
            for one in found
            if one.skipped
        ],
    )


def _codecs() -> Iterator[str]:
    from almbench.codecs.builtin import PRESETS
    from almbench.codecs.registry import adapter, adapter_names, make_codec

    yield "# Adapters and presets"
    yield "## Presets"
    rows = []
    for id_, preset in PRESETS.items():
        spec = make_codec(id_).spec
        rate = spec.nominal_kbps
        rows.append([
            f"`{id_}`", preset.label, f"[`{preset.adapter}`](#{preset.adapter})",
            ", ".join(f"`{k} = {json.dumps(v)}`" for k, v in preset.options.items()),
            f"{rate:.4g}" if rate is not None else "", _words(preset.domains),
            spec.license, spec.weights_license,
        ])  # fmt: skip
    heads = "preset, label, adapter, options, kbps, domains, license, license of the weights"
    yield _table(heads.split(", "), rows)
    yield "## Adapters"
    for name in adapter_names():
        class_ = adapter(name)
        yield f"### {name}\n\n{_first(class_)}"
        yield _facts(class_.options_type, "option")


def _settings() -> Iterator[str]:
    from almbench.codecs.builtin import PRESETS
    from almbench.codecs.registry import make_codec
    from almbench.codecs.revisions import MAIN, UNPINNED

    measured = json.loads((HERE / "codec_costs.json").read_text(encoding="utf-8"))
    proofs = json.loads((HERE / "codec_proofs.json").read_text(encoding="utf-8"))
    yield f"# What is known of the {len(PRESETS)} presets"
    yield (
        "What each sends, where its weights come from, what its adapter was held against in the "
        "tests, and what it costs. Where weights are random, the configuration is the published "
        "one and codes and sound are equal to the reference's; how the trained model sounds was "
        "not heard. Seconds are those of one processor core for encoding and decoding a second of "
        "sound, memory is the most that the process took, PyTorch included, with two seconds of "
        f"sound, both on {measured['machine']} (Python {measured['python']}, "
        f"{', '.join(measured['packages'])}) by `python -m tests.perf.codecs`. At times, "
        "other work ran on its second core."
    )
    rows, costs = [], measured["presets"]
    for id_ in PRESETS:
        spec = make_codec(id_).spec
        proof = next(p for p in proofs if any(fnmatch(id_, one) for one in p["presets"]))
        weights = ""
        if spec.checkpoint:
            at = spec.checkpoint.revision
            weights = f"`{spec.checkpoint.source}`"
            if at and at != MAIN:
                weights += f" at `{at[:12]}`"
            elif why := UNPINNED.get(spec.checkpoint.source):
                weights += f" ({why})"
        cost = costs.get(id_, {"missing": "not measured"})
        rows.append([
            f"`{id_}`", _number(spec.sample_rate) or "any",
            f"{spec.frame_rate:.4g}" if spec.frame_rate else "",
            _books(spec.codebook_sizes, spec.codebook_strides),
            f"{spec.nominal_kbps:.4g}" if spec.nominal_kbps is not None else "",
            weights, spec.license, spec.weights_license, f"{proof['by']} (`{proof['test']}`)",
            str(cost.get("seconds", cost.get("missing"))), str(cost.get("peak_mib", "")),
        ])  # fmt: skip
    heads = (
        "preset, rate (Hz), frames/s, codebooks, kbps, weights, license, of the weights, "
        "held against, seconds a second, MiB"
    )
    yield _table(heads.split(", "), rows)


def _books(sizes: Sequence[int], strides: Sequence[int]) -> str:
    """Codebooks in short: how many of which size, and the frames that a code of each lasts."""
    parts = [f"{sizes.count(size)} x {size}" for size in dict.fromkeys(sizes)]
    slow = f", a code in {'/'.join(map(str, strides))} frames" if len(set(strides)) > 1 else ""
    return " + ".join(parts) + slow


def _metrics() -> Iterator[str]:
    from almbench.metrics.bitstream import BITSTREAM_METRICS
    from almbench.metrics.registry import all_families

    yield "# Metrics"
    families = all_families()
    every = [metric for family in families.values() for metric in family.metrics]
    every += BITSTREAM_METRICS
    better = {True: "higher", False: "lower", None: ""}
    yield _table(
        ["metric", "label", "unit", "better", "least", "greatest", "rate (Hz)", *DOMAINS],
        [
            [
                f"[`{m.name}`](#{m.name.replace('_', '-')})", m.label, m.unit,
                better[m.higher_is_better], _number(m.low), _number(m.high),
                str(m.rate or ("scoring" if m.computed_from == "sound" else "")),
                *(_use(m, domain) for domain in DOMAINS),
            ]
            for m in every
        ],
    )  # fmt: skip
    for metric in every:
        alone = "It needs no reference." if metric.no_reference else ""
        more = f"{metric.note} {alone}\n\n{metric.caveat} {metric.footnote}"
        yield f"## {metric.name}\n\n{more}".strip()
    yield "## Settings"
    yield "A suite sets them in `[settings.FAMILY]`, the command line by `--set FAMILY.KEY=VALUE`."
    for name, family in families.items():
        if family.settings_type.model_fields:
            yield f"### {name}\n\n{_first(family.settings_type)}"
            yield _facts(family.settings_type, "setting")


def _use(metric: Metric, domain: Domain) -> str:
    if domain in metric.default:
        return "default"
    return "yes" if domain in metric.domains else ""


def _suites() -> Iterator[str]:
    from almbench.suite.config import CodecConfig, Published, Suite, TestSetConfig

    yield "# Keys of a suite"
    for heading, model in [
        ("The suite", Suite),
        ("`[[testset]]`", TestSetConfig),
        ("`[[codec]]`", CodecConfig),
        ("`[[published]]`", Published),
    ]:
        yield f"## {heading}\n\n{_first(model)}"
        yield _facts(model, "key")
    yield "## Domains"
    rates = [[f"`{domain}`", str(SCORING_RATES[domain])] for domain in DOMAINS]
    yield _table(["domain", "scoring rate (Hz), unless a test set names its own"], rates)


def _results() -> Iterator[str]:
    from almbench.results.manifest import Manifest
    from almbench.results.table_rows import TABLES

    yield "# Columns and records of a run"
    for name, form in TABLES.items():
        yield f"## {name}.csv\n\n{_first(form.row)}"
        yield _facts(form.row, "column", defaults=False)
    yield "## manifest.json"
    for model in _records(Manifest):
        yield f"### {model.__name__}\n\n{_first(model)}"
        yield _facts(model, "field", defaults=False)


def _records(model: type[BaseModel], seen: set[type] | None = None) -> Iterator[type[BaseModel]]:
    """A record and all records in its fields, each once."""
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for inner in _inner(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _records(inner, seen)


def _inner(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _inner(argument)


def _commands() -> Iterator[str]:
    from almbench.cli.main import app

    yield "# Commands"
    yield from _command(typer.main.get_command(app), "bench")


def _command(command: Any, path: str) -> Iterator[str]:
    subcommands = getattr(command, "commands", None)
    if not subcommands:
        usage = " ".join([path, *command.collect_usage_pieces(click.Context(command))])
        yield f"## {path}\n\n```\n{usage}\n```\n\n{(command.help or '').strip()}"
        rows = []
        for parameter in command.params:
            names = getattr(parameter, "metavar", None) or parameter.name.upper()
            if parameter.param_type_name == "option":
                names = ", ".join(f"`{o}`" for o in (*parameter.opts, *parameter.secondary_opts))
            rows.append([names, getattr(parameter, "help", "") or "", _default(parameter)])
        yield _table(["argument or option", "what", "default"], rows) if rows else ""
        return
    for name, subcommand in subcommands.items():
        yield from _command(subcommand, f"{path} {name}")


def _default(parameter: Any) -> str:
    value = parameter.default
    if value is None or value in {False, ()} or callable(value) or "UNSET" in str(value).upper():
        return ""
    return f"`{getattr(value, 'value', value)}`"


def _facts(model: type, head: str, *, defaults: bool = True) -> str:
    """A table of the fields of a model or dataclass, with what its docstring says of each."""
    told = _attributes(model)
    rows = []
    for name, annotation, default, bounds in _fields(model):
        row = [f"`{name}`", told.get(name, ""), ", ".join([_type(annotation), *bounds])]
        rows.append([*row, default] if defaults else row)
    if not rows:
        return "None."
    return _table([head, "what", "type", *(["default"] if defaults else [])], rows)


def _fields(model: type) -> Iterator[tuple[str, Any, str, list[str]]]:
    """Name, type, default and bounds of each field."""
    if issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            default: Any = PydanticUndefined
            if not info.is_required():
                default = info.get_default(call_default_factory=True)
            yield name, info.annotation, _shown(default), list(_bounds(info))
    elif is_dataclass(model):
        hints = typing.get_type_hints(model)
        for field in fields(model):
            shown = "" if field.default is MISSING else _shown(field.default)
            yield field.name, hints[field.name], shown, []


def _shown(default: Any) -> str:
    if default is PydanticUndefined:
        return "**required**"
    return "" if default in (None, "", [], (), {}) else f"`{json.dumps(default)}`"


def _bounds(info: FieldInfo) -> Iterator[str]:
    for bound in info.metadata:
        for key, words in BOUNDS.items():
            if (value := getattr(bound, key, None)) is not None:
                yield f"{words} {value}"


def _type(annotation: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in {Union, types.UnionType}:
        return " or ".join(_type(a) for a in arguments)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin in {list, tuple}:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"table of {_type(arguments[1])}"
    return PLAIN.get(annotation, getattr(annotation, "__name__", ""))


def _attributes(model: type) -> dict[str, str]:
    """What the docstrings of a class and of its bases say of its attributes."""
    told: dict[str, str] = {}
    for class_ in reversed(model.__mro__):
        text = inspect.cleandoc(class_.__dict__.get("__doc__") or "")
        _, _, listed = text.partition("\nAttributes:\n")
        for name, what in re.findall(r"^    (\w+): ((?:.|\n(?!    \w+: ))+)", listed, re.M):
            told[name] = " ".join(what.split())
    return told


def _first(thing: Any) -> str:
    """A docstring without its sections."""
    text = inspect.getdoc(thing) or ""
    return re.split(r"\n\n?(?:Attributes|Args|Returns|Raises|Example)s?:\n", text)[0].strip()


def _words(names: Iterable[str]) -> str:
    return ", ".join(names)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _table(heads: list[str], rows: Iterable[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
