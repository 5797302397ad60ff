"""How alike two encodings of a clip are."""

from dataclasses import dataclass

import numpy as np

from almbench.audio import Samples
from almbench.codecs.base import Encoded

SAME_CODES = 0.99  # share; ties may fall the other way
SAME_SOUND = 0.01  # of the peak


@dataclass(frozen=True)
class Agreement:
    """How alike two encodings of a clip, and the sounds decoded, are.

    Attributes:
        codes: Share of the codes that are equal; None without codes.
        difference: Largest difference of the sounds, as a part of the peak; infinite for unequal
            lengths.
    """

    codes: float | None
    difference: float

    def within(self, codes: float = SAME_CODES, difference: float = SAME_SOUND) -> bool:
        """Whether enough codes are equal and the sounds differ by no more than this."""
        return (self.codes is None or self.codes >= codes) and self.difference <= difference

    def __str__(self) -> str:
        """Word it."""
        codes = "" if self.codes is None else f"{self.codes:.2%} of the codes equal, "
        return f"{codes}sounds differ by {self.difference:.2g} of the peak"


def code_agreement(one: Encoded, other: Encoded) -> float | None:
    """Share of the codes that are equal, of frames that only one has none; None without codes."""
    if one.codes is None or other.codes is None:
        return None
    if len(one.codes) != len(other.codes):
        return 0.0
    frames = min(one.codes.shape[1], other.codes.shape[1])
    equal = int((one.codes[:, :frames] == other.codes[:, :frames]).sum())
    return equal / max(one.codes.size, other.codes.size)


def peak_difference(one: Samples, other: Samples) -> float:
    """Largest difference of two sounds, as a part of the peak; infinite for unequal lengths."""
    if len(one) != len(other):
        return np.inf
    difference = float(np.abs(one - other).max(initial=0.0))
    return difference / float(np.abs(one).max()) if difference else 0.0
