"""The encoder beside the package whose weights it has."""

from pathlib import Path

import numpy as np
import pytest
import resemblyzer
import torch
from resemblyzer.audio import normalize_volume, trim_long_silences

from almbench.audio import Samples, read, resample
from almbench.metrics.resemblyzer import NoSpeechError, Resemblyzer, cut_pauses
from almbench.samples import folder

OURS = Resemblyzer()


@pytest.fixture(scope="module")
def theirs() -> resemblyzer.VoiceEncoder:
    return resemblyzer.VoiceEncoder("cpu", verbose=False)


@pytest.fixture(scope="module")
def voices() -> list[Samples]:
    paths = sorted((folder() / "speech").glob("*.flac"))
    return [resample(s.samples, s.rate, 16_000) for s in map(read, paths)]


def test_weights_are_those_of_the_package() -> None:
    path = Path(resemblyzer.__file__).with_name("pretrained.pt")
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    kept = {name for name in state if not name.startswith("similarity_")}
    assert set(OURS._weights) == kept
    for name in kept:
        assert np.array_equal(OURS._weights[name], state[name].numpy())


def test_embeddings_are_those_of_the_package(
    theirs: resemblyzer.VoiceEncoder, voices: list[Samples]
) -> None:
    assert len(voices) > 1
    for voice in voices:
        # Of one partial, of several, and with a last one that is kept or left out.
        for length in (1600, 8000, 30_000, 50_000, 58_000, len(voice)):
            try:
                embedding = OURS.embed(voice[:length])
            except NoSpeechError:
                assert len(resemblyzer.preprocess_wav(voice[:length])) == 0
                continue
            expected = theirs.embed_utterance(resemblyzer.preprocess_wav(voice[:length]))
            np.testing.assert_allclose(embedding, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("level", [1, 0.01, 1e-4])
def test_level_and_pauses_are_those_of_the_package(level: float, voices: list[Samples]) -> None:
    quiet = level * np.concatenate([voices[0], np.zeros(16_000), voices[1][:20_001]])
    raised = normalize_volume(quiet, -30, increase_only=True)
    expected = trim_long_silences(raised)
    assert 16_000 < len(expected) < len(quiet) - 5_000
    assert np.array_equal(cut_pauses(raised), expected)
    np.testing.assert_allclose(OURS.embed(quiet), OURS.embed(raised), rtol=0, atol=1e-6)


def test_peaks_beyond_full_scale_do_not_wrap(voices: list[Samples]) -> None:
    loud = 30 * voices[0] / np.abs(voices[0]).max()
    clipped = np.clip(loud, -1, 1)
    assert len(cut_pauses(loud)) == len(cut_pauses(clipped)) > 16_000
    np.testing.assert_allclose(OURS.embed(loud), OURS.embed(clipped), rtol=0, atol=1e-6)


def test_nothing_is_left_of_noise_and_of_less_than_a_window(voices: list[Samples]) -> None:
    assert len(cut_pauses(voices[0][:479])) == 0
    with pytest.raises(NoSpeechError):
        OURS.embed(0.01 * np.random.default_rng(0).standard_normal(32_000))
