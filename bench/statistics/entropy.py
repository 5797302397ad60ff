"""Entropy of a source from few tokens, and what fewer tokens would have shown.

Counts are how often each kind of token occurred, **Shape** `[S]`, none of them 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def coverage(counts: Counts) -> float:
    """Estimate the share of the source that the kinds seen make up.

    I. J. Good, "The population frequencies of species", Biometrika 40 (1953), after Turing: 1 less
    the share of the tokens whose kind was seen once.
    """
    return 1 - float((counts == 1).sum() / counts.sum())


def entropy(counts: Counts) -> float:
    """Estimate the entropy of the source in bits.

    A. Chao, Y. T. Wang and L. Jost, "Entropy and the species accumulation curve", Methods in
    Ecology and Evolution 4 (2013): the unbiased part of the sum, plus an estimate of the rest from
    the kinds seen once and twice. The frequencies' own entropy is too low by about
    (kinds - 1) / (2 ln 2 tokens) bits.
    """
    from scipy.special import digamma

    total = int(counts.sum())
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    nats = float((counts / total * (digamma(total) - digamma(counts))).sum())
    if once:
        pairs = (total - 1) * (once / twice if twice else once - 1)
        a = 2 / (pairs + 2)
        nats += once / total * _rest(a, total)
    return nats / float(np.log(2))


def _rest(a: float, total: int) -> float:
    """(1 - a)^(1 - total) (-ln a - sum over r < total of (1 - a)^r / r), as its own series.

    The difference is the sum over r >= total; written so, nothing cancels out.
    """
    if a >= 1:
        return 0.0
    terms = min(int(40 / a) + 1, 10_000_000)
    steps = np.arange(terms)
    return float((np.exp(np.log1p(-a) * (steps + 1)) / (total + steps)).sum())


class Rarefied(NamedTuple):
    """What is to be expected of fewer tokens: how many kinds, and the entropy of their frequencies.

    Attributes:
        kinds: Kinds of tokens.
        entropy_bits: Entropy in bits.
    """

    kinds: float
    entropy_bits: float


def rarefied(counts: Counts, tokens: int) -> Rarefied:
    """Expect the kinds and the entropy of a part of the tokens, drawn without replacement.

    S. H. Hurlbert, "The nonconcept of species diversity", Ecology 52 (1971): the count of a kind
    in the part is hypergeometric.

    Args:
        counts: How often each kind occurred.
        tokens: Size of the part, at most the sum of the counts.
    """
    from scipy.special import gammaln

    total = int(counts.sum())
    if tokens == total:
        shares = counts / total
        return Rarefied(float(len(counts)), float(-(shares * np.log2(shares)).sum()) + 0.0)

    def ln_choose(n: int, k: Counts) -> NDArray[np.float64]:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), np.float64)

    kinds = bits = 0.0
    all_ways = float(ln_choose(total, np.array([tokens]))[0])
    for count, times in zip(*np.unique(counts, return_counts=True), strict=True):
        k = np.arange(max(1, tokens - total + count), min(count, tokens) + 1)
        chance = np.exp(ln_choose(count, k) + ln_choose(total - count, tokens - k) - all_ways)
        share = k / tokens
        kinds += float(times * chance.sum())
        bits -= float(times * (chance * share * np.log2(share)).sum())
    return Rarefied(kinds, bits)
