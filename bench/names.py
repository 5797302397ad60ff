"""Names that are safe as file names and in addresses."""

import hashlib
import re
import unicodedata

ORIGINAL = "original"  # stands for the original where a codec's id may stand
LONGEST = 120  # bytes; leaves room for suffixes below the 255 that file systems allow


def readable(name: str) -> str:
    """A file's name as text, composed (NFC); bytes that are not UTF-8 are read as Latin-1."""
    try:
        name.encode()
    except UnicodeEncodeError:  # such bytes are lone surrogates in names that Python gives
        name = name.encode("utf-8", "surrogateescape").decode("latin-1")
    return unicodedata.normalize("NFC", name)


def safe_name(text: str) -> str:
    """Make a file name of any text, of letters, digits, `.`, `_` and `-`.

    Equal texts give equal names.

    Args:
        text: Any text, such as a file's stem or a relative path.

    Returns:
        The name; never empty, never starting with a dot, at most 120 bytes long.
    """
    name = re.sub(r"[^\w.-]+", "_", text.replace("\\", "/").replace("/", "__")).lstrip(".")
    if len(name.encode()) > LONGEST:
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        name = name.encode()[: LONGEST - 9].decode(errors="ignore") + "-" + digest
    return name or "_"
