"""The runner, on a small codec with residual codebooks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from almbench.audio import Samples, read
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.devices import Device, choose, out_of_memory
from almbench.errors import CodecError, Unavailable, UserError
from almbench.results.codec_record import CodecRecord
from almbench.results.records import ReconstructionRow
from almbench.results.row_files import read_rows
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import PlannedTestSet
from almbench.runner.planned_codecs import PlannedCodec
from almbench.runner.reconstruct import Reconstructor
from almbench.suite.config import TestSetConfig
from almbench.suite.testsets import Clip
from tests.stages import reconstruct

RATE = 8_000
STEPS = (1 / 8, 1 / 128, 1 / 2048)  # of the residual quantisers, 16 entries each


class Residual(Codec[Options]):
    """Quantises each sample, then what is left of it: the codebooks nest."""

    uses_device = True
    supports_batching = True
    max_duration_s = 2.0

    def __init__(
        self, id_: str, depth: int, fits: int = 100, name: str | None = "residual"
    ) -> None:
        super().__init__(id_, id_, Options())
        self.depth, self.fits, self.name = depth, fits, name
        self.calls: list[int] = []
        self.lengths: list[list[int]] = []
        self.loads = 0

    @property
    def encoding_key(self) -> str | None:
        return self.name

    @property
    def spec(self) -> CodecSpec:
        sizes = (16,) * self.depth
        return CodecSpec(
            id=self.id,
            label=self.id,
            family="residual",
            sample_rate=RATE,
            frame_rate=RATE,
            codebook_sizes=sizes,
        )

    def load(self, device: str) -> None:
        self.loads += 1

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        lengths = [len(samples) for samples in batch]
        assert self.supports_padding or len(set(map(self.batch_length, lengths))) == 1
        self.lengths.append(lengths)
        self.calls.append(len(batch))
        if len(batch) > self.fits:
            raise MemoryError("too large a batch")
        if any(np.abs(samples).max() > 0.9 for samples in batch):
            raise RuntimeError("too loud for me")
        return [
            from_codes(_codes(samples)[: self.depth], (16,) * self.depth, len(samples))
            for samples in batch
        ]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        return [_decode(item) for item in batch]


def _codes(samples: Samples) -> np.ndarray[Any, np.dtype[np.int64]]:
    rest, codes = samples, []
    for step in STEPS:
        code = np.clip(np.rint(rest / step), -8, 7)
        codes.append(code + 8)
        rest = rest - code * step
    return np.stack(codes).astype(np.int64)


def _decode(item: Encoded) -> Samples:
    assert item.codes is not None
    out: Samples = sum((c - 8) * s for c, s in zip(item.codes, STEPS, strict=False))
    return out


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Five clips of one length, one shorter, one too loud, one too long."""
    rng = np.random.default_rng(0)
    found = []
    for name, seconds, level in [
        *((f"same{i}", 0.5, 0.1) for i in range(5)),
        ("short", 0.25, 0.1),
        ("loud", 0.5, 1.0),
        ("long", 2.5, 0.1),
    ]:
        samples = level * rng.uniform(-1, 1, int(seconds * RATE))
        path = tmp_path / f"{name}.wav"
        sf.write(path, samples, RATE, subtype="PCM_16")
        found.append(Clip(name, path))
    return sorted(found, key=lambda clip: clip.id)


def run(
    root: Path,
    codecs: list[Residual],
    clips: list[Clip],
    missing: str | None = None,
    batch: int | None = 8,
) -> tuple[dict[tuple[str, ...], ReconstructionRow], Reconstructor]:
    config = TestSetConfig(name="t", domain="speech", path="")
    planned = [
        PlannedCodec(
            c, CodecRecord.of(c.spec, Unavailable(missing) if missing else None, precomputed=False)
        )
        for c in codecs
    ]
    testset = PlannedTestSet(config, clips, planned, [], metrics_requested=False)
    folder = RunFolder(root)
    seen: list[ReconstructionRow] = []
    runner = reconstruct(folder, testset, Device("cpu", batch), lambda row, _: seen.append(row))
    assert len(seen) == len(clips) * len(codecs)
    return read_rows(root, ReconstructionRow), runner


def test_equal_lengths_share_a_batch_and_a_bad_clip_costs_only_itself(
    tmp_path: Path, clips: list[Clip]
) -> None:
    codec = Residual("three", 3)
    rows, _ = run(tmp_path / "run", [codec], clips)
    status = {key[1]: row.status for key, row in rows.items()}
    assert status == {c.id: "failed" if c.id in {"loud", "long"} else "ok" for c in clips}
    assert rows["t", "loud", "three"].reason == "RuntimeError: too loud for me"
    assert "lasts 2.5 s; this codec takes at most 2 s" in rows["t", "long", "three"].reason
    assert codec.loads == 1
    assert codec.calls[:2] == [1, 1]  # the warm-up and the short clip
    assert codec.calls[2] == 6  # then all of one length, which fails for the loud one
    for clip in clips:
        if status[clip.id] == "ok":
            out = read(tmp_path / f"run/reconstructions/t/three/{clip.id}.flac").samples
            assert np.abs(out - read(clip.path).samples).max() < 1 / 128


def test_too_little_memory_halves_the_batch(tmp_path: Path, clips: list[Clip]) -> None:
    codec = Residual("three", 3, fits=2)
    same = [clip for clip in clips if clip.id.startswith("same")]
    rows, runner = run(tmp_path / "run", [codec], same, batch=4)
    assert {row.status for row in rows.values()} == {"ok"}
    # After warming up; a last call may count its arithmetic.
    assert codec.calls[:5] == [1, 4, 2, 2, 1]
    assert max(row.batch for row in rows.values()) == 2
    assert (runner.usage["three"].batch, runner.usage["three"].batch_that_fits) == (4, 2)


class Padding(Residual):
    """Takes clips of any lengths at once."""

    supports_padding = True


class Framed(Residual):
    """Codes whole frames of 100 samples, padded with zeros."""

    def batch_length(self, samples: int) -> int:
        return -(-samples // 100) * 100


def sounds(folder: Path, *lengths: int) -> list[Clip]:
    """Clips of these lengths in samples, named by their number."""
    rng = np.random.default_rng(1)
    found = []
    for number, length in enumerate(lengths):
        path = folder / f"{number}.wav"
        sf.write(path, 0.1 * rng.uniform(-1, 1, length), RATE, subtype="PCM_16")
        found.append(Clip(str(number), path))
    return found


def test_clips_of_as_many_frames_share_a_batch(tmp_path: Path) -> None:
    codec = Framed("three", 3)
    rows, _ = run(tmp_path / "run", [codec], sounds(tmp_path, 950, 1001, 999, 1000, 901, 900))
    assert codec.lengths[1:4] == [[900], [901, 950, 999, 1000], [1001]]
    assert [rows["t", clip, "three"].batch for clip in "012345"] == [4, 1, 4, 4, 4, 1]


def test_a_cpu_warms_up_with_no_more_than_a_second(tmp_path: Path) -> None:
    codec = Framed("three", 3)
    run(tmp_path / "run", [codec], sounds(tmp_path, RATE + RATE // 2))
    assert codec.lengths[:2] == [[RATE], [RATE + RATE // 2]]


def test_clips_of_any_lengths_share_a_batch_that_is_well_filled(tmp_path: Path) -> None:
    codec = Padding("three", 3)
    clips = sounds(tmp_path, 4000, 1000, 1250, 1100, 1300)
    rows, _ = run(tmp_path / "run", [codec], clips)
    assert codec.lengths[1:4] == [[1000, 1100, 1250], [1300], [4000]]
    # The time of a call is shared out by duration.
    first, second = rows["t", "1", "three"], rows["t", "2", "three"]
    assert first.encode_s
    assert second.encode_s == pytest.approx(1.25 * first.encode_s)
    for clip in clips:
        out = read(tmp_path / f"run/reconstructions/t/three/{clip.id}.flac").samples
        assert np.abs(out - read(clip.path).samples).max() < 1 / 128


def test_what_is_coded_in_pieces_has_no_batch(tmp_path: Path) -> None:
    codec = Padding("three", 3)
    codec.whole_s = 1100 / RATE
    run(tmp_path / "run", [codec], sounds(tmp_path, 1150, 1000, 1101, 1100))
    assert codec.lengths[1:4] == [[1000, 1100], [1101], [1150]]


def test_batches_change_nothing_but_speeds(tmp_path: Path, clips: list[Clip]) -> None:
    def but_speeds(rows: dict[tuple[str, ...], ReconstructionRow]) -> set[ReconstructionRow]:
        return {replace(row, batch=1, encode_s=None, decode_s=None) for row in rows.values()}

    one, _ = run(tmp_path / "one", [Residual("three", 3), Residual("one", 1)], clips, batch=1)
    many, used = run(tmp_path / "many", [Residual("three", 3), Residual("one", 1)], clips)
    assert but_speeds(one) == but_speeds(many)
    assert max(row.batch for row in one.values()) == 1
    share = used.usage["three"].busy_share
    assert share
    assert 0 < share <= 1


def test_why_arithmetic_is_not_counted_is_kept(tmp_path: Path, clips: list[Clip]) -> None:
    pytest.importorskip("torch", reason="pip install 'almbench[neural]'")

    class Short(Residual):
        def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
            if max(map(len, batch)) == rate:  # what is counted over
                raise CodecError("a second is\ntoo long for me")
            return super().encode(batch, rate)

    rows, runner = run(tmp_path / "run", [Short("three", 3)], clips[-3:-1])
    assert {row.status for row in rows.values()} == {"ok"}
    used = runner.usage["three"]
    assert (used.encode_macs, used.macs_reason) == (None, r"a second is\ntoo long for me")


def test_one_encoding_serves_all_depths(tmp_path: Path, clips: list[Clip]) -> None:
    deep, shallow, alone = Residual("three", 3), Residual("one", 1), Residual("own", 1, name=None)
    rows, runner = run(tmp_path / "run", [shallow, deep, alone], clips[-2:])
    assert shallow.calls == []
    assert deep.calls
    assert set(runner.usage) == {"three", "own"}
    for clip in clips[-2:]:
        one, own = rows["t", clip.id, "one"], rows["t", clip.id, "own"]
        assert (one.encoded_with, own.encoded_with) == ("three", "")
        assert one.audio_sha256 == own.audio_sha256
        assert one.bits == own.bits == 4 * RATE * read(clip.path).seconds
        codes = np.load(tmp_path / f"run/codes/t/one/{clip.id}.npz")["codes"]
        assert codes.shape == (1, RATE * read(clip.path).seconds)


def test_what_is_done_is_not_loaded_again(tmp_path: Path, clips: list[Clip]) -> None:
    run(tmp_path / "run", [Residual("three", 3)], clips[-2:])
    again = Residual("three", 3)
    run(tmp_path / "run", [again], clips[-2:])
    assert again.loads == 0


def test_a_codec_that_cannot_be_used_says_why_on_every_row(
    tmp_path: Path, clips: list[Clip]
) -> None:
    class Broken(Residual):
        def load(self, device: str) -> None:
            raise Unavailable("the weights do not fit")

    rows, _ = run(tmp_path / "a", [Residual("x", 1)], clips[-2:], missing="pip install it")
    assert {(r.status, r.reason) for r in rows.values()} == {("unavailable", "pip install it")}
    rows, _ = run(tmp_path / "b", [Broken("x", 1)], clips[-2:])
    assert {(r.status, r.reason) for r in rows.values()} == {
        ("unavailable", "the weights do not fit")
    }


def test_devices() -> None:
    import torch

    assert out_of_memory(torch.OutOfMemoryError())
    assert not out_of_memory(RuntimeError())
    assert choose("auto", used=False).kind == "cpu"
    if not torch.cuda.is_available():
        assert choose("auto", used=True).kind == "cpu"
        with pytest.raises(UserError, match="no CUDA device"):
            choose("cuda", used=True)
