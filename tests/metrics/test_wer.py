"""Word and character error rates: counted by hand, and through a recogniser of random weights."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import almbench
from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined, NotApplicable, Unavailable
from almbench.metrics.recogniser import FILES, HUB_ID, REVISION, WEIGHTS, find_recogniser
from almbench.metrics.recogniser import transcribe as hear
from almbench.metrics.registry import make_family, metric, unusable
from almbench.metrics.wer import PACKAGES, Wer, WerSettings, WerToOriginal, error_rate
from almbench.packages import missing_packages
from almbench.results.metric_record import MetricRecord
from almbench.statistics.word_errors import word_errors
from almbench.torchaudio_import import import_torchaudio
from tests.hub import local_hub
from tests.metrics.tiny_whisper import WORDS, save_tiny_whisper

MISSING = missing_packages(PACKAGES, "'almbench[asr]'")
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_torchaudio()
    made = tmp_path_factory.mktemp("whisper")
    save_tiny_whisper(made)
    return made


@pytest.fixture(scope="module")
def of_text(folder: Path) -> Wer:
    return Wer(WerSettings(source=str(folder)))


@pytest.fixture(scope="module")
def to_original(folder: Path) -> WerToOriginal:
    return WerToOriginal(WerSettings(source=str(folder)))


def transcribed(folder: Path, sound: Samples) -> str:
    return hear(str(folder), REVISION, "en", sound.astype(np.float32).tobytes())


@pytest.mark.parametrize(
    ("expected", "heard", "words", "characters"),
    [
        ("the cat sat", "the cat sat", 0, 0),
        ("the cat sat", "", 100, 100),
        ("the cat sat", "the bat sat", 100 / 3, 100 / 11),  # one of 3, one of 11 with spaces
        ("the cat sat", "the cat", 100 / 3, 400 / 11),  # " sat" is 4
        ("the cat sat", "the the cat sat", 100 / 3, 400 / 11),
        ("no", "no no no", 200, 300),  # two words and " no no", beyond 100 %
        ("a b c d", "d c b a", 100, 400 / 7),
    ],
)
def test_rates_are_those_counted_by_hand(
    expected: str, heard: str, words: float, characters: float
) -> None:
    assert error_rate(expected, heard) == pytest.approx(words)
    assert error_rate(expected, heard, characters=True) == pytest.approx(characters)


def test_counts_are_those_of_another_implementation() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        first, second = (list(random.choice(WORDS, random.integers(1, 12))) for _ in range(2))
        errors = word_errors(first, second)
        assert error_rate(" ".join(first), " ".join(second)) == pytest.approx(
            100 * errors / len(first)
        )


def test_what_is_heard_is_what_transformers_hears(folder: Path, speech: Samples) -> None:
    """Held against the model called without the pipeline."""
    import torch
    import transformers

    library: Any = transformers  # much of it has no types

    model = library.WhisperForConditionalGeneration.from_pretrained(folder).eval()
    processor = library.WhisperProcessor.from_pretrained(folder)
    given = processor(speech.astype(np.float32), sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        found = model.generate(given.input_features, language="en", task="transcribe")
    expected = processor.batch_decode(found, skip_special_tokens=True)[0]
    assert transcribed(folder, speech) == expected
    assert set(expected.split()) <= set(WORDS)
    assert len(set(expected.split())) > 2
    assert transcribed(folder, speech) != transcribed(folder, speech[: RATE // 2])


def test_a_text_is_compared_with_what_is_heard(of_text: Wer, folder: Path, speech: Samples) -> None:
    heard = transcribed(folder, speech).split()
    score = partial(of_text.score, reconstruction=speech, rate=RATE, names=["wer", "cer"])
    told = of_text.prepare_with_text(speech, RATE, f"{' '.join(heard).upper()}!")
    assert score(told) == {"wer": 0.0, "cer": 0.0}
    told = of_text.prepare_with_text(speech, RATE, " ".join([*heard, "zebra"]))
    assert score(told)["wer"] == pytest.approx(100 / (len(heard) + 1))
    changed = ["zebra", *heard[1:]]
    told = of_text.prepare_with_text(speech, RATE, " ".join(changed))
    assert score(told)["wer"] == pytest.approx(100 / len(heard))


def test_numbers_and_spellings_are_made_alike(of_text: Wer, folder: Path) -> None:
    assert of_text._normalised("Colour: twenty-five, isn't it?") == "color 25 is not it"
    basic = Wer(WerSettings(source=str(folder), normaliser="basic"))
    assert basic._normalised("Grüße,  DÉJÀ vu!") == "grüße déjà vu"


def test_the_original_against_itself_has_no_errors(
    to_original: WerToOriginal, speech: Samples, damaged: Samples
) -> None:
    names = ["wer_to_original", "cer_to_original"]
    told = to_original.prepare(speech, RATE)
    assert to_original.score(told, speech, RATE, names) == dict.fromkeys(names, 0.0)
    short = speech[: RATE // 2]
    found = to_original.score(told, short, RATE, names)
    assert found["wer_to_original"] > 0
    assert found == to_original.score(told, short, RATE, names)
    again = to_original.score(told, damaged, RATE, names)
    assert all(value >= 0 for value in again.values())


def test_without_a_text_there_is_none(of_text: Wer, speech: Samples) -> None:
    told = of_text.prepare(speech, RATE)
    with pytest.raises(NotApplicable, match="the clip has no text; wer_to_original"):
        of_text.score(told, speech, RATE, ["wer"])
    told = of_text.prepare_with_text(speech, RATE, "?!")
    with pytest.raises(MetricUndefined, match="leaves no word"):
        of_text.score(told, speech, RATE, ["wer"])


def test_odd_sounds(of_text: Wer, to_original: WerToOriginal, speech: Samples) -> None:
    told = of_text.prepare_with_text(speech, RATE, "Red dog.")
    for silence in (np.zeros(RATE), np.full(RATE, 0.1)):
        assert of_text.score(told, silence, RATE, ["wer", "cer"]) == {"wer": 100.0, "cer": 100.0}
        silent = to_original.prepare(silence, RATE)
        with pytest.raises(MetricUndefined, match="no word is heard in the original"):
            to_original.score(silent, speech, RATE, ["wer_to_original"])
    for sound in (
        speech[: int(0.3 * RATE)],
        np.clip(20 * speech, -1, 1),
        2 * speech,
        resample(resample(speech, RATE, 8_000), 8_000, RATE),
    ):
        assert of_text.score(told, sound, RATE, ["wer"])["wer"] >= 0
    for length, why in ((10, "too short for words"), (31 * RATE, "too long")):
        with pytest.raises(MetricUndefined, match=why):
            of_text.score(told, np.resize(speech, length), RATE, ["wer"])


@pytest.mark.slow
def test_a_recogniser_of_another_kind_is_heard(tmp_path: Path, speech: Samples) -> None:
    """wav2vec 2.0 with letters, whose pipeline does not generate."""
    import_torchaudio()
    import json

    import torch
    import transformers

    library: Any = transformers
    letters = {token: i for i, token in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *"abcde"])}
    (tmp_path / "letters.json").write_text(json.dumps(letters))
    torch.manual_seed(1)
    config = library.Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, conv_dim=(16,) * 7, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2, initializer_range=1.0, pad_token_id=0,
    )  # fmt: skip
    model = library.Wav2Vec2ForCTC(config).eval()
    tokenizer = library.Wav2Vec2CTCTokenizer(str(tmp_path / "letters.json"))
    features = library.Wav2Vec2FeatureExtractor()
    for part in (model, tokenizer, features):
        part.save_pretrained(tmp_path)
    given = features(speech.astype(np.float32), sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        likely = model(given.input_values).logits[0].argmax(-1)
    assert transcribed(tmp_path, speech) == tokenizer.decode(likely)
    assert len(likely.unique()) > 2
    family = WerToOriginal(WerSettings(source=str(tmp_path)))
    told = family.prepare(speech, RATE)
    assert family.score(told, speech, RATE, ["cer_to_original"]) == {"cer_to_original": 0.0}


def test_broken_and_absent_recognisers_are_unavailable(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"holds no config\.json"):
        Wer(WerSettings(source=str(tmp_path))).load()
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / WEIGHTS).write_bytes(b"<html>not found</html>")
    with pytest.raises(Unavailable, match="holds no speech recogniser"):
        Wer(WerSettings(source=str(broken))).load()
    assert "'/no/such' is no local folder" in unusable(make_family("wer", {"source": "/no/such"}))


def test_it_comes_from_the_hub_at_its_commit_and_then_from_its_cache(
    folder: Path, tmp_path: Path
) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    code = (
        "from almbench.metrics.recogniser import find_recogniser, HUB_ID, REVISION\n"
        "found = find_recogniser(HUB_ID, REVISION)\n"
        "print(found.name, *sorted(path.name for path in found.iterdir()))\n"
    )
    with local_hub(HUB_ID, files) as hub:
        environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path)}
        run = partial(
            subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        fetched = run(env=environment).stdout.split()
        asked = len(hub.asked)
        offline = run(env=environment | {"HF_HUB_OFFLINE": "1"}).stdout.split()
        assert len(hub.asked) == asked
    assert fetched == offline == [REVISION, *sorted(files)]
    assert set(FILES) < set(files)


def test_looking_only_here_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        Unavailable, match=f"{WEIGHTS} of {HUB_ID} is not here yet: a run fetches it"
    ):
        find_recogniser(HUB_ID, REVISION, network=False)


def test_the_text_of_a_clip_counts_for_its_scores_and_for_no_others() -> None:
    of_text, of_sound = (
        MetricRecord.of(metric(name), "family", "1", {}, "") for name in ("wer", "wer_to_original")
    )
    assert of_text.signature("codec", RATE, "one") != of_text.signature("codec", RATE, "two")
    assert of_sound.signature("codec", RATE, "one") == of_sound.signature("codec", RATE, "two")


def test_scoring_two_sounds_takes_their_text(folder: Path, speech: Samples) -> None:
    settings = {name: {"source": str(folder)} for name in ("wer", "wer_to_original")}
    heard = transcribed(folder, speech)
    score = partial(almbench.score, speech, speech, RATE, ["wer", "wer_to_original"])
    assert score(text=heard, settings=settings) == {"wer": 0.0, "wer_to_original": 0.0}
    without = score(settings=settings)
    assert without["wer"] is None
    assert "the clip has no text" in without.reasons["wer"]
