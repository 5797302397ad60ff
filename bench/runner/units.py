"""What the work of a run is made of: units, each a block of clips through one thing.

Three kinds: originals to import, reconstructions by codecs that share an encoding, and the scores
of one codec. Blocks depend on the test set alone, so that all workers of a run see the same units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from almbench.results.records import Row, signature

T = TypeVar("T")
BLOCKS = 64  # of a test set, where that makes them neither tiny nor huge
FEWEST, MOST = 4, 512  # clips of a block


@dataclass(frozen=True)
class Unit:
    """A piece of work that one worker does as a whole.

    Attributes:
        row: The kind of its rows, which is the kind of its work.
        testset: Name of the test set.
        codecs: Ids of the codecs; none for originals.
        clips: Ids of the clips.
    """

    row: type[Row]
    testset: str
    codecs: tuple[str, ...]
    clips: tuple[str, ...]

    @cached_property
    def id(self) -> str:
        """Hash of what it is, safe as a file name."""
        return signature(self.row.file, self.testset, self.codecs, self.clips)


def blocks(clips: Sequence[T]) -> list[Sequence[T]]:
    """Cut the clips of a test set into blocks.

    >>> [len(block) for block in blocks(range(10))]
    [4, 4, 2]
    """
    size = min(max(len(clips) // BLOCKS, FEWEST), MOST)
    return [clips[start : start + size] for start in range(0, len(clips), size)]
