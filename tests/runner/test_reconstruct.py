"""The runner, on a small codec with residual codebooks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from almbench.audio import Samples, read
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.devices import Device, choose, out_of_memory
from almbench.errors import Unavailable, UserError
from almbench.results.manifest import CodecRecord
from almbench.results.records import ReconstructionRow, read_rows
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import PlannedCodec, PlannedTestSet
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
        assert len({len(samples) for samples in batch}) == 1
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


class Cuda(Device):
    """As large batches as on a GPU, on the CPU."""

    def __init__(self) -> None:
        super().__init__("cpu")
        self.batch = 8


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
    root: Path, codecs: list[Residual], clips: list[Clip], missing: str | None = None
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
    runner = reconstruct(folder, testset, Cuda(), lambda row, _: seen.append(row))
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
    rows, _ = run(tmp_path / "run", [codec], [c for c in clips if c.id.startswith("same")])
    assert {row.status for row in rows.values()} == {"ok"}
    assert codec.calls[:6] == [1, 5, 2, 3, 1, 2]  # and one to count its arithmetic
    assert max(row.batch for row in rows.values()) == 2


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
