"""K-means of log-mel spectra, the tokenizer that codecs are compared with."""

from dataclasses import replace

import numpy as np
import pytest

from almbench.audio import Sound
from almbench.errors import UserError
from almbench.tokens.kmeans import kmeans_source
from almbench.tokens.measure import ClipSet, LabelledClip

RATE = 16_000


def tone(id_: str) -> Sound:
    """A second of one tone, and a second of another, an octave higher."""
    time = np.arange(RATE) / RATE
    low = 500.0 if id_ == "a" else 700.0
    return Sound(np.concatenate([np.sin(6.2832 * f * time) for f in (low, 2 * low)]) / 2, RATE)


CLIPS = ClipSet("tones", (LabelledClip("a"), LabelledClip("b")), tone, "1")


def test_steady_tones_have_a_token_each() -> None:
    tokens, faults = kmeans_source(CLIPS, 4, 0).read()
    assert not faults
    assert tokens.frame_rate == 50
    assert tokens.sizes == (4,)
    steady = [codes[0, [i, i + 20]] for codes in tokens.codes for i in (10, 65)]
    assert all(first == last for first, last in steady)
    assert len({int(first) for first, _ in steady}) == 4  # four tones
    [vectors, _] = tokens.vectors()
    assert vectors.shape == (40, tokens.codes[0].shape[1])
    assert (vectors[:, 10] == vectors[:, 30]).all()


def test_a_seed_gives_the_same_tokens_and_entries_are_no_more_than_spectra() -> None:
    one, two = (kmeans_source(CLIPS, 5000, 1).read()[0] for _ in range(2))
    assert all((a == b).all() for a, b in zip(one.codes, two.codes, strict=True))
    assert one.sizes[0] <= sum(codes.shape[1] for codes in one.codes)


def test_silence_has_one_token() -> None:
    silent = replace(CLIPS, read_sound=lambda _: Sound(np.zeros(RATE), RATE), sound_hash="2")
    tokens, _ = kmeans_source(silent, 16, 0).read()
    assert tokens.sizes == (1,)
    assert not np.concatenate(tokens.codes, axis=1).any()


def test_without_sound_it_is_refused() -> None:
    with pytest.raises(UserError, match="a column 'path'"):
        kmeans_source(replace(CLIPS, read_sound=None), 16, 0)
