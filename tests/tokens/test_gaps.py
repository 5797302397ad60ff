"""What is missing of the input of token measures is told in a line for each kind."""

from pathlib import Path

from almbench.tokens.gaps import without_files, without_labels
from almbench.tokens.measure import ClipSet, LabelledClip
from almbench.tokens.token_files import Labels, TokenFolder


def clips(testset: str, ids: str) -> ClipSet:
    return ClipSet(testset, tuple(LabelledClip(id_) for id_ in ids))


def folder(ids: str) -> TokenFolder:
    return TokenFolder("Ours", Path("tokens"), {id_: Path(f"{id_}.npz") for id_ in ids})


def test_clips_without_token_files_are_counted_in_the_test_sets_that_have_some() -> None:
    sets = [clips("talk", "abcdef"), clips("noise", "xyz")]
    assert list(without_files(folder("abcdef"), sets)) == []
    assert list(without_files(folder("aq"), sets)) == [
        "Ours: clips without token files: 5 of 6 (b, c, d and 2 more)",
        "Ours: token files of no clip: 1 of 2 (q)",
    ]


def test_labels_of_no_clip_and_clips_without_labels_are_counted() -> None:
    rows = {"a": {"word": "yes"}, "b": {}, "x": {"word": "no"}, "ghost": {"word": "no"}}
    labels = Labels(Path("labels.csv"), rows, {})
    talk, noise = clips("talk", "abc"), clips("noise", "x")
    assert list(without_labels(labels, [talk, noise], [talk])) == [
        "labels.csv: ids of no clip: 1 of 4 (ghost)",
        "labels.csv: clips without labels: 2 of 3 (b, c)",
    ]
    whole = Labels(Path("labels.csv"), {"x": {"word": "no"}}, {})
    assert list(without_labels(whole, [noise], [noise])) == []
