"""Token statistics: what codes say of a codec's codebooks.

Codes are integers, **Shape** `[K, T]`: K codebooks, T frames. Every value is about one codec over
one test set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """Statistics of codes.

    Attributes:
        use: Share of the entries that occur, from 0 to 1.
        perplexity: 2 to the power of the entropy in bits: so many entries, equally often, would be
            as hard to guess.
        ngram_bits: Bits a token under the n-gram model; None where there is no other clip.
        entropy_bits: Bits of all tokens under the distribution of the test set.
    """

    use: float
    perplexity: float
    ngram_bits: float | None
    entropy_bits: float


@dataclass(frozen=True)
class TokenStatistics:
    """Statistics of a codec's codes over a test set.

    Attributes:
        clips: One for each clip. Bits of entropy are summed over the codebooks, the rest is their
            mean.
        codebooks: One for each codebook, over the tokens of all clips.
    """

    clips: list[Statistics]
    codebooks: list[Statistics]


def token_statistics(clips: Sequence[Codes], sizes: Sequence[int]) -> TokenStatistics:
    """Compute the statistics of a test set.

    Args:
        clips: Codes of each clip, **Shape** `[K, T]` with `T >= 1`.
        sizes: Entries of each of the K codebooks.
    """
    if not clips:
        return TokenStatistics([], [])
    lengths = np.array([codes.shape[1] for codes in clips])
    owners = np.repeat(np.arange(len(clips)), lengths)
    books = [
        _Book(np.concatenate([codes[k] for codes in clips]), owners, lengths, size)
        for k, size in enumerate(sizes)
    ]
    use, perplexity, ngram, entropy = (
        np.stack([getattr(book, name) for book in books])
        for name in ("use", "perplexity", "ngram_bits", "entropy_bits")
    )
    alone = len(clips) == 1
    return TokenStatistics(
        [
            Statistics(
                float(use[:, i].mean()),
                float(perplexity[:, i].mean()),
                None if alone else float(ngram[:, i].mean() / lengths[i]),
                float(entropy[:, i].sum()),
            )
            for i in range(len(clips))
        ],
        [book.whole(alone=alone) for book in books],
    )


class _Book:
    """One codebook: its tokens in all clips, one clip after the other.

    Attributes:
        use: Share of the entries that occur in each clip, **Shape** `[N]` as all below.
        perplexity: Perplexity of each clip's own distribution.
        ngram_bits: Bits of each clip's tokens under a model of the other clips.
        entropy_bits: Bits of each clip's tokens under the distribution over all clips.
    """

    def __init__(self, tokens: Codes, owners: Codes, lengths: Codes, size: int) -> None:
        self._tokens, self._owners, self._size = tokens, owners, size
        total, own = _occurrences(tokens, owners)
        self.use = self._over_clips(1 / own) / size
        self.perplexity = 2 ** (self._over_clips(-np.log2(own / lengths[owners])) / lengths)
        self.entropy_bits = self._over_clips(-np.log2(total / len(tokens)))
        self.ngram_bits = self._over_clips(-np.log2(self._bigram()))

    def whole(self, *, alone: bool) -> Statistics:
        """Statistics over all clips."""
        count = len(self._tokens)
        bits = float(self.entropy_bits.sum())
        return Statistics(
            len(np.unique(self._tokens)) / self._size,
            2 ** (bits / count),
            None if alone else float(self.ngram_bits.sum()) / count,
            bits,
        )

    def _over_clips(self, values: Floats) -> Floats:
        """Sum a value of each token over each clip."""
        return np.asarray(np.bincount(self._owners, values), np.float64)

    def _bigram(self) -> Floats:
        """Probability of each token after the one before it; a clip's first token has none."""
        tokens, owners = self._tokens, self._owners
        uniform = np.full(len(tokens), 1 / self._size)
        unigram = _witten_bell(tokens, np.zeros_like(tokens), owners, uniform)
        here = np.flatnonzero(owners[1:] == owners[:-1]) + 1
        before = tokens[here - 1]
        pairs = before * self._size + tokens[here]
        bigram = unigram.copy()
        bigram[here] = _witten_bell(pairs, before, owners[here], unigram[here])
        return bigram


def _witten_bell(events: Codes, contexts: Codes, owners: Codes, lower: Floats) -> Floats:
    """Probability of each event in its context, learnt from the other clips.

    I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE Transactions on Information
    Theory 37 (1991), method C, interpolated: with c occurrences of the event among n of the context
    and t kinds of events seen in it, P = (c + t P_lower) / (n + t). A context that was never seen
    leaves P_lower.

    Args:
        events: **Shape** `[M]`, as all below; events of different contexts differ.
        contexts: The context of each.
        owners: The clip of each.
        lower: The probability under the shorter context.
    """
    c = np.subtract(*_occurrences(events, owners))
    n = np.subtract(*_occurrences(contexts, owners))
    t = _kinds(events, contexts, owners, c)
    seen = n + t
    return np.where(seen > 0, (c + t * lower) / np.maximum(seen, 1), lower)


def _kinds(events: Codes, contexts: Codes, owners: Codes, elsewhere: Codes) -> Codes:
    """How many kinds of events the other clips have in the context of each event.

    That is all kinds of the context but those that no other clip has.
    """
    context, contexts_count = _numbered(contexts)
    place, places_count = _numbered(owners * contexts_count + context)
    event, events_count = _numbered(events)
    one_of_each = np.empty(events_count, np.int64)
    one_of_each[event] = np.arange(len(events))
    own = one_of_each[elsewhere[one_of_each] == 0]
    everywhere = np.bincount(context[one_of_each], minlength=contexts_count)
    only_here = np.bincount(place[own], minlength=places_count)
    return everywhere[context] - only_here[place]


def _occurrences(events: Codes, owners: Codes) -> tuple[Codes, Codes]:
    """How often each event occurs in all clips, and in its own."""
    event, count = _numbered(events)
    place, _ = _numbered(owners * count + event)
    return np.bincount(event)[event], np.bincount(place)[place]


def _numbered(values: Codes) -> tuple[Codes, int]:
    """Number the distinct values from 0, by hashing, which is faster than sorting.

    Returns:
        The number of each value, and how many distinct ones there are.
    """
    numbers, names = pd.factorize(values)
    return numbers, len(names)
