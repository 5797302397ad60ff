"""Options of the form KEY=VALUE: the one place that reads them."""

import json
from collections.abc import Iterable
from typing import Any

from almbench.errors import UserError


def parse_pairs(option: str, pairs: Iterable[str], form: str, example: str) -> dict[str, str]:
    """Read options such as `--data vctk=/data/VCTK`; the last of equal keys counts.

    Args:
        option: Name of the option, for the message.
        pairs: What the user typed.
        form: What a pair looks like, such as "NAME=PATH".
        example: A right one.

    Raises:
        UserError: A pair is without key, `=` or value.

    >>> parse_pairs("--data", ["vctk=/data/VCTK"], "NAME=PATH", "demo=/data/demo")
    {'vctk': '/data/VCTK'}
    """
    parsed = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals and value):
            raise UserError(f"{option} '{pair}' is not {form}, such as {example}.")
        parsed[key] = value
    return parsed


def split_key(option: str, key: str, parts: int, form: str, example: str) -> list[str]:
    """Split a dotted key, such as "speaker_similarity.backend".

    Args:
        option: Name of the option, for the message.
        key: The key.
        parts: So many parts it has; 0 for any number.
        form: What a pair looks like, such as "FAMILY.KEY=VALUE".
        example: A right one.

    Raises:
        UserError: A part is empty, or there are more or fewer.

    >>> split_key("--set", "stage2.steps", 0, "KEY=VALUE", "stage2.steps=500")
    ['stage2', 'steps']
    """
    found = key.split(".")
    if not all(found) or (parts and len(found) != parts):
        raise UserError(f"{option} '{key}' is not {form}, such as {example}.")
    return found


def as_json(text: str) -> Any:
    """Read a value as JSON where it is that, else as text.

    >>> as_json("16000"), as_json("[1, 2]"), as_json("voip")
    (16000, [1, 2], 'voip')
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
