"""Names: readable ones, and such as are safe as file names and in addresses."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

ORIGINAL = "original"  # stands for the original where a codec's id may stand
LONGEST = 120  # bytes; leaves room for suffixes below the 255 that file systems allow
RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³])(\.|$)", re.IGNORECASE)  # by Windows


def readable(name: str) -> str:
    """A file's name as text, composed (NFC); bytes that are not UTF-8 are read as Latin-1."""
    try:
        name.encode()
    except UnicodeEncodeError:  # such bytes are lone surrogates in names that Python gives
        name = name.encode("utf-8", "surrogateescape").decode("latin-1")
    return unicodedata.normalize("NFC", name)


def some(names: Sequence[str], shown: int = 3) -> str:
    """The first names of many, and how many more there are.

    >>> some("abcde")
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def safe_name(text: str) -> str:
    """Make a file name of any text, of letters with their marks, digits, `.`, `_` and `-`.

    Texts that are equal when composed (NFC) give equal names.

    Args:
        text: Any text, such as a file's stem or a relative path.

    Returns:
        The name; never empty, with no dot at its ends, at most 120 bytes long, and none that
        Windows keeps for itself.
    """
    text = readable(text)
    flat = text.replace("\\", "/").replace("/", "__")
    kept = "".join(char if _is_safe(char) else " " for char in flat)
    name = re.sub(" +", "_", kept).strip(".")  # Windows drops a dot at the end
    if RESERVED.match(name):
        name = f"_{name}"
    if len(name.encode()) > LONGEST:
        name = name.encode()[: LONGEST - 9].decode(errors="ignore") + "-" + digest(text)
    return name or "_"


def _is_safe(char: str) -> bool:
    return bool(re.match(r"[\w.-]", char)) or unicodedata.category(char) in {"Mn", "Mc"}


def ascii_name(text: str, longest: int = 70) -> str:
    """Make a name as suites give them to codecs and test sets, of A-Z, a-z, 0-9, `.`, `_` and `-`.

    Letters lose their accents. Where others had to go, a digest stands for them, so that different
    texts stay different.

    Args:
        text: Any text.
        longest: The most characters.
    """
    safe = safe_name(text)
    plain = unicodedata.normalize("NFKD", safe)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    name = plain.encode("ascii", errors="ignore").decode().lstrip("._-")
    if name and plain.isascii() and len(name) <= longest and not RESERVED.match(name):
        return name
    return f"{name[: longest - 9].rstrip('._-') or 'set'}-{digest(text)}"


def is_portable(name: str) -> bool:
    """Whether a file may have a name on Windows, too: none reserved, no dot or space at its end."""
    return not RESERVED.match(name) and not name.endswith((".", " ")) and ":" not in name


def check_file_name(name: str) -> str:
    """Return a name that stands for one file or folder as it is.

    Raises:
        ValueError: It is empty, too long, or would lead elsewhere.
    """
    if not name or name in {".", ".."} or re.search(r"[/\\\x00-\x1f]", name):
        raise ValueError("a name has at least one character, and no slashes or control characters")
    if len(name.encode(errors="replace")) > 200:
        raise ValueError("a name has up to 200 bytes")
    return name


def digest(text: str) -> str:
    """Eight hexadecimal digits that stand for a text."""
    return hashlib.sha256(readable(text).encode()).hexdigest()[:8]
