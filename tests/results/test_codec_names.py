"""How codecs are named: short where that tells them apart, never alike."""

import pytest

from almbench.codecs.base import CodecSpec
from almbench.results.codec_names import CodecName, codec_label, kbps, name_codecs, nominal
from almbench.results.codec_record import CodecRecord


def spec(id_: str, label: str, bps: float | None = None) -> CodecSpec:
    return CodecSpec(id=id_, label=label, family="f", sample_rate=None, stated_bps=bps)


def test_names_are_as_long_as_it_takes() -> None:
    named = name_codecs(
        [
            spec("mimi", "Mimi", 1100),
            spec("opus-6", "Opus", 6000),
            spec("opus-12", "opus ", 12000),
            spec("crush", "Crush"),
            spec("a", "Same", 500),
            spec("b", "Same", 500),
        ]
    )
    assert named["mimi"] == CodecName("Mimi", "Mimi (1.1 kbps)", "Mimi")
    assert named["opus-6"] == CodecName("Opus", "Opus (6 kbps)", "Opus (6 kbps)")
    assert named["crush"] == CodecName("Crush", "Crush", "Crush")
    assert named["a"].title == "Same [a]"
    assert named["a"].label == named["a"].short == "Same (0.5 kbps) [a]"
    for form in ("label", "short"):
        assert len({" ".join(getattr(name, form).lower().split()) for name in named.values()}) == 6
    assert name_codecs([]) == {}


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.4125, "0.41"), (1.5, "1.5"), (24.0, "24"), (100.0, "100"), (0.0021, "0.002")],
)
def test_a_bitrate_is_written_as_papers_write_it(rate: float, text: str) -> None:
    assert kbps(rate) == text


def test_the_bitrate_that_a_suite_states_goes_before_the_computed_one() -> None:
    # StableCodec: 25 frames a second of 46656 entries are 0.388 kbps; its authors say 0.4.
    facts = spec("s", "StableCodec").model_copy(
        update={"frame_rate": 25.0, "codebook_sizes": (46656,)}
    )
    assert nominal(facts) == "0.39"
    record = CodecRecord.of(facts, None, precomputed=True, stated_kbps=0.4)
    assert nominal(record) == "0.4"
    assert codec_label(record) == "StableCodec (0.4 kbps)"
    assert record.nominal_kbps == pytest.approx(0.38775, abs=1e-5)  # what values are computed with
    assert nominal(spec("n", "None")) == ""
