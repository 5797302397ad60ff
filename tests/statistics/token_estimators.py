"""Estimators of entropy on sources of known entropy: the table of docs/results.md.

Run it: `python tests/statistics/token_estimators.py`. It takes a minute.
"""

from typing import Any

import numpy as np

from almbench.statistics.entropy import coverage, entropy
from almbench.statistics.tokens import token_statistics

SIZE, DRAWS = 2048, 15
Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def plain(counts: Ints | Floats) -> float:
    """Entropy of the frequencies."""
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def miller_madow(counts: Ints) -> float:
    """Miller and Madow: the first term of the bias taken off."""
    return plain(counts) + (len(counts) - 1) / (2 * float(counts.sum()) * float(np.log(2)))


def chao_shen(counts: Ints) -> float:
    """Chao and Shen 2003: Horvitz-Thompson, frequencies scaled by the coverage."""
    total = counts.sum()
    p = min(coverage(counts) or 1 / total, 1.0) * counts / total
    return float(-(p * np.log2(p) / (1 - (1 - p) ** total)).sum())


def left_out(tokens: Ints) -> float:
    """Bits of each tenth under the frequencies of the others, mixed with the uniform ones."""
    everywhere = np.bincount(tokens, minlength=SIZE)
    parts = []
    for part in np.array_split(tokens, 10):
        others = everywhere - np.bincount(part, minlength=SIZE)
        parts.append(others[part] / (len(tokens) - len(part)))
    p, weight = np.concatenate(parts), 0.5
    for _ in range(50):
        weight = float(np.mean(weight * p / (weight * p + (1 - weight) / SIZE)))
    return float(-np.log2(weight * p + (1 - weight) / SIZE).mean())


def draw(kind: str, tokens: int, rng: np.random.Generator) -> Ints:
    """Tokens of a source: uniform, Zipf's law, or four equally likely followers of each."""
    if kind == "uniform":
        return rng.integers(0, SIZE, tokens)
    if kind == "Zipf":
        weights = 1 / np.arange(1, SIZE + 1)
        return rng.choice(SIZE, tokens, p=weights / weights.sum())
    followers = np.stack([rng.permutation(SIZE) for _ in range(4)])
    drawn = np.zeros(tokens, np.int64)
    for i, turn in enumerate(rng.integers(0, 4, tokens - 1)):
        drawn[i + 1] = followers[turn, drawn[i]]
    return drawn


def main() -> None:
    """Print the table."""
    print("| source | entropy | tokens | coverage | frequencies | Miller-Madow | Chao-Shen "
          "| left out | Chao-Wang-Jost | n-gram (true) |")  # fmt: skip
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    zipf = 1 / np.arange(1, SIZE + 1)
    true = {"uniform": 11.0, "Zipf": plain(zipf), "Markov": 11.0}
    bits = {**true, "Markov": 2.0}
    for kind, known in true.items():
        for tokens in (300, 3_000, 30_000):
            found = []
            for seed in range(DRAWS):
                drawn = draw(kind, tokens, np.random.default_rng(seed))
                counts = np.unique(drawn, return_counts=True)[1]
                estimates = [f(counts) for f in (coverage, plain, miller_madow, chao_shen)]
                found.append([*estimates, left_out(drawn), entropy(counts)])
            clips = [part[None] for part in np.array_split(drawn, 10)]
            ngram = token_statistics(clips, [SIZE]).codebooks[0].ngram_bits
            covered, *means = np.mean(found, axis=0)
            cells = " | ".join(f"{mean:.2f}" for mean in means)
            print(f"| {kind} | {known:.2f} | {tokens:,} | {covered:.0%} | {cells} "
                  f"| {ngram:.2f} ({bits[kind]:.2f}) |")  # fmt: skip


if __name__ == "__main__":
    main()
