"""The errors that almbench tells apart."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """The user's input is wrong: one clear message, exit code 2, no traceback."""


class AudioError(Exception):
    """A sound cannot be read or used; the clip fails, the run goes on."""


class CodecError(Exception):
    """A codec failed on one clip; its row fails, the run goes on."""


class Unavailable(Exception):  # noqa: N818 - a state of the machine, not a fault
    """A codec or metric cannot be used here; the message says what is missing and the cure."""


class Unscorable(Exception):  # noqa: N818 - a verdict on a clip, not a fault of the program
    """A metric is not defined for this pair of sounds; its row fails with this reason."""


class Inapplicable(Unscorable):
    """A metric has nothing to say of this pair, though nothing is wrong; its row is skipped."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> str:
    """Word the message for a name that does not exist.

    Args:
        kind: What was named, such as "codec".
        name: What the user wrote.
        known: The allowed names.
        where: Where it was looked for, such as "in suite 'quick'".

    Returns:
        One sentence with the nearest match, if one is near, and the allowed names.
    """
    allowed = sorted(set(known))
    near = get_close_matches(name, allowed, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    place = f" {where}" if where else ""
    return f"There is no {kind} '{name}'{place}.{hint} Allowed: {', '.join(allowed) or 'none'}."
