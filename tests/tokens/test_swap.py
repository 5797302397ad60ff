"""Exchanged codebooks, by a codec whose first book is the voice and whose second is the tune."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import Samples, read, resample
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options
from almbench.errors import MetricUndefined
from almbench.results.probes import ProbeValue
from almbench.samples import folder
from almbench.tokens.measure import Effort, TokenSet
from almbench.tokens.swap import Swap, SwapSettings, pair_up
from tests.tokens.conftest import token_set

RATE = 16_000
AN4 = Path("/work/shared/data/an4/train")


class TwoVoices(Codec[Options]):
    """Decodes to one of two sentences by different people, as the first book says."""

    @property
    def spec(self) -> CodecSpec:
        return CodecSpec(id="two", label="Two", family="two", sample_rate=RATE, frame_rate=50.0)

    def load(self, device: str) -> None:
        paths = sorted((folder() / "speech").glob("*.flac"))
        sounds = [read(path) for path in (paths[0], paths[-1])]
        self.voices = [resample(sound.samples, sound.rate, RATE) for sound in sounds]

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        raise NotImplementedError

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        codes = batch[0].codes
        assert codes is not None
        return [np.resize(self.voices[codes[0, 0]], batch[0].length)]


@contextmanager
def opened() -> Iterator[Codec[Any]]:
    codec = TwoVoices("two", "Two", Options())
    codec.load("cpu")
    yield codec


def made(clips: int = 8) -> TokenSet:
    codes = [np.array([[i % 2] * 100, [i] * 100]) for i in range(clips)]
    labels = [{"speaker": f"s{i % 2}"} for i in range(clips)]
    tokens = token_set(codes, labels, [x["speaker"] for x in labels], (2, 8))
    return replace(tokens, open_codec=opened)


def test_the_book_that_carries_the_voice_is_found() -> None:
    values = Swap(SwapSettings(pairs=4)).compute(made(), "speaker", Effort())
    found = {(value.measure, value.book): value for value in values}
    assert found["swap_giver_nearer", "1"].value == 1.0
    assert found["swap_giver_nearer", "2"].value == 0.0
    giver: ProbeValue = found["swap_giver_similarity", "1"]
    assert giver.value == pytest.approx(1.0)
    assert (giver.n, giver.clusters) == (4, 2)


class TwoWords(TwoVoices):
    """Says one of two words, as the second book says."""

    def load(self, device: str) -> None:
        sounds = [read(AN4 / path) for path in ("fash/an251-fash-b.flac", "fash/an253-fash-b.flac")]
        self.voices = [resample(sound.samples, sound.rate, RATE) for sound in sounds]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        codes = batch[0].codes
        assert codes is not None
        return [self.voices[codes[1, 0]]]


@contextmanager
def opened_words() -> Iterator[Codec[Any]]:
    codec = TwoWords("two", "Two", Options())
    codec.load("cpu")
    yield codec


def test_the_book_that_carries_the_words_is_found() -> None:
    pytest.importorskip("pocketsphinx")
    if not AN4.is_dir():
        pytest.skip(f"{AN4} is not here")
    codes = [np.array([[i] * 100, [i % 2] * 100]) for i in range(8)]
    labels = [{"speaker": f"s{i}", "word": ["yes", "go"][i % 2]} for i in range(8)]
    tokens = token_set(codes, labels, [x["speaker"] for x in labels], (8, 2))
    tokens = replace(tokens, open_codec=opened_words)
    values = Swap(SwapSettings(pairs=6)).compute(tokens, "speaker", Effort())
    found = {(value.measure, value.book): value for value in values}
    assert found["swap_giver_wer", "1"].value == found["swap_other_wer", "2"].value == 1.0
    assert found["swap_other_wer", "1"].value == found["swap_giver_wer", "2"].value == 0.0
    told = Swap(SwapSettings(pairs=4)).compute(made(), "speaker", Effort())
    [silent] = [v for v in told if (v.measure, v.book) == ("swap_giver_wer", "1")]
    assert "no texts" in silent.reason


def test_pairs_are_of_two_speakers_and_drawn_by_the_seed() -> None:
    speakers = list("aabbc")
    pairs = pair_up(range(5), speakers, 100, 1)
    assert len(pairs) == len(set(pairs)) == 16  # all ordered pairs of different speakers
    assert all(speakers[i] != speakers[j] for i, j in pairs)
    assert pair_up(range(5), speakers, 3, 1) == pairs[:3]


def test_what_cannot_be_exchanged_says_so() -> None:
    tokens, swap = made(), Swap(SwapSettings())
    with pytest.raises(MetricUndefined, match="one codebook"):
        swap.compute(
            replace(tokens, codes=tuple(c[:1] for c in tokens.codes), sizes=(2,)),
            "speaker",
            Effort(),
        )
    alone = replace(tokens, open_codec=None, no_codec="given as files")
    with pytest.raises(MetricUndefined, match="given as files"):
        swap.compute(alone, "speaker", Effort())
    with pytest.raises(MetricUndefined, match="two speakers"):
        swap.compute(made(1), "speaker", Effort())
    assert swap.targets(tokens.clipset, ["class"]) == []
