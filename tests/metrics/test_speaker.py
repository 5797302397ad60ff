import numpy as np
import pytest
from pydantic import ValidationError
from resemblyzer import VoiceEncoder, preprocess_wav

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.speaker import SpeakerSettings, SpeakerSimilarity

FAMILY = SpeakerSimilarity(SpeakerSettings())


def score(reference: Samples, reconstruction: Samples) -> float:
    prepared = FAMILY.prepare(reference, 16_000)
    return FAMILY.score(prepared, reconstruction, 16_000, ["speaker_similarity"])[
        "speaker_similarity"
    ]


def test_value_is_the_cosine_of_the_packages_embeddings(speech: Samples, damaged: Samples) -> None:
    encoder = VoiceEncoder("cpu", verbose=False)
    a, b = (encoder.embed_utterance(preprocess_wav(s)) for s in (speech, damaged))
    expected = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert score(speech, damaged) == pytest.approx(expected, abs=1e-6)
    assert expected < 0.999


def test_a_copy_is_the_same_speaker(speech: Samples) -> None:
    assert score(speech, speech) == pytest.approx(1, abs=1e-6)


def test_a_voice_played_faster_is_less_the_same_speaker(speech: Samples, damaged: Samples) -> None:
    squeaky = np.interp(np.arange(0, len(speech), 1.5), np.arange(len(speech)), speech)
    assert score(speech, squeaky) < score(speech, damaged)


def test_silence_on_either_side_is_refused(speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        score(np.zeros_like(speech), speech)
    with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
        score(speech, np.zeros_like(speech))


def test_noise_without_speech_is_refused(speech: Samples) -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(speech))
    with pytest.raises(MetricUndefined, match="no speech is detected in the reconstruction"):
        score(speech, noise)


def test_too_short_is_refused(speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="too short"):
        score(speech[:10], speech[:10])


def test_versions_and_settings() -> None:
    assert FAMILY.version().startswith("encoder of resemblyzer 0.1.4, webrtcvad-wheels 2.")
    assert FAMILY.missing() is None
    ecapa = SpeakerSimilarity(SpeakerSettings(backend="ecapa", source="/weights"))
    assert ecapa.version().startswith("ecapa, speechbrain")
    with pytest.raises(ValidationError):
        SpeakerSettings.model_validate({"backend": "wavlm"})
