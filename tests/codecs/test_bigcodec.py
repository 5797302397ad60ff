"""BigCodec against its package, with random weights at the published configuration."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from almbench.audio import Samples, Sound, resample
from almbench.codecs.base import Codec
from almbench.codecs.registry import create, make_codec
from almbench.errors import Unavailable
from almbench.packages import missing_packages
from almbench.torchaudio_import import import_torchaudio
from tests.codecs.random_checkpoints import near

MISSING = missing_packages(["bigcodec"], "'almbench[bigcodec]'")
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
RATE = 16_000
CONFIG: dict[str, Any] = {
    "ngf": 48,
    "use_rnn": True,
    "rnn_bidirectional": False,
    "rnn_num_layers": 2,
    "up_ratios": [2, 2, 2, 5, 5],
    "dilations": [1, 3, 9],
    "out_channels": 1024,
    "codebook_size": 8192,
    "vq_num_quantizers": 1,
    "codebook_dim": 8,
}
SMALL = CONFIG | {"ngf": 4}


def save(folder: Path, clip: Samples, config: dict[str, Any] = CONFIG) -> Any:
    """Write a checkpoint whose codebook suits the clip; the package's own model of it."""
    from safetensors.torch import save_file

    import_torchaudio()
    from bigcodec import BigCodec

    torch.manual_seed(3)
    model = BigCodec(**config).eval()
    with torch.inference_mode():
        for part, weights in model.named_parameters():
            if part.endswith("original0"):
                weights.mul_(3)  # or the codes would hang on rounding: it answers too weakly
        book = model.decoder.quantizer.layers[0]
        latents = model.encoder(torch.from_numpy(clip).float()[None, None])
        states = book.in_proj(latents[0].T)
        book._codebook.weight.data = near(states, book._codebook.weight, 0)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(model.state_dict(), folder / "model.safetensors")
    return model


def loaded(folder: Path) -> Codec[Any]:
    codec = create("b", "B", "bigcodec", {"checkpoint": str(folder)})
    assert isinstance(codec, Codec)
    codec.fetch(network=False)
    codec.load("cpu")
    return codec


@pytest.fixture(scope="module")
def clip(speech: Sound) -> Samples:
    return resample(speech.samples, speech.rate, RATE)[RATE : 2 * RATE + 37]


@pytest.mark.slow
def test_equals_the_package(tmp_path: Path, clip: Samples) -> None:
    torch.set_num_threads(1)
    upstream = save(tmp_path, clip)
    padded = torch.nn.functional.pad(torch.from_numpy(clip).float(), (0, -len(clip) % 200))
    with torch.inference_mode():
        codes = upstream.encode(padded[None, None])
        sound = upstream.decode(codes)[0, 0].numpy()
    codec = loaded(tmp_path)
    [encoded] = codec.encode([clip], RATE)
    [decoded] = codec.decode([encoded], RATE)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, codes[:, 0])
    assert encoded.bits == 13 * 81  # frames of 200 samples
    assert len(np.unique(encoded.codes)) > 40
    np.testing.assert_allclose(decoded, sound[: len(clip)], atol=1e-5)
    assert np.abs(decoded).max() > 1e-3
    other = {"id", "label", "checkpoint", "weights_license"}
    published = make_codec("bigcodec-1.04").spec
    assert published.parameters == sum(p.numel() for p in upstream.parameters())
    assert codec.spec.model_dump(exclude=other) == published.model_dump(exclude=other)


def test_odd_lengths_and_sounds(tmp_path: Path, clip: Samples) -> None:
    save(tmp_path, clip, SMALL)
    codec = loaded(tmp_path)
    for sound in (clip[:1], clip[:200], clip[:201], np.zeros(999), np.sign(clip[:999])):
        [encoded] = codec.encode([sound], RATE)
        assert encoded.codes is not None
        assert encoded.codes.shape == (1, -(-len(sound) // 200))
        [decoded] = codec.decode([encoded], RATE)
        assert len(decoded) == len(sound)
        assert np.isfinite(decoded).all()


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    codec = make_codec("bigcodec", {"checkpoint": str(tmp_path)})
    assert isinstance(codec, Codec)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(Unavailable, match=r"no configuration of BigCodec: 'up_ratios'.*To fix"):
        codec.fetch(network=False)
    (tmp_path / "config.json").write_text(json.dumps(SMALL | {"new": 1}))
    with pytest.raises(Unavailable, match=r"no configuration of BigCodec: .*new.*To fix"):
        codec.load("cpu")
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    with pytest.raises(Unavailable, match="cannot be read"):
        codec.load("cpu")
