"""Text of strangers in CSV files, which no spreadsheet shall take for a formula."""

import re

FORMULA = re.compile(r"'*[=+\-@\t\r]")  # OWASP, "CSV Injection"


def inert(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def as_typed(text: str) -> str:
    """Take it away again."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text
