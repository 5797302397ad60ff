"""Codes made by hand, with labels that are in them or not."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from almbench.statistics.tokens import Codes
from almbench.tokens.measure import ClipSet, LabelledClip, TokenSet


def token_set(
    codes: Sequence[Codes],
    labels: Sequence[Mapping[str, str]] | None = None,
    clusters: Sequence[str] | None = None,
    sizes: tuple[int, ...] | None = None,
    frame_rate: float | None = 50.0,
) -> TokenSet:
    """Codes of clips with their labels; clips are clusters of their own unless told."""
    labels = labels or [{}] * len(codes)
    clusters = clusters or [""] * len(codes)
    clips = tuple(
        LabelledClip(f"c{i}", cluster, label)
        for i, (label, cluster) in enumerate(zip(labels, clusters, strict=True))
    )
    most = tuple(
        max(1, *(int(c[k].max(initial=0)) + 1 for c in codes)) for k in range(len(codes[0]))
    )
    return TokenSet(ClipSet("made", clips), "toy", tuple(codes), sizes or most, frame_rate)


@pytest.fixture
def written() -> TokenSet:
    """60 clips of 6 speakers; the first book holds the class, the second nothing."""
    rng = np.random.default_rng(1)
    labels = [{"class": "abc"[i % 3], "speaker": f"s{i // 10}"} for i in range(60)]
    codes = []
    for label in labels:
        frames = int(rng.integers(5, 30))
        first = "abc".index(label["class"]) * 4 + rng.integers(0, 4, frames)
        codes.append(np.stack([first, rng.integers(0, 16, frames)]))
    return token_set(codes, labels, [label["speaker"] for label in labels], (12, 16))
