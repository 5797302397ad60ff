"""The triples of ABX: which stand together in a cell, and how the errors of cells are averaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from almbench.tokens.measure import Floats


@dataclass(frozen=True)
class Cell:
    """Triples of one kind, whose errors are averaged first.

    Attributes:
        words: The word of A and X, and that of B.
        speakers: The speaker of A and B, and that of X.
        a: Numbers of the clips of A.
        b: Of B.
        x: Of X.
        context: What A, B and X have around them; empty where it may differ.
    """

    words: tuple[str, str]
    speakers: tuple[str, str]
    a: tuple[int, ...]
    b: tuple[int, ...]
    x: tuple[int, ...]
    context: str = ""

    def error(self, distances: Floats) -> float:
        """Share of the triples in which X is nearer to B, by distances **Shape** `[N, N]`."""
        to_a = distances[np.ix_(self.x, self.a)][:, :, None]
        to_b = distances[np.ix_(self.x, self.b)][:, None, :]
        wrong = (to_b < to_a) + 0.5 * (to_b == to_a)
        counts = np.array([[a != x for a in self.a] for x in self.x])[:, :, None]
        return float((wrong * counts).sum() / (counts.sum() * len(self.b)))


def make_cells(
    words: Sequence[str],
    speakers: Sequence[str],
    most_across: int,
    seed: int,
    contexts: Sequence[str] = (),
) -> dict[str, list[Cell]]:
    """Lay out the triples of both tasks.

    Args:
        words: The word of each clip; empty for a clip that takes no part.
        speakers: The speaker of each clip; empty where unknown.
        most_across: Speakers of X at most, for each speaker of A and B.
        seed: Draws them.
        contexts: What each clip has around it, the same for A, B and X; empty where it may differ.

    Returns:
        `within`: A, B and X of one speaker. `across`: A and B of one, X of another.
    """
    rng = np.random.default_rng(seed)
    said: dict[str, dict[str, dict[str, list[int]]]] = {}
    for i, (word, speaker) in enumerate(zip(words, speakers, strict=True)):
        if word and speaker:
            of_context = said.setdefault(contexts[i] if contexts else "", {})
            of_context.setdefault(word, {}).setdefault(speaker, []).append(i)
    cells: dict[str, list[Cell]] = {"within": [], "across": []}
    for context, of_context in sorted(said.items()):
        for first, second in permutations(sorted(of_context), 2):
            of_first, of_second = of_context[first], of_context[second]
            for speaker in sorted(set(of_first) & set(of_second)):
                a, b = tuple(of_first[speaker]), tuple(of_second[speaker])
                if len(a) > 1:
                    same = Cell((first, second), (speaker, speaker), a, b, a, context)
                    cells["within"].append(same)
                others = [name for name in sorted(of_first) if name != speaker]
                if len(others) > most_across:
                    drawn = sorted(rng.permutation(len(others))[:most_across])
                    others = [others[i] for i in drawn]
                for other in others:
                    x = tuple(of_first[other])
                    cell = Cell((first, second), (speaker, other), a, b, x, context)
                    cells["across"].append(cell)
    return cells


def mean_error(cells: Sequence[Cell], errors: Floats) -> float:
    """Average over speakers of X and contexts, then speakers of A and B, then pairs of words."""
    nested: dict[tuple[str, str], dict[str, list[float]]] = {}
    for cell, error in zip(cells, errors, strict=True):
        nested.setdefault(cell.words, {}).setdefault(cell.speakers[0], []).append(error)
    of_pairs = [np.mean([np.mean(e) for e in of.values()]) for of in nested.values()]
    return float(np.mean(of_pairs))
