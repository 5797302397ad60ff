import warnings

import numpy as np
import pytest
from pystoi import stoi

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.stoi import Stoi

FAMILY = Stoi(Settings())
BOTH = ["stoi", "estoi"]


def score(reference: Samples, reconstruction: Samples) -> dict[str, float]:
    return FAMILY.score(FAMILY.prepare(reference, 16_000), reconstruction, 16_000, BOTH)


@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_values_are_those_of_pystoi(speech: Samples, damaged: Samples, gain: float) -> None:
    values = score(speech, gain * damaged)
    assert values["stoi"] == stoi(speech, gain * damaged, 16_000)
    assert values["estoi"] == pytest.approx(
        stoi(speech, gain * damaged, 16_000, extended=True), abs=1e-12
    )
    assert values["estoi"] < values["stoi"] < 1


def test_pauses_are_left_out_like_in_pystoi(speech: Samples, damaged: Samples) -> None:
    pause = np.zeros(8000)
    reference = np.concatenate([speech[:24_000], pause, speech[24_000:48_000]])
    reconstruction = np.concatenate([damaged[:24_000], pause + 0.01, damaged[24_000:48_000]])
    values = score(reference, reconstruction)
    assert values["stoi"] == stoi(reference, reconstruction, 16_000)
    assert values["estoi"] == pytest.approx(
        stoi(reference, reconstruction, 16_000, extended=True), abs=1e-12
    )


def test_an_exact_copy_gets_one(speech: Samples) -> None:
    assert score(speech, speech) == pytest.approx({"stoi": 1, "estoi": 1}, abs=1e-9)


def test_unrelated_noise_gets_about_nothing(speech: Samples) -> None:
    noise = np.random.default_rng(0).standard_normal(len(speech))
    assert abs(score(speech, noise)["estoi"]) < 0.1


def test_only_what_is_asked_is_computed(speech: Samples, damaged: Samples) -> None:
    prepared = FAMILY.prepare(speech, 16_000)
    assert list(FAMILY.score(prepared, damaged, 16_000, ["estoi"])) == ["estoi"]


def test_the_global_random_generator_is_left_alone(speech: Samples, damaged: Samples) -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    first = score(speech, damaged)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]  # noqa: NPY002
    assert score(speech, damaged) == first


def test_a_band_that_does_not_vary_counts_as_uncorrelated(speech: Samples) -> None:
    half = speech.copy()
    half[len(half) // 2 :] = 0  # digital silence, to which pystoi gives random values
    assert 0 < score(speech, half)["estoi"] < score(speech, speech)["estoi"]


def test_too_little_active_speech_is_refused_and_enough_is_not() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000)
    refused = []
    for samples in range(6000, 7000, 100):
        sound = noise[:samples]
        with warnings.catch_warnings(action="ignore"):
            theirs = stoi(sound, sound, 16_000)
        if theirs == 1e-5:  # pystoi's number for "not enough"
            refused.append(samples)
            with pytest.raises(MetricUndefined, match="too little active speech"):
                score(sound, sound)
        else:
            assert score(sound, sound)["stoi"] == theirs
    assert 6400 in refused  # 0.4 s
    assert 6900 not in refused


def test_a_few_samples_are_refused(speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="shorter than one STOI frame"):
        score(speech[:10], speech[:10])
    with pytest.raises(MetricUndefined, match="too little active speech"):
        score(speech[:420], speech[:420])


def test_silence_on_either_side_is_refused(speech: Samples) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        score(np.zeros_like(speech), speech)
    with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
        score(speech, np.zeros_like(speech))
