"""What is published names no folder of the machine that it was made on.

Of an absolute path only the last part is left, wherever one stands: in a reason, a note, a setting
or a command line.
"""

import os
import re
import shlex
from collections.abc import Iterator
from glob import has_magic
from pathlib import Path, PurePath

from pydantic import JsonValue

# Where a path may begin: at / or ~/, at a drive, or at \\server; not within a word or an address.
BEGIN = re.compile(
    r"(?<![\w.~/\\<*-])(?:file://)?(?:~[\w.-]*/|/(?=[^\s/])|[A-Za-z]:[\\/](?=[^\s\\/])|\\\\(?=\w))"
)
END = re.compile(r"[\s'\"`,;:()<>\[\]{}|]|$")
QUOTES = "'\"`"
MOST = 40  # places where a path with spaces may end, as far as they are tried
NAMED = ("--data", "--checkpoint")  # options that give a folder a name


def without_folders(text: str) -> str:
    """Leave of each absolute path in a text its last part.

    Args:
        text: Any text, such as the message of an error.
    """
    out, place = [], 0
    for match in BEGIN.finditer(text):
        if match.start() < place:
            continue
        path = _path_at(text, match.start(), match.end())
        parts = re.split(r"[\\/]+", path.removeprefix("file://").rstrip("/\\"))
        if len([part for part in parts if part]) < 2 and not os.path.lexists(path):
            continue  # a fraction, an option, a division
        out += [text[place : match.start()], parts[-1]]
        place = match.start() + len(path)
    return "".join([*out, text[place:]])


def _path_at(text: str, start: int, root_end: int) -> str:
    """The path that begins at `start`: the longest there is, else up to the first delimiter."""
    line = text[start:].split("\n", 1)[0]
    if start and text[start - 1] in QUOTES and text[start - 1] in line:
        return line[: line.index(text[start - 1])]
    ends = [match.start() for match in END.finditer(line, root_end - start)][:MOST]
    for end in reversed(ends):
        path = line[:end].rstrip(".")
        if os.path.lexists(Path(path).expanduser()):
            return path
    return line[: ends[0]]


def hide(value: JsonValue) -> JsonValue:
    """Do so in all texts of a value."""
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, list):
        return [hide(one) for one in value]
    if isinstance(value, dict):
        return {key: hide(one) for key, one in value.items()}
    return value


def shown_path(path: str) -> str:
    """The last part of a path; of a glob its fixed part's last, and what follows."""
    whole = PurePath(path) if not path.startswith("~/") else Path(path).expanduser()
    if len(whole.parts) < 2 or not whole.is_absolute():
        return path
    fixed = next((i for i, part in enumerate(whole.parts) if has_magic(part)), len(whole.parts))
    return PurePath(*whole.parts[max(1, fixed - 1) :]).as_posix()


def command_line(arguments: list[str]) -> str:
    """A command as it may be shown: folders by the names that `--data` gave them, or last parts.

    Args:
        arguments: What followed the name of the program.
    """
    return shlex.join(["bench", *_arguments(arguments)])


def _arguments(arguments: list[str]) -> Iterator[str]:
    before = ""
    for argument in arguments:
        option, _, value = argument.partition("=")
        if before in NAMED and value:
            yield f"{option}={{{option}}}"
        elif option in NAMED and "=" in value:
            name = value.partition("=")[0]
            yield f"{option}={name}={{{name}}}"
        elif value:
            yield f"{option}={shown_path(value)}"
        else:
            yield shown_path(argument)
        before = argument
