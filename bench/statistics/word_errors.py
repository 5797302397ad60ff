"""Word errors of a transcript: what a word error rate counts."""

from collections.abc import Sequence


def word_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """The fewest substitutions, deletions and insertions from one text to the other.

    Levenshtein's distance over words (Soviet Physics Doklady 10(8), 1966).

    Args:
        reference: The words that were said.
        hypothesis: The words that were heard.

    >>> word_errors("a b c".split(), "a x c d".split())
    2
    """
    above = list(range(len(hypothesis) + 1))
    for i, said in enumerate(reference, start=1):
        row = [i]
        for j, heard in enumerate(hypothesis, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (said != heard)))
        above = row
    return above[-1]
