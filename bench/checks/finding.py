"""What a check finds."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "FAIL", "info"]
Result = tuple[str, Verdict]  # what was measured, in words, and whether a claim holds


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: Name of the check.
        measured: What was measured, in words.
        verdict: Whether a claim of the adapter holds; info where it claims nothing.
    """

    check: str
    measured: str
    verdict: Verdict
