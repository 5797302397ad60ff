"""Encodec of 48 kHz by a model of random weights at the published configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from almbench.audio import Samples, Sound, resample
from almbench.codecs.base import Codec, from_codes
from almbench.codecs.registry import create, make_codec
from almbench.errors import CodecError, Unavailable
from tests.codecs.random_checkpoints import CHECKPOINTS, build

RATE, CHUNK, STRIDE, DEPTH = 48_000, 48_000, 47_520, 4


@pytest.fixture(scope="module")
def clip(speech: Sound) -> Samples:
    return resample(speech.samples, speech.rate, RATE)[RATE : 2 * RATE + 14_437]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clip: Samples) -> Path:
    made = tmp_path_factory.mktemp("encodec-48khz")
    build("facebook/encodec_48khz", made, clip)
    return made


@pytest.fixture(scope="module")
def upstream(folder: Path) -> Any:
    from transformers import EncodecModel

    return EncodecModel.from_pretrained(folder)


@pytest.fixture(scope="module")
def codec(folder: Path) -> Iterator[Codec[Any]]:
    torch.set_num_threads(1)
    options = {"checkpoint": str(folder), "num_codebooks": DEPTH}
    made = create("e", "E", "transformers", options)
    assert isinstance(made, Codec)
    made.fetch(network=False)
    made.load("cpu")
    yield made
    made.unload()


def test_equals_the_library(codec: Codec[Any], upstream: Any, clip: Samples) -> None:
    """Codes and sound of two chunks, the last one short; the library is given no mask."""
    stereo = torch.from_numpy(clip).float().expand(1, 2, -1)
    with torch.inference_mode():
        made = upstream.encode(stereo, bandwidth=1.5 * DEPTH)
        sound = upstream.decode(
            made.audio_codes, made.audio_scales, last_frame_pad_length=made.last_frame_pad_length
        ).audio_values[0]
    short = made.last_frame_pad_length
    codes = np.concatenate(list(made.audio_codes[:, 0].numpy()), axis=1)[:, :-short]
    [encoded] = codec.encode([clip], RATE)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, codes)
    assert min(len(np.unique(book)) for book in codes) > 100
    # Ten bits a code, and for each chunk the 32 bits of its scale.
    assert encoded.bits == 10 * codes.size + 32 * 2
    scales = [float(scale) for scale in made.audio_scales]
    assert encoded.payload.scales == pytest.approx(scales, rel=1e-6)
    [decoded] = codec.decode([encoded], RATE)
    assert len(decoded) == len(clip)
    expected = sound.mean(0).numpy()[: len(clip)]
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(decoded, expected, atol=1e-5)


def test_the_bitrate_counts_the_overlap_and_the_scales(codec: Codec[Any]) -> None:
    """The authors' 3 kbps are 20 bits in 1/150 s; a hundredth of the frames comes twice."""
    made = make_codec("encodec-48khz-3").spec
    assert made.nominal_kbps == pytest.approx(3 / 0.99)
    assert (made.causal, made.sample_rate) == (False, RATE)
    assert made.frame_rate == pytest.approx(150 / 0.99)
    for depth, label in ((2, 3), (4, 6), (8, 12), (16, 24)):
        assert make_codec(f"encodec-48khz-{label}").spec.codebook_sizes == (1024,) * depth
    [encoded] = codec.encode([np.zeros(STRIDE + CHUNK)], RATE)
    assert encoded.bits == 2 * (150 * 10 * DEPTH + 32) + 2 * 10 * DEPTH + 32  # and two frames more


@pytest.mark.parametrize("length", [1, 320, STRIDE + 1, CHUNK])
def test_odd_lengths(codec: Codec[Any], clip: Samples, length: int) -> None:
    """Ends within an overlap, where the library's own loop makes chunks that do not stack."""
    [encoded] = codec.encode([clip[:length]], RATE)
    chunks = -(-length // STRIDE)
    parts = [min(CHUNK, length - i * STRIDE) for i in range(chunks)]
    assert encoded.codes is not None
    assert encoded.codes.shape == (DEPTH, sum(-(-n // 320) for n in parts))
    [decoded] = codec.decode([encoded], RATE)
    assert len(decoded) == length
    assert np.isfinite(decoded).all()


def test_silence_and_full_scale(codec: Codec[Any], clip: Samples) -> None:
    for sound in (np.zeros(5000), np.sign(clip[:5000])):
        [decoded] = codec.decode(codec.encode([sound], RATE), RATE)
        assert np.isfinite(decoded).all()
        assert np.abs(decoded).max() < 1e-6 if not sound.any() else decoded.any()


def test_codes_alone_make_no_sound_and_share_no_encoding(codec: Codec[Any], clip: Samples) -> None:
    assert codec.encoding_key is None
    assert make_codec("encodec-48khz-3").encoding_key is None
    assert make_codec("encodec-3").encoding_key is not None
    [encoded] = codec.encode([clip[:5000]], RATE)
    assert encoded.codes is not None
    alone = from_codes(encoded.codes, codec.spec.codebook_sizes, 5000)
    with pytest.raises(CodecError, match="each chunk's scale is missing"):
        codec.decode([alone], RATE)


def test_another_form_of_encodec_is_refused(tmp_path: Path) -> None:
    config = CHECKPOINTS["facebook/encodec_48khz"].make(whole=True)
    config.chunk_length_s = None
    config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").touch()
    codec = create("e", "E", "transformers", {"checkpoint": str(tmp_path)})
    assert isinstance(codec, Codec)
    with pytest.raises(Unavailable, match=r"neither mono and whole, .* nor stereo"):
        codec.fetch(network=False)
