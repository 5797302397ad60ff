"""Remarks on constructed runs: each threshold from both sides, and silence where all is well."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from almbench.names import ORIGINAL
from almbench.results.audit import CONTRADICTIONS, audit
from almbench.results.codec_names import name_codecs
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.manifest import Manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.remark_rules import SHAPES
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import ClipRow, SummaryRow
from almbench.spectra import band_edge, band_powers

RATE = 16_000


def codec(id_: str = "c", **facts: Any) -> CodecRecord:
    given = {"family": "made", "sample_rate": RATE, "stated_bps": 6000.0, **facts}
    return CodecRecord(id=id_, label=id_.title(), **given)


def clips(id_: str = "c", count: int = 5, **facts: Any) -> list[ClipRow]:
    given = {"duration_s": 2.0, "measured_kbps": 6.0, "sample_rate_hz": RATE, "status": "ok"}
    return [
        ClipRow(
            testset="talk", domain="speech", clip=f"{i}", codec=id_, label=id_, **{**given, **facts}
        )
        for i in range(count)
    ]


def table(manifest: Manifest, codecs: list[CodecRecord], **means: float) -> Comparison:
    """A comparison whose cells are given as `codec__metric=mean`."""
    shape = manifest.metrics[0].model_dump()
    names = dict.fromkeys(name.partition("__")[2] for name in means)
    metrics = [MetricRecord(**{**shape, "name": name, "label": name.upper()}) for name in names]
    cells = {
        (id_, metric): SummaryRow(
            testset="talk", domain="speech", codec=id_, metric=metric, mean=mean
        )
        for name, mean in means.items()
        for id_, _, metric in [name.partition("__")]
    }
    return Comparison(manifest.testsets[0], codecs, metrics, cells, name_codecs(codecs))


def said(manifest: Manifest, rows: list[ClipRow], one: CodecRecord | None = None) -> list[str]:
    return [r.text for r in audit([table(manifest, [one or codec()])], rows)]


def test_nothing_to_ask(manifest: Manifest) -> None:
    assert said(manifest, clips(lag_ms=0.3, gain_db=-1.9, clipped_samples=3)) == []
    assert said(manifest, clips(measured_kbps=6.5)) == []  # less than a tenth off
    assert said(manifest, clips(lag_ms=None, gain_db=None)) == []


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"measured_kbps": 6.7}, "measured 6.7 kbps, its label says 6 kbps"),
        ({"measured_kbps": 5.3}, "measured 5.3 kbps, its label says 6 kbps"),
        ({"measured_kbps": None}, "its label says 6 kbps, and no bits were seen"),
        ({"lag_ms": 6.0}, "late by 6 ms"),
        ({"lag_ms": -12.5}, "early by 12.5 ms"),
        ({"gain_db": 3.2}, "louder than the originals by 3.2 dB"),
        ({"gain_db": -4.0}, "quieter than the originals by 4 dB"),
        ({"clipped_samples": 64}, "0.2 % of its samples lie beyond full scale"),  # of 32,000
        (
            {"reason": "reconstruction is 0.92 s longer than the original; cut"},
            "5 of 5 clips came back longer or shorter",
        ),
    ],
)
def test_each_remark(manifest: Manifest, facts: dict[str, Any], text: str) -> None:
    [remark] = said(manifest, clips(**facts))
    assert remark.startswith(text)


def test_a_frame_a_clip_is_no_fault(manifest: Manifest) -> None:
    """Mimi sends 13 frames for one second at 12.5 Hz, and up to 18 % more of shorter clips."""
    mimi = codec(stated_bps=None, frame_rate=12.5, codebook_sizes=(2048,) * 8)
    rows = clips(duration_s=0.5, measured_kbps=7 * 88 / 0.5 / 1000)  # 7 frames for 6.25
    assert said(manifest, rows, mimi) == []
    assert said(manifest, clips(duration_s=20.0, measured_kbps=1.32), mimi) == [
        "measured 1.32 kbps, its label says 1.1 kbps"
    ]


def test_the_stated_rate_is_the_label(manifest: Manifest) -> None:
    rows = clips(measured_kbps=0.39)
    assert said(manifest, rows, codec(stated_bps=388.0, stated_kbps=0.4)) == []
    assert said(manifest, rows, codec(stated_bps=388.0, stated_kbps=0.6)) != []


def test_one_late_clip_is_no_remark(manifest: Manifest) -> None:
    assert said(manifest, clips(count=4) + clips(count=1, lag_ms=80.0)) != []  # the only lag known
    assert said(manifest, clips(count=4, lag_ms=0.0) + clips(count=1, lag_ms=80.0)) == []


def test_anchors_and_what_was_not_run_are_left_alone(manifest: Manifest) -> None:
    assert said(manifest, clips(gain_db=-9.0), codec(anchor=True)) == []
    assert said(manifest, clips(gain_db=-9.0, status="unavailable")) == []
    assert said(manifest, []) == []


@pytest.mark.parametrize(("one", "high", "other", "low"), CONTRADICTIONS)
def test_scores_that_contradict_each_other(
    manifest: Manifest, one: str, high: float, other: str, low: float
) -> None:
    both = {f"c__{one}": high, f"c__{other}": low}
    [remark] = audit([table(manifest, [codec()], **both)], clips())
    assert remark.kind == "contradiction"
    assert remark.text.startswith(f"{one.upper()} of {high:.2f}"[: len(one) + 5])
    for change in ({f"c__{one}": high - 0.01}, {f"c__{other}": low + 0.01}):
        assert audit([table(manifest, [codec()], **both | change)], clips()) == []


def test_pesq_3_at_stoi_40_percent(manifest: Manifest) -> None:
    made = table(manifest, [codec()], c__pesq_wb=3.0, c__stoi=0.4)
    assert [r.text for r in audit([made], clips())] == [
        "PESQ_WB of 3.000 and STOI of 0.400 do not go together"
    ]


def test_worse_than_codec2_at_ten_times_its_rate(manifest: Manifest) -> None:
    def found(rate: float, **means: float) -> list[str]:
        base = {"codec2__pesq_wb": 1.3, "codec2__stoi": 0.69}
        old = codec("codec2", family="codec2", stated_bps=700.0)
        made = table(manifest, [codec(stated_bps=rate), old], **base, **means)
        rows = clips(measured_kbps=rate / 1000)
        return [r.text for r in audit([made], rows)]

    assert found(7000.0, c__pesq_wb=1.2, c__stoi=0.6) == [
        "no better than Codec2 (0.7 kbps) at a tenth of its bitrate, by PESQ_WB, STOI"
    ]
    assert found(7000.0, c__pesq_wb=1.4, c__stoi=0.6) == []  # ahead by one of them
    assert found(6900.0, c__pesq_wb=1.2, c__stoi=0.6) == []  # less than ten times


def test_the_band_of_the_sounds(manifest: Manifest, tmp_path: Path) -> None:
    from scipy.signal import butter, sosfiltfilt

    folder = RunFolder(tmp_path)
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    dull = sosfiltfilt(butter(12, 3500, fs=RATE, output="sos"), noise)
    for id_, sound in ((ORIGINAL, noise), ("c", dull), ("bright", 0.3 * noise)):
        path = folder.audio("talk", id_, "0")
        path.parent.mkdir(parents=True)
        sf.write(path, sound, RATE)
    both = [codec(), codec("bright")]
    made = table(manifest, both)
    rows = clips(count=1) + clips("bright", count=1)
    [remark] = audit([made], rows, folder)
    assert (remark.codec, remark.kind) == ("c", "band")
    assert remark.text == "nothing above 3.8 kHz, where the originals have sound up to 8 kHz"
    folder.audio("talk", ORIGINAL, "0").unlink()
    assert audit([made], rows, folder) == []


@pytest.mark.parametrize("sound", [np.zeros(5000), np.zeros(10), np.ones(5000) * 0])
def test_no_band_of_silence(sound: Any) -> None:
    powers = band_powers(sound, RATE)
    assert band_edge(powers, powers, RATE) == (0.0, 0.0)
    other = band_powers(np.random.default_rng(0).normal(0, 0.1, 5000), RATE)
    assert band_edge(powers, other, RATE) == (0.0, 0.0)
    assert band_edge(other, powers, RATE) == (0.0, 8000.0 if len(sound) > 10 else 0.0)


def test_band_edge_of_tones_by_hand() -> None:
    """A tone at 1 kHz and a weak one at 6 kHz, faded in and out; and without the weak one."""
    times = np.arange(RATE) / RATE
    fade = np.hanning(RATE)
    low = fade * np.sin(2 * np.pi * 1000 * times)
    high = 0.02 * fade * np.sin(2 * np.pi * 6110 * times)
    both, one = band_powers(low + high, RATE), band_powers(low, RATE)
    assert band_edge(both, both, RATE) == (6250.0, 6250.0)
    edge, whole = band_edge(both, one, RATE)
    assert whole == 6250.0
    assert edge < 2000


def test_every_kind_can_be_said() -> None:
    for shape in SHAPES.values():
        assert "|" not in shape  # the catalogue of translations parts them by it
