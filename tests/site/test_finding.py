"""The finding in words: each case written out by hand."""

import pytest

from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison, compare
from almbench.results.manifest import Manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.table_rows import SummaryRow
from almbench.results.testset_record import ClipRecord, TestSetRecord
from almbench.site.finding import finding

Scores = dict[str, tuple[float | None, str]]  # codec -> mean and rank groups


def table(
    clips: int = 9, anchors: tuple[str, ...] = (), label: str = "A", **scores: Scores
) -> Comparison:
    """A table of metrics that are main ones of speech; `distance` is better where it is low."""
    ids = list(dict.fromkeys(id_ for of_metric in scores.values() for id_ in of_metric))
    codecs = tuple(
        CodecRecord(
            id=id_,
            label=label if id_ == "A" else id_,
            family="f",
            sample_rate=None,
            anchor=id_ in anchors,
        )
        for id_ in ids
    )
    metrics = tuple(
        MetricRecord(
            name=name,
            label=name,
            higher_is_better=name != "distance",
            digits=1,
            headline=("speech",),
            family="f",
            version="1",
        )
        for name in scores
    )
    testset = TestSetRecord(
        name="talk",
        domain="speech",
        path="",
        scoring_rate=16_000,
        clips=tuple(ClipRecord(id=f"c{i}") for i in range(clips)),
        codecs=tuple(ids),
        metrics=tuple(scores),
        metrics_requested=True,
    )
    rows = [
        SummaryRow(
            testset="talk",
            domain="speech",
            codec=id_,
            metric=metric,
            mean=mean,
            n=0 if mean is None else clips,
            rank_group=groups,
        )
        for metric, of_metric in scores.items()
        for id_, (mean, groups) in of_metric.items()
    ]
    manifest = Manifest.model_construct(testsets=(testset,), codecs=codecs, metrics=metrics)
    (made,) = compare(rows, manifest)
    return made


def said(made: Comparison, own: str = "") -> str:
    return str(finding(made, own).striptags())


def test_one_that_leads_alone() -> None:
    scores: Scores = {"A": (3.0, "1"), "B": (2.0, "2"), "C": (1.0, "2")}
    assert said(table(up=scores)) == "A is ahead of all others on up (3.0)."
    other: Scores = {"A": (3.0, "1"), "C": (2.0, "2"), "B": (1.0, "2")}
    assert said(table(up=scores, also=other)) == (
        "A is ahead of all others on up (3.0) and also (3.0)."
    )
    two: Scores = {"A": (0.1, "1"), "B": (2.0, "2")}
    assert said(table(distance=two)) == "A is ahead of B on distance (0.1)."


def test_one_that_shares_the_lead() -> None:
    scores: Scores = {"A": (3.0, "1"), "B": (2.5, "1 2"), "C": (2.4, "1 2"), "D": (1.0, "2")}
    both = table(up=scores, also={**scores, "B": (2.5, "2"), "C": (2.4, "2")})
    assert said(both) == (
        "A is ahead of all others on also (3.0). "
        "A is ahead of D on up (3.0); these clips do not separate it from the others."
    )
    last = {**scores, "C": (2.4, "2")}
    assert said(table(up=last)) == (
        "A is ahead of all but B on up (3.0); these clips do not separate it from B."
    )


def test_nobody_that_leads() -> None:
    scores: Scores = {"A": (3.0, "1"), "B": (2.5, "1 2"), "C": (1.0, "1")}
    other: Scores = {"A": (3.0, "1"), "B": (0.5, "1"), "C": (1.0, "1")}
    assert said(table(up=scores, distance=other)) == (
        "On up (A 3.0) and distance (B 0.5) these clips separate no system from the best."
    )
    two: Scores = {"A": (3.0, "1"), "B": (2.5, "1")}
    assert said(table(up=two, more=two)) == ("On up and more these clips do not separate A from B.")


def test_where_there_is_no_test_the_best_mean_is_named_as_that() -> None:
    scores: Scores = {"A": (3.0, ""), "B": (2.5, "")}
    assert said(table(clips=1, up=scores)) == (
        "A has the best mean on up (3.0); from 1 clip alone there is no test."
    )


def test_one_system_none_and_anchors() -> None:
    scores: Scores = {"A": (3.0, ""), "low": (9.0, "")}
    assert said(table(anchors=("low",), up=scores, more=scores)) == (
        "A reaches up 3.0 and more 3.0; with one system there is nothing to compare."
    )
    assert said(table(up={"A": (None, ""), "B": (None, "")})) == (
        "There are no scores that could be ranked."
    )
    assert said(table()) == "There are no scores that could be ranked."


def test_what_is_without_scores_or_has_fewer_clips_is_named() -> None:
    scores: Scores = {"A": (3.0, "1"), "B": (2.0, "2"), "C": (None, ""), "D": (1.0, "")}
    assert said(table(up=scores)) == (
        "A is ahead of B on up (3.0). No scores: C. Scored on fewer clips, so not ranked: D."
    )


def test_many_are_counted_and_the_own_is_always_named() -> None:
    scores: Scores = {"A": (9.0, "1"), **{f"S{i}": (5.0 - i, "2") for i in range(6)}}
    ties: Scores = {f"T{i}": (8.0, "1") for i in range(7)}
    assert said(table(up={**scores, **ties}), own="S5") == (
        "A is ahead of S5, S0, S1 and 3 more on up (9.0); "
        "these clips do not separate it from the others."
    )


@pytest.mark.parametrize("label", ["<b>x</b>", "a & b"])
def test_names_are_escaped(label: str) -> None:
    found = finding(table(label=label, up={"A": (3.0, "1"), "B": (2.0, "2")}))
    assert "<b>" not in found
    assert '<bdi class="name">' in found
