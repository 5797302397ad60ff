import math
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from almbench.audio import Samples
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.devices import Device
from almbench.errors import CodecError
from almbench.results.manifest import CodecRecord, Manifest, PeakMemory, RunRecord
from almbench.results.runfolder import RunFolder
from almbench.results.tables import Tables, build_tables, write_tables
from almbench.results.token_tables import NO_OTHERS, read_codes
from almbench.runner.originals import import_originals
from almbench.runner.plan import Plan, PlannedCodec, PlannedTestSet
from almbench.runner.provenance import make_manifest, write_suite
from almbench.runner.reconstruct import Reconstructor
from almbench.statistics.tokens import token_statistics
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.suite.testsets import Clip

RATE = 8_000


def codes(*books: list[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(books, np.int64)


def test_entropy_by_hand() -> None:
    # Token 0 six times in eight, token 1 twice.
    found = token_statistics([codes([0, 0, 0, 1]), codes([0, 0, 0, 1])], [4])
    h = -0.75 * math.log2(0.75) - 0.25 * math.log2(0.25)
    assert found.codebooks[0].perplexity == pytest.approx(2**h)
    assert found.codebooks[0].use == 0.5
    assert [clip.entropy_bits for clip in found.clips] == pytest.approx([4 * h, 4 * h])
    # Clips that differ pay by the distribution of both: 0 is 3 of 4 tokens.
    found = token_statistics([codes([0, 0]), codes([0, 1])], [2])
    zero, one = -math.log2(3 / 4), -math.log2(1 / 4)
    assert [clip.entropy_bits for clip in found.clips] == pytest.approx([2 * zero, zero + one])
    assert found.codebooks[0].entropy_bits == pytest.approx(3 * zero + one)
    assert [clip.perplexity for clip in found.clips] == pytest.approx([1, 2])
    assert [clip.use for clip in found.clips] == [0.5, 1]


def test_bigram_by_hand() -> None:
    """Clip a = 0 1 1, clip b = 0 1 0 2, four entries."""
    found = token_statistics([codes([0, 1, 1]), codes([0, 1, 0, 2])], [4])
    # From b: 0 twice, 1 once, 2 once: N = 4, T = 3.
    uni = {w: (c + 3 / 4) / (4 + 3) for w, c in {0: 2, 1: 1, 2: 1, 3: 0}.items()}
    # After 0 came 1 and 2 (n = 2, t = 2); after 1 came 0 (n = 1, t = 1).
    a = uni[0] * (1 + 2 * uni[1]) / 4 * (0 + 1 * uni[1]) / 2
    assert found.clips[0].ngram_bits == pytest.approx(-math.log2(a) / 3)
    # From a: 0 once, 1 twice: N = 3, T = 2.
    uni = {w: (c + 2 / 4) / (3 + 2) for w, c in {0: 1, 1: 2, 2: 0, 3: 0}.items()}
    # After 0 came 1 (n = 1, t = 1); after 1 came 1 (n = 1, t = 1).
    b = uni[0] * (1 + uni[1]) / 2 * (0 + uni[0]) / 2 * (0 + uni[2]) / 2
    assert found.clips[1].ngram_bits == pytest.approx(-math.log2(b) / 4)
    assert found.codebooks[0].ngram_bits == pytest.approx(-math.log2(a * b) / 7)


def slow_ngram_bits(clips: list[list[int]], out: int, size: int) -> float:
    """Bits of a clip, by dictionaries over the other clips."""
    rest = [clip for i, clip in enumerate(clips) if i != out]
    uni = Counter(x for clip in rest for x in clip)
    pairs = Counter(p for clip in rest for p in pairwise(clip))
    bits = 0.0
    for i, x in enumerate(clips[out]):
        p = (uni[x] + len(uni) / size) / (uni.total() + len(uni))
        if i:
            after = {w: c for (v, w), c in pairs.items() if v == clips[out][i - 1]}
            if after:
                p = (after.get(x, 0) + len(after) * p) / (sum(after.values()) + len(after))
        bits -= math.log2(p)
    return bits


def test_bigram_against_a_plain_count() -> None:
    rng = np.random.default_rng(5)
    clips = [rng.geometric(0.2, (2, length)).clip(1, 30) for length in (40, 1, 7, 90, 2)]
    found = token_statistics(clips, [31, 64])
    for k, size in enumerate((31, 64)):
        books = [clip[k].tolist() for clip in clips]
        bits = [slow_ngram_bits(books, i, size) for i in range(len(clips))]
        assert found.codebooks[k].ngram_bits == pytest.approx(sum(bits) / 140)
    for i, clip in enumerate(clips):
        books = [[c[k].tolist() for c in clips] for k in (0, 1)]
        bits = [slow_ngram_bits(b, i, s) for b, s in zip(books, (31, 64), strict=True)]
        assert found.clips[i].ngram_bits == pytest.approx(sum(bits) / 2 / clip.shape[1])


def test_the_model_sees_structure_but_not_the_clip_itself() -> None:
    cycle = np.arange(300)[None] % 50
    found = token_statistics([cycle, cycle[:, 20:]], [1024])
    assert found.codebooks[0].ngram_bits is not None
    assert found.codebooks[0].ngram_bits < 0.6  # perfectly regular
    assert found.codebooks[0].perplexity == pytest.approx(50, rel=0.01)
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 1024, (1, 300)) for _ in range(2)]
    found = token_statistics(noise, [1024])
    assert found.clips[0].ngram_bits is not None
    assert found.clips[0].ngram_bits > 9.8  # 10 bits of chance; memory would make it cheap


def test_degenerate_codes() -> None:
    constant = token_statistics([codes([5] * 10), codes([5] * 4)], [1024])
    assert constant.codebooks[0].use == 1 / 1024
    assert constant.codebooks[0].perplexity == 1
    assert constant.codebooks[0].entropy_bits == 0
    assert constant.codebooks[0].ngram_bits is not None
    assert 0 < constant.codebooks[0].ngram_bits < 0.5
    one_frame = token_statistics([codes([3]), codes([3])], [4])
    assert one_frame.clips[0].ngram_bits == pytest.approx(-math.log2((1 + 1 / 4) / 2))
    one_clip = token_statistics([codes([0, 1, 0])], [2])
    assert one_clip.clips[0].ngram_bits is None
    assert one_clip.codebooks[0].ngram_bits is None
    assert one_clip.codebooks[0].use == 1
    assert token_statistics([], [4]).clips == []
    large = token_statistics([codes([46655, 0]), codes([0, 46655])], [46656])
    assert large.codebooks[0].perplexity == 2


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (np.zeros((3, 4), np.int64), "not integers of 2 codebooks"),
        (np.zeros((2, 4)), "float64"),
        (np.zeros((2, 0), np.int64), "no frames"),
        (np.full((2, 4), 8), "beyond the codebooks"),
        (np.full((2, 4), -1), "beyond the codebooks"),
        (np.array(["x"], object), "cannot be read"),
    ],
)
def test_codes_that_are_none(tmp_path: Path, held: Any, words: str) -> None:
    np.savez(tmp_path / "c.npz", codes=held)
    with pytest.raises(CodecError, match=words):
        read_codes(tmp_path / "c.npz", [8, 8])


def test_codes_that_are_not_there_or_torn(tmp_path: Path) -> None:
    with pytest.raises(CodecError, match="gone"):
        read_codes(tmp_path / "c.npz", [8])
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(CodecError, match="cannot be read"):
        read_codes(tmp_path / "c.npz", [8])
    np.savez(tmp_path / "c.npz", other=np.zeros((1, 1), np.int64))
    with pytest.raises(CodecError, match="cannot be read"):
        read_codes(tmp_path / "c.npz", [8])


class Nearest(Codec[Options]):
    """Each sample to four bits, then what is left of it to four more."""

    sizes: tuple[int, ...] = (16, 16)

    @property
    def spec(self) -> CodecSpec:
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="nearest",
            sample_rate=RATE,
            frame_rate=RATE,
            codebook_sizes=self.sizes,
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        found = []
        for samples in batch:
            both = np.clip(np.floor((samples + 1) * 128), 0, 255).astype(np.int64)
            found.append(from_codes(np.stack([both // 16, both % 16]), (16, 16), len(samples)))
        return found

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        return [
            (16 * i.codes[0] + i.codes[1] + 0.5) / 128 - 1 for i in batch if i.codes is not None
        ]


class Uncoded(Nearest):
    """The same without codes."""

    sizes = ()

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        return [Encoded(None, len(samples), payload=samples) for samples in batch]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        return [item.payload for item in batch]


def make_run(root: Path, lengths: list[int]) -> tuple[RunFolder, Manifest]:
    """Run both codecs over noise of some lengths in samples."""
    rng = np.random.default_rng(1)
    clips = []
    for i, length in enumerate(lengths):
        path = root / f"clip{i}.wav"
        sf.write(path, rng.normal(0, 0.1, length).clip(-1, 1), RATE, subtype="PCM_16")
        clips.append(Clip(f"clip{i}", path))
    codecs = [Nearest("near", "Near", Options()), Uncoded("flat", "Flat", Options())]
    config = TestSetConfig(name="t", domain="speech", path="")
    planned = [PlannedCodec(c, CodecRecord.of(c.spec, "", precomputed=False)) for c in codecs]
    testset = PlannedTestSet(config, clips, planned, [], metrics_requested=False)
    folder = RunFolder(root / "run")
    import_originals(folder, [("t", clip) for clip in clips], "", lambda: None)
    Reconstructor(folder, Device("cpu"), "", lambda _: None).run([(testset, clips)])
    suite = Suite(name="s", testset=[config], codec=[CodecConfig(id="near")])
    plan = Plan(suite, [testset], [])
    write_suite(plan, folder)
    memory = PeakMemory(main=0, largest_worker=0)
    went = RunRecord(
        device="cpu",
        workers=1,
        seconds=0,
        scored_pairs=0,
        scoring_s=0,
        scoring_busy_s=0,
        scoring_in_metrics_s=0,
        codecs={},
        peak_memory_mb=memory,
    )
    return folder, make_manifest(plan, folder, went)


def cells(tables: Tables, codec: str) -> Any:
    table: Any = tables.summary
    return table[table["codec"] == codec].set_index("metric")


def test_tables_hold_the_statistics(tmp_path: Path) -> None:
    folder, manifest = make_run(tmp_path, [4000, 2000, 1000])
    tables = build_tables(folder, manifest)
    clips: Any = tables.clips[tables.clips["codec"] == "near"]
    held = [read_codes(folder.codes("t", "near", clip), (16, 16)) for clip in clips["clip"]]
    expected = token_statistics(held, (16, 16))
    seconds = np.array([0.5, 0.25, 0.125])
    bits = np.array([clip.entropy_bits for clip in expected.clips])
    assert clips["entropy_kbps"].tolist() == pytest.approx((bits / seconds / 1000).tolist())
    # Weighted by duration, it is the entropy bitrate: entropy of each codebook x frame rate.
    entropy = sum(math.log2(book.perplexity) for book in expected.codebooks)
    weighted = np.average(clips["entropy_kbps"].astype(float), weights=seconds)
    assert weighted == pytest.approx(entropy * RATE / 1000)
    assert (clips["entropy_kbps"] < clips["measured_kbps"]).all()
    assert clips["codebook_use"].tolist() == [clip.use for clip in expected.clips]
    summary = cells(tables, "near")
    for k in (1, 2):
        book = expected.codebooks[k - 1]
        assert summary.loc[f"codebook_use_k{k}", "mean"] == book.use
        assert summary.loc[f"codebook_perplexity_k{k}", "mean"] == book.perplexity
        assert summary.loc[f"ngram_bits_k{k}", "mean"] == book.ngram_bits
        assert summary.loc[f"ngram_bits_k{k}", "n"] == 3
        assert "Witten-Bell" in summary.loc[f"ngram_bits_k{k}", "version"]
        assert pd.isna(summary.loc[f"codebook_use_k{k}", "ci95_low"])
    assert summary.loc["entropy_kbps", "mean"] == pytest.approx((bits / seconds / 1000).mean())
    assert tables.summary["codec"].tolist() == sorted(tables.summary["codec"], reverse=True)


def test_a_codec_without_codebooks_has_a_reason_and_no_more(tmp_path: Path) -> None:
    folder, manifest = make_run(tmp_path, [400, 400])
    tables = build_tables(folder, manifest)
    assert set(cells(tables, "flat").index) == {"measured_kbps", "entropy_kbps"}
    rows: Any = tables.metrics[tables.metrics["codec"] == "flat"].set_index("metric")
    assert set(rows.loc["entropy_kbps", "status"]) == {"skipped"}
    assert "no codes were seen" in rows.loc["entropy_kbps", "reason"].iloc[0]


def test_one_clip_has_no_ngram_value(tmp_path: Path) -> None:
    folder, manifest = make_run(tmp_path, [400])
    summary = cells(build_tables(folder, manifest), "near")
    for metric in ("ngram_bits_per_token", "ngram_bits_k1"):
        assert pd.isna(summary.loc[metric, "mean"])
        assert (summary.loc[metric, "n"], summary.loc[metric, "failed"]) == (0, 0)
        assert summary.loc[metric, "reason"] == NO_OTHERS
    assert summary.loc["codebook_perplexity_k1", "mean"] > 1


def test_lost_codes_fail_their_clip_and_the_rest_stays(tmp_path: Path) -> None:
    folder, manifest = make_run(tmp_path, [400, 400, 400])
    folder.codes("t", "near", "clip1").unlink()
    tables = build_tables(folder, manifest)
    clips: Any = tables.clips[tables.clips["codec"] == "near"].set_index("clip")
    assert clips["status"].tolist() == ["ok", "failed", "ok"]
    assert "entropy_kbps: its codes are gone" in clips.loc["clip1", "reason"]
    assert cells(tables, "near").loc["codebook_use_k1", "n"] == 2
    assert cells(tables, "near").loc["entropy_kbps", "failed"] == 1
    for clip in ("clip0", "clip2"):
        folder.codes("t", "near", clip).unlink()
    summary = cells(build_tables(folder, manifest), "near")
    assert "codebook_use_k1" not in summary.index
    assert "gone" in summary.loc["ngram_bits_per_token", "reason"]


def test_tables_are_the_same_each_time(tmp_path: Path) -> None:
    folder, manifest = make_run(tmp_path, [400, 300])
    written = []
    for _ in range(2):
        write_tables(build_tables(folder, manifest), folder)
        written.append([folder.table(n).read_bytes() for n in ("clips", "metrics", "summary")])
    assert written[0] == written[1]
