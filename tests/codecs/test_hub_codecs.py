"""The adapter of transformers' codecs by Encodec, DAC and Mimi of random weights."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import Samples, Sound, resample
from almbench.codecs.base import Codec
from almbench.codecs.registry import create
from almbench.codecs.transformers_codec import TransformersCodec
from almbench.errors import Unavailable, UserError
from tests.codecs.random_checkpoints import build

RATE = 24_000
SECONDS = 0.8


@dataclass
class Case:
    """An adapter, a checkpoint of the published layout, and its model as the library loads it."""

    adapter: str
    folder: Path
    upstream: Any
    hop: int
    depth: int

    def make(self, depth: int | None = None, **options: Any) -> Codec[Any]:
        given = {"checkpoint": str(self.folder), "num_codebooks": depth or self.depth, **options}
        codec = create(self.adapter, self.adapter, self.adapter, given)
        assert isinstance(codec, Codec)
        return codec

    def loaded(self, depth: int | None = None, **options: Any) -> Codec[Any]:
        codec = self.make(depth, **options)
        codec.fetch(network=False)
        codec.load("cpu")
        return codec

    def direct(self, samples: Samples) -> tuple[Any, Any]:
        """Codes `[K, T]` and sound that the library makes of a clip.

        Encodec fills the last frame by itself; for the others it is padded with zeros.
        """
        import torch

        sound = torch.from_numpy(samples).float()[None, None]
        if self.adapter != "encodec":
            sound = torch.nn.functional.pad(sound, (0, -len(samples) % self.hop))
        model = self.upstream
        with torch.inference_mode():
            if self.adapter == "encodec":
                codes = model.encode(sound, bandwidth=0.75 * self.depth).audio_codes
                return codes[0, 0].numpy(), model.decode(codes, [None]).audio_values[
                    0, 0
                ].float().numpy()
            if self.adapter == "dac":
                codes = model.encode(sound, n_quantizers=self.depth).audio_codes
                decoded = model.decode(audio_codes=codes).audio_values[0].float().numpy()
                return codes[0].numpy(), decoded
            codes = model.encode(sound, num_quantizers=self.depth).audio_codes
            return codes[0].numpy(), model.decode(codes).audio_values[0, 0].float().numpy()


@pytest.fixture(scope="module")
def clip(speech: Sound) -> Samples:
    """Speech at 24 kHz, of a length that no hop divides."""
    return resample(speech.samples, speech.rate, RATE)[RATE : RATE + int(SECONDS * RATE) + 37]


CASES = {
    "encodec": ("facebook/encodec_24khz", 320, 2),
    "mimi": ("kyutai/mimi", 1920, 8),
    "dac": ("descript/dac_24khz", 320, 2),
}


@pytest.fixture(
    scope="module",
    params=[
        "encodec",
        pytest.param("mimi", marks=pytest.mark.slow),
        pytest.param("dac", marks=pytest.mark.slow),
    ],
)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clip: Samples
) -> Iterator[Case]:

    id_, hop, depth = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    upstream = type(build(id_, folder, clip)).from_pretrained(folder)
    yield Case(request.param, folder, upstream, hop, depth)
    shutil.rmtree(folder)  # up to 400 MB


@pytest.fixture(scope="module")
def codec(case: Case) -> Codec[Any]:
    return case.loaded()


def test_equals_the_library(case: Case, codec: Codec[Any], clip: Samples) -> None:
    codes, sound = case.direct(clip)
    [encoded] = codec.encode([clip], RATE)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, codes)
    assert len(np.unique(codes)) > 20
    [decoded] = codec.decode([encoded], RATE)
    assert len(decoded) == len(clip)
    assert np.abs(sound).max() > 1e-2
    # Sample by sample, so no shift crept in.
    kept = min(len(clip), len(sound))
    np.testing.assert_allclose(decoded[:kept], sound[:kept], atol=1e-4)


@pytest.mark.parametrize("length", [1, 2, 319, 320, 321, 2401, 2559])
def test_the_last_frame_equals_the_library(
    case: Case, codec: Codec[Any], clip: Samples, length: int
) -> None:
    codes, sound = case.direct(clip[:length])
    [encoded] = codec.encode([clip[:length]], RATE)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, codes)
    [decoded] = codec.decode([encoded], RATE)
    kept = min(length, len(sound))
    np.testing.assert_allclose(decoded[:kept], sound[:kept], atol=1e-4)


def test_whole_frames_that_come_back_short_end_in_zeros(
    case: Case, codec: Codec[Any], clip: Samples
) -> None:
    whole = clip[: 9 * case.hop]
    _, sound = case.direct(whole)
    [decoded] = codec.decode(codec.encode([whole], RATE), RATE)
    assert len(decoded) == len(whole)
    assert len(sound) - len(whole) == (-8 if case.adapter == "dac" else 0)
    np.testing.assert_allclose(decoded[: len(sound)], sound, atol=1e-4)
    assert not decoded[len(sound) :].any()


@pytest.mark.parametrize(
    "make",
    [
        lambda clip: clip[:1],
        lambda clip: clip[:160],
        lambda clip: clip[:321],
        lambda clip: 0 * clip[:3001],
        lambda clip: np.sign(clip[:3001]),
    ],
    ids=["one sample", "half a hop", "a hop and one", "silence", "full scale"],
)
def test_odd_inputs(
    case: Case, codec: Codec[Any], clip: Samples, make: Callable[[Samples], Samples]
) -> None:
    sound = make(clip)
    [encoded] = codec.encode([sound], RATE)
    assert encoded.codes is not None
    assert encoded.codes.shape == (case.depth, -(-len(sound) // case.hop))
    assert encoded.bits == encoded.codes.size * (11 if case.adapter == "mimi" else 10)
    [decoded] = codec.decode([encoded], RATE)
    assert len(decoded) == len(sound)
    assert np.isfinite(decoded).all()


def test_dequantised_vectors_are_of_each_frame_and_of_every_codebook(
    case: Case, codec: Codec[Any], clip: Samples
) -> None:
    codes = codec.encode([clip[:12_345]], RATE)[0].codes
    assert codes is not None
    vectors = codec.dequantize(codes)
    assert vectors is not None
    assert vectors.shape[1] == codes.shape[1]
    for k in range(len(codes)):
        other = codes.copy()
        other[k, 2] = (other[k, 2] + 1) % 1024
        changed = codec.dequantize(other)
        assert changed is not None
        moved = np.abs(changed - vectors).max(axis=0) > 1e-6
        assert np.flatnonzero(moved).tolist() == [2]


def test_a_batch_equals_single_clips(case: Case, codec: Codec[Any], clip: Samples) -> None:
    pair = [clip[:12_345], clip[-12_345:] * 0.5]
    together = codec.encode(pair, RATE)
    apart = [codec.encode([one], RATE)[0] for one in pair]
    a = np.stack([e.codes for e in together if e.codes is not None])
    b = np.stack([e.codes for e in apart if e.codes is not None])
    assert (a != a[::-1]).any()
    assert np.mean(a == b) >= 0.99
    at_once = np.stack(codec.decode(apart, RATE))
    one_by_one = np.stack([codec.decode([e], RATE)[0] for e in apart])
    np.testing.assert_allclose(at_once, one_by_one, atol=1e-3)


def test_a_batch_of_other_lengths_equals_single_clips(
    case: Case, codec: Codec[Any], clip: Samples
) -> None:
    whole = len(clip) // case.hop * case.hop
    batch = [clip[-n:] for n in (whole // 2, whole, whole - 1)]
    assert codec.supports_padding
    together = codec.encode(batch, RATE)
    for item, sound, one in zip(together, codec.decode(together, RATE), batch, strict=True):
        [alone] = codec.encode([one], RATE)
        assert item.codes is not None
        assert alone.codes is not None
        assert (item.length, item.bits) == (alone.length, alone.bits)
        # Rounding decides between entries that are as near, in one of a hundred codes or so.
        assert np.count_nonzero(item.codes != alone.codes) <= max(1, 0.01 * alone.codes.size)
        assert len(np.unique(alone.codes)) > 20
        np.testing.assert_allclose(sound, codec.decode([item], RATE)[0], atol=1e-4)


def test_bfloat16_is_another_codec(case: Case, codec: Codec[Any], clip: Samples) -> None:
    import torch

    other = case.loaded(dtype="bfloat16")
    assert other.encoding_key != codec.encoding_key
    assert other.spec.label == f"{codec.spec.label} (bfloat16)"
    assert (codec.spec.settings["dtype"], other.spec.settings["dtype"]) == ("float32", "bfloat16")
    [rounded], [whole] = other.encode([clip], RATE), codec.encode([clip], RATE)
    assert rounded.codes is not None
    assert whole.codes is not None
    with torch.autocast("cpu", torch.bfloat16):
        codes, _ = case.direct(clip)
    np.testing.assert_array_equal(rounded.codes, codes)
    assert 0.1 < np.mean(rounded.codes == whole.codes) < 1
    # Of the same codes it makes much the same sound.
    [sound], [same] = codec.decode([whole], RATE), other.decode([whole], RATE)
    assert 0 < np.abs(same - sound).max() < 0.1 * np.abs(sound).max()


def test_tf32_needs_a_gpu(case: Case) -> None:
    with pytest.raises(Unavailable, match="is for GPUs"):
        case.loaded(dtype="tf32")


def test_depths_nest(case: Case, clip: Samples) -> None:
    deep, shallow = (4, 2) if case.adapter == "encodec" else (8, 3)
    few, many = case.loaded(shallow), case.loaded(deep)
    assert few.encoding_key == many.encoding_key is not None
    short = clip[:6000]
    [a], [b] = few.encode([short], RATE), many.encode([short], RATE)
    assert a.codes is not None
    assert b.codes is not None
    np.testing.assert_array_equal(a.codes, b.codes[:shallow])
    # What the deeper codec makes of the first codebooks is what the shallower one makes.
    np.testing.assert_allclose(many.decode([a], RATE)[0], few.decode([a], RATE)[0], atol=1e-6)


def test_facts_of_a_local_checkpoint(case: Case) -> None:
    spec = case.make().spec
    published = TransformersCodec.published[CASES[case.adapter][0]]
    assert spec.sample_rate == RATE
    assert spec.frame_rate == RATE / case.hop
    assert spec.parameters == published.parameters
    assert spec.checkpoint is not None
    assert spec.checkpoint.source == str(case.folder)
    assert len(spec.checkpoint.sha256) == 64
    assert spec.settings["transformers"]
    codec = case.loaded()
    assert codec.spec == spec
    codec.unload()
    assert codec.spec == spec


def test_too_many_codebooks(case: Case) -> None:
    allowed = "2, 4, 8, 16, 32" if case.adapter == "encodec" else "1 to 32"
    with pytest.raises(UserError, match=rf"num_codebooks = 33, but .* Allowed: {allowed}\."):
        case.make(33).fetch(network=False)


def test_weights_that_do_not_fit(case: Case, tmp_path: Path) -> None:
    """A file that is no checkpoint, one without one of the tensors, and one of another layout."""
    from safetensors.torch import load_file, save_file

    for path in case.folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    weights = tmp_path / "model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if name.startswith("decoder") and tensors[name].ndim == 3)
    weights.unlink()

    def refused() -> str:
        with pytest.raises(Unavailable, match="does not hold the weights of the") as caught:
            case.make(checkpoint=str(tmp_path)).load("cpu")
        return str(caught.value)

    weights.write_bytes(b"an error page, perhaps")
    refused()
    save_file({k: v for k, v in tensors.items() if k != name}, weights)
    assert "1 tensors are missing" in refused()
    save_file({**tensors, name: tensors[name][:1].clone()}, weights)
    assert "1 tensors are of other shapes, as decoder" in refused()
    assert (
        "To fix: take config.json and model.safetensors from one checkpoint, such as" in refused()
    )


def test_old_names_of_weight_norm_load(case: Case, tmp_path: Path, clip: Samples) -> None:
    """The published Encodec was saved before PyTorch renamed the parts of weight norm."""
    if case.adapter != "encodec":
        pytest.skip("only Encodec is published with weight norm")
    from safetensors.torch import load_file, save_file

    (tmp_path / "config.json").symlink_to(case.folder / "config.json")
    tensors = load_file(case.folder / "model.safetensors")
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in tensors.items()
    }
    assert any(name.endswith("weight_g") for name in old)
    save_file(old, tmp_path / "model.safetensors")
    codec = case.make(checkpoint=str(tmp_path))
    codec.load("cpu")
    [encoded] = codec.encode([clip], RATE)
    np.testing.assert_array_equal(encoded.codes, case.direct(clip)[0])


def test_a_hop_that_was_published_wrong_once(tmp_path: Path) -> None:
    config = {"model_type": "dac", "sampling_rate": 24_000, "codebook_size": 1024}
    stale = {"hop_length": 512, "downsampling_ratios": [2, 4, 5, 8], "n_codebooks": 32}
    (tmp_path / "config.json").write_text(json.dumps(config | stale))
    (tmp_path / "model.safetensors").touch()
    codec = create("d", "D", "dac", {"checkpoint": str(tmp_path)})
    assert isinstance(codec, Codec)
    assert codec.spec.frame_rate == 75


def test_dac_44khz_has_a_fractional_frame_rate() -> None:
    codec = create("d", "D", "dac", {"checkpoint": "descript/dac_44khz"})
    assert isinstance(codec, Codec)
    assert codec.spec.frame_rate == 44_100 / 512
    assert codec.spec.nominal_kbps == pytest.approx(1.72265625)


@pytest.mark.parametrize("depth", [1, 3, 64])
def test_encodec_depths_are_those_it_was_trained_for(depth: int) -> None:
    codec = create("e", "E", "encodec", {"num_codebooks": depth})
    with pytest.raises(UserError, match=rf"num_codebooks = {depth}, .* Allowed: 2, 4, 8, 16, 32"):
        codec.fetch(network=False)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            '{"model_type": "vits"}',
            r"that of a model of type 'vits', which is no codec.*dac.*To fix",
        ),
        ("{}", r"that of no model that is named in it, which is no codec known.*To fix: take"),
        ('{"model_type": "dac"}', r"no configuration of DacModel: '\w+' is missing\. To fix: take"),
        (
            '{"model_type": "mimi", "upsampling_ratios": 3}',
            r"no configuration of MimiModel: .*To fix",
        ),
        ("[]", r"no configuration of a model\. To fix"),
        ("no JSON", r"cannot be read: .*\. To fix"),
    ],
)
def test_a_configuration_of_something_else(config: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(Unavailable, match=rf"config\.json (is )?{reason}"):
        create("x", "X", "transformers", {"checkpoint": str(tmp_path)}).fetch(network=False)
