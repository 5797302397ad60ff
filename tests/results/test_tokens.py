from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from almbench.audio import Samples
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.codecs.codes_file import read_codes
from almbench.errors import CodecError
from almbench.results.codec_record import CodecRecord
from almbench.results.manifest import Manifest
from almbench.results.records import ReconstructionRow
from almbench.results.row_files import Writer, read_rows
from almbench.results.run_record import RunRecord
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_tables
from almbench.results.tables import Tables, build_tables
from almbench.results.token_tables import NO_OTHERS
from almbench.runner.plan import Plan, PlannedTestSet
from almbench.runner.planned_codecs import PlannedCodec
from almbench.runner.provenance import make_manifest, write_suite
from almbench.statistics.tokens import token_statistics
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.suite.testsets import Clip
from tests.stages import reconstruct

RATE = 8_000


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (np.zeros((3, 4), np.int64), "not \\[2, T\\] of 2 codebooks"),
        (np.zeros((2, 4)), "float64"),
        (np.zeros((250, 2), np.int64), r"are \[T, K\] = \(250, 2\); .* transpose them"),
        (np.zeros((2, 0), np.int64), "no frames"),
        (np.full((2, 4), 8), "go from 8 to 8 in codebook 1; it has 0 to 7"),
        (np.full((2, 4), -1), "are negative in codebook 1, -1 the smallest"),
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
    with pytest.raises(CodecError, match=r"c\.npz has no array 'codes'; it has: other"):
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
    planned = [PlannedCodec(c, CodecRecord.of(c.spec, None, precomputed=False)) for c in codecs]
    testset = PlannedTestSet(config, clips, planned, [], metrics_requested=False)
    folder = RunFolder(root / "run")
    reconstruct(folder, testset)
    suite = Suite(name="s", testset=[config], codec=[CodecConfig(id="near")])
    plan = Plan(suite, [testset], [])
    write_suite(plan, folder)
    went = RunRecord(
        device="cpu",
        workers=1,
        seconds=0,
        scored_pairs=0,
        scoring_s=0,
        scoring_busy_s=0,
        scoring_in_metrics_s=0,
        codecs={},
        peak_memory_mb=None,
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
    entropy = sum(book.entropy_bits or 0 for book in expected.codebooks)
    weighted = np.average(clips["entropy_kbps"].astype(float), weights=seconds)
    assert weighted == pytest.approx(entropy * RATE / 1000)
    assert (clips["entropy_kbps"] < clips["measured_kbps"]).all()
    assert clips["codebook_use"].tolist() == [clip.use for clip in expected.clips]
    summary = cells(tables, "near")
    for k in (1, 2):
        book = expected.codebooks[k - 1]
        assert summary.loc[f"codebook_use_k{k}", "mean"] == book.use
        assert summary.loc[f"codebook_perplexity_k{k}", "mean"] == book.perplexity
        assert summary.loc[f"codebook_use_k{k}", "version"].endswith("7000 tokens (rarefaction)")
        assert summary.loc[f"ngram_bits_k{k}", "mean"] == book.ngram_bits
        assert summary.loc[f"ngram_bits_k{k}", "n"] == 3
        assert "Jelinek-Mercer" in summary.loc[f"ngram_bits_k{k}", "version"]
        assert summary.loc[f"entropy_bits_k{k}", "mean"] == book.entropy_bits
        assert summary.loc[f"size_bits_k{k}", "mean"] == 4
        assert summary.loc[f"tokens_k{k}", "mean"] == 7000
        assert pd.isna(summary.loc[f"codebook_use_k{k}", "ci95_low"])
    assert summary.loc["entropy_kbps", "mean"] == pytest.approx((bits / seconds / 1000).mean())
    assert tables.summary["codec"].tolist() == sorted(tables.summary["codec"], reverse=True)


def test_codecs_are_compared_by_equally_many_tokens(tmp_path: Path) -> None:
    """A codec at half the frame rate sets how many tokens both are rarefied to."""
    folder, manifest = make_run(tmp_path, [300, 200])
    near = manifest.codecs_by_id["near"]
    rows = read_rows(folder.root, ReconstructionRow)
    for clip in ("clip0", "clip1"):
        full = read_codes(folder.codes("t", "near", clip), (16, 16))
        other = folder.codes("t", "half", clip)
        other.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(other, codes=full[:, ::2])
        with Writer(folder.root, ReconstructionRow) as writer:
            writer.write(replace(rows["t", clip, "near"], codec="half"))
    testset = manifest.testsets[0].model_copy(update={"codecs": ("near", "half")})
    half = near.model_copy(update={"id": "half"})
    both = manifest.model_copy(update={"testsets": (testset,), "codecs": (near, half)})
    tables = build_tables(folder, Manifest.model_validate(both.model_dump()))
    held = [read_codes(folder.codes("t", "near", clip), (16, 16)) for clip in ("clip0", "clip1")]
    expected = token_statistics(held, (16, 16), [150, 100], 250)
    near_cells, half_cells = cells(tables, "near"), cells(tables, "half")
    assert near_cells.loc["codebook_use_k2", "mean"] == expected.codebooks[1].use
    for of_codec in (near_cells, half_cells):
        assert of_codec.loc["codebook_use_k2", "version"].endswith("250 tokens (rarefaction)")
    assert (near_cells.loc["tokens_k1", "mean"], half_cells.loc["tokens_k1", "mean"]) == (500, 250)
    clips: Any = tables.clips[tables.clips["codec"] == "near"]
    assert clips["codebook_use"].tolist() == [clip.use for clip in expected.clips]


def test_too_few_tokens_leave_the_entropy_empty_with_the_reason(tmp_path: Path) -> None:
    folder, manifest = make_run(tmp_path, [6, 6])
    tables = build_tables(folder, manifest)
    summary = cells(tables, "near")
    for metric in ("entropy_kbps", "entropy_bits_k2"):
        assert pd.isna(summary.loc[metric, "mean"])
        assert "too few tokens" in summary.loc[metric, "reason"]
        assert "75%" in summary.loc[metric, "reason"]
    rows: Any = tables.metrics[tables.metrics["codec"] == "near"].set_index("metric")
    assert set(rows.loc["entropy_kbps", "status"]) == {"skipped"}
    assert set(rows.loc["codebook_use", "status"]) == {"ok"}


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
