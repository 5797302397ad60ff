"""Words that a recogniser of a closed vocabulary hears."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from almbench.audio import Sound, read
from almbench.errors import MetricUndefined
from almbench.tokens.measure import ClipSet, Effort, LabelledClip
from almbench.tokens.recognition import Recognition, RecognitionSettings

pytest.importorskip("pocketsphinx")
AN4 = Path("/work/shared/data/an4")
MEASURE = Recognition(RecognitionSettings())


def an4(count: int) -> ClipSet:
    """Utterances of one word by different speakers."""
    table = AN4 / "transcripts.tsv"
    if not table.is_file():
        pytest.skip(f"{AN4} is not here")
    with table.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    short = [row for row in rows if row["text"] in ("YES", "NO", "STOP", "GO", "START")][:count]
    paths = {row["id"]: AN4 / "train" / row["speaker"] / f"{row['id']}.flac" for row in short}
    clips = tuple(LabelledClip(r["id"], r["speaker"], {"text": r["text"]}) for r in short)
    return ClipSet("an4", clips, lambda id_: read(paths[id_]), "1")


def test_words_are_heard_in_recordings_and_not_in_noise() -> None:
    clips = an4(15)
    [heard] = MEASURE.baseline(clips, "text", Effort())
    assert heard.measure == "closed_vocabulary_wer"
    assert heard.value is not None
    assert heard.value < 0.15
    assert heard.detail["words"] == heard.n == 15
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
    noisy = replace(clips, read_sound=lambda _: Sound(noise, 16_000), sound_hash="2")
    [lost] = MEASURE.baseline(noisy, "text", Effort())
    assert lost.value is not None
    assert lost.value > 0.5


def test_silence_has_no_words() -> None:
    silent = replace(an4(6), read_sound=lambda _: Sound(np.zeros(16_000), 16_000))
    [value] = MEASURE.baseline(silent, "text", Effort())
    assert value.value == 1.0


def test_words_that_no_dictionary_has_are_left_out() -> None:
    clips = ClipSet("x", (LabelledClip("a", "", {"text": "qxzzvk"}),), lambda _: None, "")  # type: ignore[arg-type, return-value]
    with pytest.raises(MetricUndefined, match="none of the words"):
        MEASURE.baseline(clips, "text", Effort())


def test_columns_of_words_are_its_targets() -> None:
    clips = ClipSet("x", (LabelledClip("a", "", {"word": "yes", "speaker": "s"}),))
    assert MEASURE.targets(clips, ()) == ["word"]
    assert MEASURE.targets(clips, ["speaker"]) == []
