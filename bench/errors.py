"""The errors that almbench raises; all derive from `AlmbenchError`."""

from collections.abc import Iterable
from difflib import get_close_matches


class AlmbenchError(Exception):
    """Base of every error that almbench raises on purpose."""


class UserError(AlmbenchError):
    """The user's input is wrong: one clear message, exit code 2, no traceback."""


class AudioError(AlmbenchError):
    """A sound cannot be read or used; the clip fails, the run goes on."""


class CodecError(AlmbenchError):
    """A codec failed on one clip; its row fails, the run goes on."""


class Unavailable(AlmbenchError):  # noqa: N818 - a state of the machine, not a fault
    """A codec or metric cannot be used here; the message says what is missing and how to get it."""


class MetricUndefined(AlmbenchError):  # noqa: N818 - a finding about a clip, not a fault
    """A metric is not defined for this pair of sounds; its row fails with this reason."""


class NotApplicable(MetricUndefined):
    """A metric does not apply to this pair, though nothing is wrong; its row is skipped."""


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
