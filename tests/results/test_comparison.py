from dataclasses import replace

from almbench.results.codec_names import codec_label
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison, Mark, compare, formatted
from almbench.results.manifest import Manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.table_rows import SummaryRow
from almbench.results.testset_record import TestSetRecord

CODECS = {"a": 412.5, "b": None, "c": 6000.0, "d": 6000.0, "low": None}  # id -> bit/s
METRICS = (("up", "MOS", True), ("down", "", False), ("fact", "ms", None), ("none", "", True))
# low is an anchor, and d has fewer clips by "down": neither is ranked.
GROUPS = {
    "up": ["3", "1", "1 2", "2", ""],
    "down": ["1", "", "2", "", ""],
    "fact": [""] * 5,
    "none": [""] * 5,
}
MEANS: dict[str, list[float | None]] = {
    "up": [1.0, 3.001, 2.999, 2.0, 4.0],
    "down": [0.1, None, 0.3, 0.2, 0.0],
    "fact": [-0.001, 5.0, 1.0, 2.0, 3.0],
    "none": [None] * 5,
}
RECORDS = [
    CodecRecord(
        id=id_, label=id_.upper(), family="f", sample_rate=None, stated_bps=bps, anchor=id_ == "low"
    )
    for id_, bps in CODECS.items()
]


def table() -> Comparison:
    """Five codecs, of which the last is an anchor, by four metrics."""
    metrics = [
        MetricRecord(
            name=name,
            label=name,
            unit=unit,
            higher_is_better=better,
            digits=2,
            rate=48_000 if name == "up" else None,
            family="f",
            version="1",
        )
        for name, unit, better in METRICS
    ]
    testset = TestSetRecord(
        name="t",
        domain="speech",
        path="",
        scoring_rate=16_000,
        clips=(),
        codecs=tuple(codec.id for codec in RECORDS),
        metrics=tuple(MEANS),
        metrics_requested=False,
    )
    manifest = Manifest.model_construct(
        testsets=(testset,), codecs=tuple(RECORDS), metrics=tuple(metrics)
    )
    rows = [
        SummaryRow(
            testset="t",
            domain="speech",
            codec=codec.id,
            metric=metric,
            mean=mean,
            rank_group=group,
            n=0 if mean is None else 4 if (codec.id, metric) == ("d", "down") else 5,
        )
        for metric, means in MEANS.items()
        for codec, mean, group in zip(RECORDS, means, GROUPS[metric], strict=True)
    ]
    (made,) = compare(rows, manifest)
    return made


def ranks(metric: str) -> list[int]:
    made = table()
    (record,) = (m for m in made.metrics if m.name == metric)
    return [made.rank(codec.id, record) for codec in made.codecs]


def test_the_best_and_what_ties_with_it() -> None:
    assert ranks("up") == [0, 1, 1, 2, 0]  # c shares a group with b, and so does d with c alone
    assert ranks("down") == [1, 0, 2, 0, 0]  # d has fewer clips
    assert ranks("fact") == [0] * 5
    assert ranks("none") == [0] * 5


def test_where_all_tie_nothing_is_marked() -> None:
    made = table()
    (up,) = (m for m in made.metrics if m.name == "up")
    for key, row in made.cells.items():
        made.cells[key] = replace(row, rank_group="1" if row.rank_group else "")
    assert [made.rank(codec.id, up) for codec in made.codecs] == [0] * 5


def test_a_metric_without_values_is_left_out_of_the_text() -> None:
    assert [m.name for m in table().filled] == ["up", "down", "fact"]
    forms: dict[Mark, str] = {"best": "<{}>", "tied": "{}=", "next": "_{}_", "": "{}"}
    text = formatted(table(), forms, missing="-")
    assert list(text.columns) == ["Codec", "up (MOS) ↑", "down ↓", "fact (ms)"]
    assert text["up (MOS) ↑"].tolist() == ["1.00", "3.00=", "3.00=", "_2.00_", "4.00"]
    assert text["down ↓"].tolist() == ["<0.10>", "-", "_0.30_", "0.20 (n=4)", "0.00"]
    assert text["fact (ms)"][0] == "0.00"  # not -0.00


def test_each_column_says_its_rate() -> None:
    made = table()
    assert [made.rate_hz(metric) for metric in made.metrics] == [48_000, *[16_000] * 3]
    of_bits = made.metrics[0].model_copy(update={"computed_from": "bits"})
    assert made.rate_hz(of_bits) is None


def test_labels_carry_the_nominal_bitrate() -> None:
    assert codec_label(RECORDS[0]) == "A (0.41 kbps)"
    assert codec_label(RECORDS[1]) == "B"
