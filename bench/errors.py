"""The errors that almbench raises; all derive from `AlmbenchError`."""

import re
import unicodedata
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
    """A codec or metric cannot be used here; the message says what is missing and how to get it.

    Attributes:
        cause: Why, in words that it shares with others that are missing for the same cause.
        command: The shell command that gets what is missing; empty where there is none.
    """

    def __init__(self, message: str, cause: str = "", command: str = "") -> None:
        """Keep the message; the cause is the message where there is no shorter one."""
        super().__init__(message)
        self.cause = cause or message
        self.command = command


class MetricUndefined(AlmbenchError):  # noqa: N818 - a finding about a clip, not a fault
    """A metric is not defined for this pair of sounds; its row fails with this reason."""


class NotApplicable(MetricUndefined):
    """A metric does not apply to this pair, though nothing is wrong; its row is skipped."""


LONGEST = 800  # characters of a line of a message
MOST_NAMES = 20  # that a message lists beside a suggestion, where a command lists them
LISTED = {
    "codec": "codecs",
    "built-in preset": "codecs",
    "metric": "metrics",
    "suite": "suites",
    "suite or codec": "suites, bench list codecs",
}
"""What was named -> what `bench list` lists of it."""
NEAREST = 3  # names that differ in a number, such as a bitrate


def in_a_line(text: str, longest: int = LONGEST) -> str:
    r"""Make one line of a text that is not one's own, and leave out the middle of a long one.

    Args:
        text: Any text; control characters are written as Python writes them.
        longest: The most characters.

    >>> in_a_line("a\nb"), in_a_line("x" * 50, 9)
    ('a\\nb', 'xx ... xx')
    """
    cut = (longest - 5) // 2
    if len(text) > longest:
        text = f"{text[:cut]} ... {text[-cut:]}"
    return "".join(repr(char)[1:-1] if is_control(char) else char for char in text)


def is_control(char: str) -> bool:
    """Whether a character moves the cursor of a terminal, or could not be written as UTF-8."""
    return unicodedata.category(char) in {"Cc", "Cs"}


def describe(error: Exception | None) -> str:
    """What a row or a record says of an error: its text, and its type where it is not ours."""
    if isinstance(error, AudioError | CodecError | Unavailable):
        return str(error)
    return f"{type(error).__name__}: {error}"


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> str:
    """Word the message for a name that does not exist.

    Args:
        kind: What was named, such as "codec".
        name: What the user wrote.
        known: The allowed names.
        where: Where it was looked for, such as "in suite 'quick'".

    Returns:
        One sentence with what the name may have meant, and the allowed names; where it may have
        meant something and there are many, the command that lists them.
    """
    allowed = sorted(set(known), key=_natural)
    place = f" {where}" if where else ""
    hint = did_you_mean(name, allowed)
    words = [f"There is no {kind} '{in_a_line(name, 200)}'{place}.", *filter(None, [hint])]
    listed = "" if where else LISTED.get(kind, "")
    if hint and listed and len(allowed) > MOST_NAMES:
        return " ".join([*words, f"To see all: bench list {listed}."])
    return " ".join([*words, f"Allowed: {', '.join(allowed) or 'none'}."])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Ask for the names that begin with what the user wrote, or else for the most similar one.

    Names that differ in numbers alone, such as bitrates, are the most similar: the nearest three.
    Upper and lower case count alike.

    Args:
        name: What the user wrote.
        known: The allowed names, in the order to name them.

    >>> did_you_mean("opus", ["mp3-16", "opus-6", "opus-12"])
    'Did you mean opus-6 or opus-12?'
    >>> did_you_mean("quik", ["quick"])
    "Did you mean 'quick'?"
    >>> did_you_mean("opus-13", ["opus-6", "opus-12", "opus-16", "opus-32"])
    'Did you mean opus-6, opus-12 or opus-16?'
    """
    allowed = list(known)
    lower = [one.lower() for one in allowed]
    near = [one for one in allowed if one.lower().startswith(name.lower())]
    if not near and (alike := [one for one in allowed if _form(one) == _form(name)]):
        nearest = sorted(alike, key=lambda one: _distance(one, name))[:NEAREST]
        near = [one for one in alike if one in nearest]
    if not near:
        near = [allowed[lower.index(one)] for one in get_close_matches(name.lower(), lower, n=1)]
    if not near or not name:
        return ""
    *others, last = near
    return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean '{last}'?"


def _natural(name: str) -> list[tuple[float, str]]:
    """Sort numbers in names by their value: opus-6 before opus-12."""
    parts = re.split(r"(\d+(?:\.\d+)?)", name)
    return [(float(part), "") if i % 2 else (-1.0, part) for i, part in enumerate(parts)]


def _form(name: str) -> list[str]:
    """A name without its numbers, to tell what differs in these alone."""
    return [text.lower() for _, text in _natural(name)]


def _distance(one: str, other: str) -> float:
    return sum(abs(a - b) for (a, _), (b, _) in zip(_natural(one), _natural(other), strict=True))
