"""Token statistics: what codes say of a codec's codebooks.

Codes are integers, **Shape** `[K, T]`: K codebooks, T frames. Every value is about one codec over
one test set. `tests/statistics/test_tokens.py` tries the estimators on sources of known entropy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from almbench.statistics.entropy import coverage, entropy, rarefied
from almbench.statistics.ngram import leave_one_out

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST_COVERAGE = 0.75  # below it the estimate of an entropy is off by tenths of a bit


@dataclass(frozen=True)
class ClipStatistics:
    """Statistics of a clip's codes: means over the codebooks, but for the entropy, their sum.

    Attributes:
        use: Share of the entries that occur in so many tokens, from 0 to 1.
        perplexity: 2 to the power of the entropy in bits of so many tokens.
        ngram_bits: Bits a token under the n-gram model; None where there is no other clip.
        entropy_bits: Bits of all tokens under the distribution of the test set, corrected by its
            bias; None where the tokens of a codebook are too few.
    """

    use: float
    perplexity: float
    ngram_bits: float | None
    entropy_bits: float | None


@dataclass(frozen=True)
class CodebookStatistics:
    """Statistics of a codebook over the tokens of all clips.

    Attributes:
        tokens: How many tokens there are.
        compared_tokens: To how many of them use and perplexity are rarefied.
        size_bits: Log2 of the codebook's size: the most that a token can carry.
        coverage: Share of the distribution that the entries seen make up, estimated.
        entropy_bits: Estimated entropy of a token; None where the coverage is too low.
        use: Share of the entries that occur in `compared_tokens`, from 0 to 1.
        perplexity: 2 to the power of the entropy in bits of `compared_tokens`.
        ngram_bits: Bits a token under the n-gram model; None where there is one clip only.
    """

    tokens: int
    compared_tokens: int
    size_bits: float
    coverage: float
    entropy_bits: float | None
    use: float
    perplexity: float
    ngram_bits: float | None


@dataclass(frozen=True)
class TokenStatistics:
    """Statistics of a codec's codes over a test set: of each clip, and of each codebook."""

    clips: list[ClipStatistics]
    codebooks: list[CodebookStatistics]


def token_statistics(
    clips: Sequence[Codes],
    sizes: Sequence[int],
    clip_tokens: Sequence[int] | None = None,
    tokens: int | None = None,
    strides: Sequence[int] = (),
) -> TokenStatistics:
    """Compute the statistics of a test set.

    Use and perplexity grow with the number of tokens. To compare codecs, they are rarefied: what
    is to be expected of fewer tokens, drawn without replacement.

    Args:
        clips: Codes of each clip, **Shape** `[K, T]` with `T >= 1`.
        sizes: Entries of each of the K codebooks.
        clip_tokens: Tokens of a codebook that each clip is rarefied to; all of them by default.
        tokens: Tokens of a codebook that the whole is rarefied to; all of them by default.
        strides: Frames that a token of each codebook lasts, held in each of them; 1 by default.
    """
    if not clips:
        return TokenStatistics([], [])
    books: list[_Book] = []
    for k, (size, stride) in enumerate(zip(sizes, strides or [1] * len(sizes), strict=True)):
        below = np.concatenate([codes[k - 1, ::stride] for codes in clips]) if k else None
        lengths = np.array([len(codes[k, ::stride]) for codes in clips])
        books.append(_Book(np.concatenate([c[k, ::stride] for c in clips]), below, lengths, size))
    lengths = np.array([codes.shape[1] for codes in clips])
    limits = lengths if clip_tokens is None else np.minimum(lengths, clip_tokens)
    return TokenStatistics(
        [_of_clip(i, books, int(limits[i])) for i in range(len(clips))],
        [book.whole(tokens) for book in books],
    )


def _of_clip(i: int, books: "list[_Book]", limit: int) -> ClipStatistics:
    spread = [rarefied(counts := book.counts(i), min(limit, int(counts.sum()))) for book in books]
    bits = [book.entropy_bits(i) for book in books]
    ngram = [float(book.ngram[book.of(i)].mean()) for book in books if book.ngram is not None]
    return ClipStatistics(
        float(np.mean([s.kinds / book.size for s, book in zip(spread, books, strict=True)])),
        float(np.mean([2**s.entropy_bits for s in spread])),
        float(np.mean(ngram)) if ngram else None,
        None if None in bits else sum(b for b in bits if b is not None),
    )


class _Book:
    """One codebook: its tokens in all clips, one clip after the other.

    Attributes:
        tokens: The tokens, **Shape** `[N]`.
        size: Entries of the codebook.
        ngram: Bits of each token under a model of the other clips, **Shape** `[N]`; None where
            there are none.
    """

    def __init__(self, tokens: Codes, below: Codes | None, lengths: Codes, size: int) -> None:
        self.tokens, self.size = tokens, size
        self._ends = np.cumsum(lengths)
        everywhere = np.bincount(tokens)
        self._counts = everywhere[everywhere > 0]
        self._coverage = coverage(self._counts)
        self._entropy = entropy(self._counts) if self._coverage >= LEAST_COVERAGE else None
        shares = everywhere[tokens] / len(tokens)
        self._plain: Floats = -np.log2(shares)
        self.ngram: Floats | None = None
        if len(lengths) > 1:
            owners = np.repeat(np.arange(len(lengths)), lengths)
            self.ngram = -np.log2(leave_one_out(tokens, below, owners, size))

    def of(self, clip: int) -> slice:
        """Where the tokens of a clip are."""
        return slice(int(self._ends[clip - 1]) if clip else 0, int(self._ends[clip]))

    def counts(self, clip: int) -> Codes:
        """How often each entry that occurs in a clip does so."""
        return np.unique(self.tokens[self.of(clip)], return_counts=True)[1]

    def entropy_bits(self, clip: int) -> float | None:
        """Bits of a clip's tokens under the distribution of all clips, its bias taken off."""
        if self._entropy is None:
            return None
        bias = self._entropy - float(self._plain.mean())
        return float((self._plain[self.of(clip)] + bias).sum())

    def whole(self, limit: int | None) -> CodebookStatistics:
        """Statistics over all clips, use and perplexity those of `limit` tokens."""
        count = len(self.tokens)
        compared = count if limit is None else min(limit, count)
        spread = rarefied(self._counts, compared)
        return CodebookStatistics(
            count,
            compared,
            log2(self.size),
            self._coverage,
            self._entropy,
            spread.kinds / self.size,
            2**spread.entropy_bits,
            None if self.ngram is None else float(self.ngram.mean()),
        )
