"""Probes: labels that were written into codes are read, those that were not are not."""

from dataclasses import replace

import numpy as np
import pytest

from almbench.audio import Sound
from almbench.errors import MetricUndefined
from almbench.results.probes import ProbeValue
from almbench.tokens.folds import make_task
from almbench.tokens.measure import ClipSet, Effort, LabelledClip, TokenSet
from almbench.tokens.probe import Probe, ProbeSettings
from almbench.tokens.regression import regression
from tests.tokens.conftest import token_set


def accuracies(
    tokens: TokenSet, target: str, seed: int = 0, steps: int = 0
) -> dict[tuple[str, str], ProbeValue]:
    values = Probe(ProbeSettings(steps=steps)).compute(tokens, target, Effort(seed))
    return {(v.input, v.book): v for v in values if v.input != "vectors"}


def interval(value: ProbeValue) -> tuple[float, float]:
    assert value.ci95_low is not None
    assert value.ci95_high is not None
    return value.ci95_low, value.ci95_high


def test_a_label_that_is_written_in_a_book_is_read(written: TokenSet) -> None:
    found = accuracies(written, "class")
    assert found["bag", "1"].value == found["bag", "all"].value == 1.0
    second = found["bag", "2"]
    assert second.chance == pytest.approx(1 / 3)
    low, high = interval(second)
    assert low < 1 / 3 < high
    assert (second.n, second.clusters) == (60, 6)


def test_chance_is_within_the_interval_of_codes_that_hold_nothing() -> None:
    inside = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        codes = [rng.integers(0, 8, (1, 20)) for _ in range(80)]
        labels = [{"class": "abbb"[int(rng.integers(4))]} for _ in codes]  # one is rare
        (value,) = accuracies(token_set(codes, labels), "class").values()
        low, high = interval(value)
        inside += low <= 0.5 <= high
    assert inside >= 17


def test_the_same_seed_gives_the_same_and_order_within_a_clip_does_not_count(
    written: TokenSet,
) -> None:
    once, again = accuracies(written, "speaker", 3), accuracies(written, "speaker", 3)
    assert once == again
    turned = tuple(codes[:, ::-1] for codes in written.codes)
    other = token_set(turned, [c.labels for c in written.clipset.clips], sizes=written.sizes)
    assert accuracies(other, "class")["bag", "2"].value is not None


def test_speakers_are_kept_apart_unless_they_are_the_label(written: TokenSet) -> None:
    by_class = make_task(written.clipset, "class")
    for train, test in by_class.folds(0):
        assert not set(by_class.clusters[train]) & set(by_class.clusters[test])
    by_speaker = make_task(written.clipset, "speaker")
    assert len(set(by_speaker.groups)) == 60  # each clip may go elsewhere
    for train, test in by_speaker.folds(0):
        assert set(by_speaker.labels[test]) <= set(by_speaker.labels[train])


def test_where_the_label_is_the_speaker_the_interval_is_over_speakers() -> None:
    """By Student's t over the recalls of three speakers: 4, 2 and 0 of 4 clips are told."""
    labels = [{"speaker": f"s{i // 4}"} for i in range(12)]
    codes = [np.zeros((1, 4), np.int64)] * 12
    task = make_task(token_set(codes, labels, [x["speaker"] for x in labels]).clipset, "speaker")
    told = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    estimate, clusters = task.accuracy(told)
    assert clusters == 3
    assert estimate.mean == 0.5
    assert task.accuracy(np.ones(12, bool))[0][1:] == (1.0, 1.0)
    assert estimate.low == 0.0  # 0.5 - 4.303 * 0.5 / sqrt(3), cut
    near = np.array([1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0], bool)  # 0.75, 0.5 and 0.5
    low, high = task.accuracy(near)[0][1:]
    assert low == pytest.approx(7 / 12 - 4.302653 * 0.1443376 / 3**0.5, abs=1e-5)
    assert high == pytest.approx(7 / 12 + 4.302653 * 0.1443376 / 3**0.5, abs=1e-5)


def test_recordings_are_kept_apart_where_the_speaker_is_the_label() -> None:
    labels = [{"speaker": f"s{i % 2}", "recording": f"s{i % 2}-{i // 10}"} for i in range(40)]
    codes = [np.zeros((1, 4), np.int64)] * 40
    task = make_task(token_set(codes, labels, [x["speaker"] for x in labels]).clipset, "speaker")
    assert len(set(task.groups)) == 8
    for train, test in task.folds(0):
        assert not set(task.groups[train]) & set(task.groups[test])


def test_a_voice_that_cannot_be_told_from_its_recording_says_so() -> None:
    speakers = [f"s{i % 2}" for i in range(20)]
    codes = [np.full((1, 4), i % 2) for i in range(20)]
    once = [{"speaker": s, "recording": s} for s in speakers]
    with pytest.raises(MetricUndefined, match="cannot be told from the recording"):
        make_task(token_set(codes, once, speakers).clipset, "speaker")
    unknown = token_set(codes, [{"speaker": s} for s in speakers], speakers)
    values = Probe(ProbeSettings(steps=0)).compute(unknown, "speaker", Effort())
    assert values[0].value == 1.0
    assert "no column 'recording'" in values[0].reason


@pytest.mark.parametrize(
    ("labels", "clusters"),
    [
        (["a"], None),  # one clip
        (["a"] * 6, None),  # one class
        (["a", "b"], None),  # a clip a class
        (["", "", ""], None),  # no labels
        (["a", "a", "b", "b"], ["x", "x", "y", "z"]),  # a class within one cluster
    ],
)
def test_what_cannot_be_told_apart_says_so(labels: list[str], clusters: list[str] | None) -> None:
    codes = [np.zeros((1, 3), np.int64)] * len(labels)
    tokens = token_set(codes, [{"x": label} for label in labels], clusters)
    with pytest.raises(MetricUndefined, match="two classes"):
        accuracies(tokens, "x")


def test_odd_codes(written: TokenSet) -> None:
    """Clips without a frame are left out; a book of one entry holds nothing."""
    labels = [c.labels for c in written.clipset.clips]
    codes = [np.concatenate([c, np.zeros((1, c.shape[1]), np.int64)]) for c in written.codes]
    codes[0] = codes[0][:, :0]
    found = accuracies(token_set(codes, labels, sizes=(12, 16, 1)), "class")
    assert found["bag", "1"].value == 1.0
    assert found["bag", "1"].n == 59
    assert found["bag", "3"].value == pytest.approx(1 / 3)
    empty = token_set([codes[0], codes[0]], labels[:2])
    with pytest.raises(MetricUndefined, match="no clip has codes"):
        accuracies(empty, "class")


def test_the_order_of_codes_is_read_by_the_network_alone() -> None:
    """Rising and falling codes have the same bags."""
    codes = [(np.arange(12)[None] + i) % 8 for i in range(60)]
    codes = [one if i % 2 else one[:, ::-1].copy() for i, one in enumerate(codes)]
    labels = [{"way": ("falls", "rises")[i % 2]} for i in range(60)]
    tokens = token_set(codes, labels, sizes=(8,))
    found = accuracies(tokens, "way", steps=60)
    assert found["sequence", "all"].value == pytest.approx(1.0, abs=0.05)
    assert found == accuracies(tokens, "way", steps=60)
    low, high = interval(found["bag", "all"])
    assert low < 0.7
    assert high > 0.3


def test_the_order_of_each_of_the_first_books_is_read_alone() -> None:
    """The second of three books rises or falls, the others hold nothing."""
    rng = np.random.default_rng(0)
    codes = [rng.integers(0, 8, (3, 12)) for _ in range(40)]
    for i, one in enumerate(codes):
        one[1] = ((np.arange(12) + i) % 8)[:: 1 if i % 4 < 2 else -1]
    labels = [{"way": "rises" if i % 4 < 2 else "falls"} for i in range(40)]
    tokens = token_set(codes, labels, sizes=(8, 8, 8))
    settings = ProbeSettings(steps=60, sequence_books=2)
    values = Probe(settings).compute(tokens, "way", Effort())
    found = {value.book: value for value in values if value.input == "sequence"}
    assert list(found) == ["1", "2", "all"]
    low, high = interval(found["1"])
    assert low < 0.5 < high
    assert found["2"].value == pytest.approx(1.0, abs=0.05)
    (alone,) = (v for v in Probe(settings).compute(
        token_set([one[1:2] for one in codes], labels, sizes=(8,)), "way", Effort()
    ) if v.input == "sequence")  # fmt: skip
    assert alone.book == "all"
    assert alone.value == found["2"].value


def test_dequantised_vectors_are_probed_where_there_are_some(written: TokenSet) -> None:
    vectors = [np.stack([codes[0] // 4, codes[1]]).astype(float) for codes in written.codes]
    tokens = replace(written, dequantize=lambda: vectors)
    values = Probe(ProbeSettings(steps=0)).compute(tokens, "class", Effort())
    assert values[-1].input == "vectors"
    assert values[-1].value == 1.0
    silent = replace(written, dequantize=lambda: None)
    last = Probe(ProbeSettings(steps=0)).compute(silent, "class", Effort())[-1]
    assert (last.value, last.reason) == (None, "the codec does not show its dequantised vectors")


def test_the_baseline_hears_what_codes_may_not_hold() -> None:
    """Pitches that log-mel spectra tell apart; silence and clips of one sample are no trouble."""
    seconds = np.arange(8000) / 16_000
    sounds = {f"c{i}": np.sin(2 * np.pi * (400, 1600)[i % 2] * seconds) for i in range(20)}
    sounds["c0"], sounds["c1"] = np.zeros(8000), np.zeros(1)
    clips = tuple(LabelledClip(id_, "", {"pitch": "lh"[int(id_[1:]) % 2]}) for id_ in sounds)
    heard = ClipSet("tones", clips, lambda id_: Sound(sounds[id_], 16_000), "x")
    plain, as_vectors, sequence = Probe(ProbeSettings(steps=30)).baseline(heard, "pitch", Effort())
    assert plain.value is not None
    assert plain.value >= 0.85
    assert sequence.value is not None
    assert (as_vectors.input, as_vectors.value) == ("vectors", plain.value)


def test_a_fold_of_one_class_is_guessed_from_what_there_is() -> None:
    task = make_task(
        token_set(
            [np.full((1, 4), i // 2) for i in range(4)],
            [{"class": "ab"[i // 2]} for i in range(4)],
            ["x", "y", "z", "w"],
        ).clipset,
        "class",
    )
    predict = regression(task, np.arange(4.0)[:, None], 1.0, 10)
    assert predict(np.array([0, 1]), np.array([2, 3])).tolist() == [0, 0]
