"""Words for what is wrong in a file or in options that a pydantic model read."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from almbench.errors import did_you_mean, in_a_line, unknown

MOST = 20  # mistakes that are told


def explain(error: ValidationError, model: type[BaseModel], where: str) -> str:
    """Word a validation error for a user.

    Args:
        error: What pydantic raised.
        model: The model that was validated.
        where: What was read, such as a file's path or "Codec 'x'".

    Returns:
        One line a mistake: where, the key as in `codec[2].options`, its value, what is wrong with
        it or what is allowed, and the nearest match of a misspelt key or value.
    """
    found = error.errors()
    lines = [f"{where}: {in_a_line(_sentence(item, model))}" for item in found[:MOST]]
    more = [f"{where}: {len(found) - MOST} more mistakes."] if len(found) > MOST else []
    return "\n".join(lines + more)


def _sentence(item: ErrorDetails, model: type[BaseModel]) -> str:
    if item["type"] in {"extra_forbidden", "missing"}:
        *table, key = item["loc"]
        path, types = _walk(model, table)
        message = f"The key '{key}' is missing."
        if item["type"] == "extra_forbidden":
            message = unknown("key", str(key), _keys(types))
        return f"{path}: {message}" if path else message
    path, _ = _walk(model, item["loc"])
    message = _message(item)
    # All that a table holds would say nothing; its key is enough.
    shown = (
        ""
        if isinstance(item["input"], Mapping | BaseModel)
        else f" = {in_a_line(repr(item['input']), 200)}"
    )
    return f"{path}{shown}: {message}" if path else message


def _message(item: ErrorDetails) -> str:
    if item["type"] == "literal_error":
        expected = item["ctx"]["expected"]
        hint = did_you_mean(str(item["input"]), re.findall(r"'([^']*)'", expected))
        return f"{hint} Allowed: {expected}.".lstrip()
    text = item["msg"].removeprefix("Value error, ")
    return text[0].upper() + text[1:].rstrip(".") + "."


def _walk(model: type[BaseModel], location: Sequence[str | int]) -> tuple[str, list[Any]]:
    """Follow a location into a model.

    Returns:
        The location as one writes it, and the types that may stand there.
    """
    path = ""
    types: list[Any] = [model]
    for part in location:
        inside = [member for type_ in types for member in _inside(type_, part)]
        if not inside and (len(types) > 1 or part == "[key]"):
            # Not a place in the file: pydantic names the member of a union, or a table's key.
            types = [type_ for type_ in types if part in _labels(type_)] or types
            continue
        types = inside
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    return path, types


def _inside(type_: Any, part: str | int) -> Iterator[Any]:
    """The types of what stands at `part` in a value of a type."""
    origin, inner = get_origin(type_), get_args(type_)
    if _is_model(type_):
        for name, field in type_.model_fields.items():
            if part in {name, field.alias}:
                yield from _members(field.annotation)
    elif origin is tuple and isinstance(part, int) and Ellipsis not in inner:
        yield from _members(inner[part])
    elif _is(origin, Sequence | Set) and isinstance(part, int):
        yield from _members(inner[0])
    elif _is(origin, Mapping) and part != "[key]":
        yield from _members(inner[1])


def _members(annotation: Any) -> list[Any]:
    """The types that an annotation allows, without None."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [member for inner in get_args(annotation) for member in _members(inner)]
    return [] if annotation is NoneType else [annotation]


def _labels(type_: Any) -> set[Any]:
    """What pydantic may call a member of a union: its class's name, or its tag."""
    labels = {getattr(type_, "__name__", str(type_))}
    if _is_model(type_):
        for field in type_.model_fields.values():
            if get_origin(field.annotation) is Literal:
                labels.update(get_args(field.annotation))
    return labels


def _keys(types: list[Any]) -> set[str]:
    """The keys of the models among some types."""
    models = [type_ for type_ in types if _is_model(type_)]
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _is_model(type_: Any) -> bool:
    return _is(type_, BaseModel)


def _is(type_: Any, parent: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, parent)
