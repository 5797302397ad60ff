import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from almbench.statistics.entropy import coverage, entropy, rarefied

SIZE = 2048
Floats = np.ndarray[Any, np.dtype[np.float64]]


def chao_wang_jost(counts: list[int]) -> float:
    """The estimator as its paper prints it, equation 7."""
    n, f1, f2 = sum(counts), counts.count(1), counts.count(2)
    nats = sum(x / n * sum(1 / k for k in range(x, n)) for x in counts)
    if f2:
        a = 2 * f2 / ((n - 1) * f1 + 2 * f2)
    elif f1:
        a = 2 / ((n - 1) * (f1 - 1) + 2)
    else:
        a = 1.0
    if f1 and a < 1:
        series = sum((1 - a) ** r / r for r in range(1, n))
        nats += f1 / n * (1 - a) ** (1 - n) * (-math.log(a) - series)
    return nats / math.log(2)


@pytest.mark.parametrize(
    "counts", [[5, 3, 2, 2, 1, 1, 1], [4, 4], [3, 1, 1], [7, 1], [2, 2, 2], [1, 1, 1, 1], [9]]
)
def test_entropy_against_the_formula(counts: list[int]) -> None:
    assert entropy(np.array(counts)) == pytest.approx(chao_wang_jost(counts), abs=1e-12)


def test_a_constant_source_and_a_single_token() -> None:
    assert entropy(np.array([300])) == 0
    assert entropy(np.array([1])) == 0
    assert coverage(np.array([300])) == 1
    assert coverage(np.array([1])) == 0
    assert coverage(np.array([6, 1, 1])) == 0.75


def zipf() -> Floats:
    weights: Floats = 1 / np.arange(1, SIZE + 1)
    return np.asarray(weights / weights.sum())


def true_entropy(p: Floats) -> float:
    return float(-(p * np.log2(p)).sum())


@pytest.mark.parametrize("source", [np.full(SIZE, 1 / SIZE), zipf()], ids=["uniform", "zipf"])
@pytest.mark.parametrize(("tokens", "error"), [(3000, 0.1), (30_000, 0.03)])
def test_entropy_of_eleven_bits_does_not_measure_the_amount(
    source: Floats, tokens: int, error: float
) -> None:
    rng = np.random.default_rng(7)
    found = []
    for _ in range(5):
        counts = rng.multinomial(tokens, source)
        found.append(entropy(counts[counts > 0]))
    assert np.mean(found) == pytest.approx(true_entropy(source), abs=error)


def test_rarefaction_by_every_part() -> None:
    """All ways to draw 3 of 6 tokens, one by one."""
    tokens = [0, 0, 0, 1, 1, 2]
    parts = list(combinations(tokens, 3))
    kinds = np.mean([len(set(part)) for part in parts])
    bits = np.mean(
        [
            -sum(part.count(x) / 3 * math.log2(part.count(x) / 3) for x in set(part))
            for part in parts
        ]
    )
    found = rarefied(np.array([3, 2, 1]), 3)
    assert found.kinds == pytest.approx(kinds)
    assert found.entropy_bits == pytest.approx(bits)


def test_rarefied_to_all_to_one_and_of_a_constant() -> None:
    counts = np.array([4, 2, 2])
    assert tuple(rarefied(counts, 8)) == pytest.approx((3, 1.5))
    assert tuple(rarefied(counts, 1)) == pytest.approx((1, 0), abs=1e-12)
    assert tuple(rarefied(np.array([50]), 20)) == pytest.approx((1, 0), abs=1e-12)
