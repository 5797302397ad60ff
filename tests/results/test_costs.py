from typing import Any

import pytest

from almbench.codecs.base import CodecSpec
from almbench.codecs.registry import make_codec
from almbench.results.costs import codec_rows, codec_table
from almbench.results.manifest import Manifest
from almbench.results.run_record import UsageRecord
from almbench.results.table_rows import TABLES, ClipRow


def clip(codec: str, id_: str, **facts: Any) -> ClipRow:
    return ClipRow(
        testset="t", domain="speech", clip=id_, codec=codec, label="L", status="ok", **facts
    )


def used(manifest: Manifest, **facts: Any) -> Manifest:
    usage = {"a": UsageRecord(**facts)}
    return manifest.model_copy(update={"run": manifest.run.model_copy(update={"codecs": usage})})


def test_a_row_by_hand(manifest: Manifest) -> None:
    """Two clips of 1 s and 3 s: 0.5 s and 0.3 s of encoding are 0.8 s for 4 s."""
    facts = {"device": "cpu", "encode_macs": 2e9, "decode_macs": 0.5e9, "peak_process_mb": 321}
    clips = [
        clip("a", "1", duration_s=1.0, encode_rtf=0.5, decode_rtf=0.1),
        clip("a", "2", duration_s=3.0, encode_rtf=0.1, decode_rtf=0.1),
        clip("a", "3", duration_s=9.0),  # failed
    ]
    rows = {row.codec: row for row in codec_rows(used(manifest, **facts), clips)}
    row = rows["a"]
    assert row.encode_rtf == pytest.approx(0.2)
    assert row.decode_rtf == pytest.approx(0.1)
    assert (row.encode_gmacs, row.decode_gmacs, row.peak_memory_mb) == (2.0, 0.5, 321)
    assert row.device == "cpu"
    assert row.latency_ms is None  # it has no frames
    other = rows["b"]
    assert other.latency_ms == pytest.approx(20 + 1000 * 3 / 16_000)  # 50 Hz, 3 samples of delay
    assert (other.encode_rtf, other.device, other.peak_memory_mb) == (None, "", None)


def test_memory_of_a_gpu_goes_before_that_of_the_process(manifest: Manifest) -> None:
    facts = {"device": "cuda (X)", "peak_device_mb": 77, "peak_process_mb": 5000}
    rows = codec_rows(used(manifest, **facts), [])
    assert [row.peak_memory_mb for row in rows if row.codec == "a"] == [77]


def test_a_codec_that_took_anothers_codes_shows_its_costs(manifest: Manifest) -> None:
    clips = [clip("b", "1", duration_s=2.0, encode_rtf=0.5, decode_rtf=0.1, encoded_with="a")]
    rows = codec_rows(used(manifest, device="cpu", encode_macs=1e9, decode_macs=1e9), clips)
    assert [row.encode_gmacs for row in rows if row.codec == "b"] == [1.0]


def test_the_table_has_its_columns(manifest: Manifest) -> None:
    table = codec_table(manifest, [])
    assert list(table.columns) == TABLES["codecs"].columns
    assert len(table) == len(manifest.codecs)


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("opus-12", 20 + 6.5),  # RFC 6716: frames of 20 ms, 6.5 ms of look-ahead at most
        ("encodec-1.5", 1000 / 75),
        ("mimi-1.1", 80.0),  # Moshi's paper: 80 ms
        ("codec2-3200", None),
        ("dac-1.5", None),
        ("lowpass-7", None),
    ],
)
def test_latency(id_: str, expected: float | None) -> None:
    found = make_codec(id_).spec.latency_ms
    if id_ == "codec2-3200":
        assert found is not None
        assert 20 < found < 60
    else:
        assert found == (None if expected is None else pytest.approx(expected))


def test_latency_needs_frames() -> None:
    spec = CodecSpec(id="a", label="A", family="f", sample_rate=8000, causal=True)
    assert spec.latency_ms is None
