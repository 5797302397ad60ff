"""SNAC against its own package, with random weights in the layout of the published files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from almbench.audio import Sound, resample
from almbench.codecs.base import Codec
from almbench.codecs.registry import create, make_codec
from almbench.codecs.snac import SEED
from almbench.errors import Unavailable
from almbench.statistics.tokens import token_statistics
from tests.codecs.random_checkpoints import near

# Of hubertsiuzdak/snac_24khz, and of snac_32khz and snac_44khz. The numbers of weights that they
# make (19.8 and 54.5 million) are those of the package's description.
SMALL = {
    "encoder_dim": 48,
    "encoder_rates": [2, 4, 8, 8],
    "decoder_dim": 1024,
    "decoder_rates": [8, 8, 4, 2],
    "attn_window_size": None,
    "codebook_size": 4096,
    "codebook_dim": 8,
    "vq_strides": [4, 2, 1],
    "noise": True,
    "depthwise": True,
}
LARGE = SMALL | {
    "encoder_dim": 64,
    "encoder_rates": [2, 3, 8, 8],
    "decoder_dim": 1536,
    "decoder_rates": [8, 8, 3, 2],
    "attn_window_size": 32,
    "vq_strides": [8, 4, 2, 1],
}
CONFIGS: dict[str, dict[str, Any]] = {
    "24": SMALL | {"sampling_rate": 24_000},
    "32": LARGE | {"sampling_rate": 32_000},
    "44": LARGE | {"sampling_rate": 44_100},
}
PRESETS = {"24": "snac-0.98", "32": "snac-32khz-1.9", "44": "snac-44khz-2.6"}


def save(folder: Path, config: dict[str, Any], clip: Any) -> Any:
    """Write a checkpoint whose codebooks suit the clip; the package's own model of it."""
    from snac import SNAC

    torch.manual_seed(3)
    model = SNAC(**config).eval()
    with torch.inference_mode():
        residual = model.encoder(model.preprocess(torch.from_numpy(clip).float()[None, None]))
        for i, book in enumerate(model.quantizer.quantizers):
            slow = torch.nn.functional.avg_pool1d(residual, book.stride, book.stride)
            book.codebook.weight.data = near(book.in_proj(slow)[0].T, book.codebook.weight, i)
            residual = residual - book(residual)[0]
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return SNAC.from_pretrained(str(folder))


@pytest.mark.parametrize(
    "name",
    ["24", pytest.param("32", marks=pytest.mark.slow), pytest.param("44", marks=pytest.mark.slow)],
)
def test_equals_the_package(name: str, tmp_path: Path, speech: Sound) -> None:
    config = CONFIGS[name]
    rate, strides = config["sampling_rate"], config["vq_strides"]
    clip = resample(speech.samples, speech.rate, rate)[rate : 2 * rate + 37]
    upstream = save(tmp_path, config, clip)
    with torch.inference_mode():
        torch.manual_seed(SEED)
        codes = upstream.encode(torch.from_numpy(clip).float()[None, None])
        torch.manual_seed(SEED)
        sound = upstream.decode(codes)[0, 0].numpy()

    codec = create("s", "S", "snac", {"checkpoint": str(tmp_path)})
    assert isinstance(codec, Codec)
    codec.fetch(network=False)
    codec.load("cpu")
    state = torch.get_rng_state()
    [encoded] = codec.encode([clip], rate)
    [decoded] = codec.decode([encoded], rate)
    assert torch.equal(torch.get_rng_state(), state)  # the seed is nobody else's
    np.testing.assert_allclose(decoded, sound[: len(clip)], atol=1e-5)
    assert np.abs(decoded).max() > 1e-3
    assert encoded.codes is not None
    for k, stride in enumerate(strides):
        assert encoded.codes.shape[1] == stride * codes[k].shape[1]
        np.testing.assert_array_equal(encoded.codes[k], np.repeat(codes[k][0], stride))
        assert len(np.unique(codes[k])) > codes[k].shape[1] / 2
    assert encoded.bits == 12 * sum(c.shape[1] for c in codes)
    hop = int(np.prod(config["encoder_rates"]))
    assert codec.spec.nominal_kbps == pytest.approx(
        12e-3 * rate / hop * sum(1 / s for s in strides)
    )
    published = make_codec(PRESETS[name]).spec
    assert published.parameters == sum(p.numel() for p in upstream.parameters())
    other = {"id", "label", "checkpoint", "weights_license"}
    assert codec.spec.model_dump(exclude=other) == published.model_dump(exclude=other)


def test_the_nominal_bitrates_are_those_of_the_papers_table() -> None:
    kbps = [make_codec(id_).spec.nominal_kbps for id_ in PRESETS.values()]
    assert kbps == pytest.approx([0.984375, 1.875, 2.583984375])
    tokens = make_codec("snac-0.98").spec.tokens_per_second
    assert tokens == pytest.approx(46.875 * (1 / 4 + 1 / 2 + 1))


def test_statistics_count_a_held_code_once() -> None:
    """Two codebooks, the first of half the rate: as if each were given alone."""
    drawn = np.random.default_rng(0)
    slow, fast = drawn.integers(0, 8, (2, 40)), drawn.integers(0, 8, (2, 80))
    clips = [np.stack([np.repeat(s, 2), f]) for s, f in zip(slow, fast, strict=True)]
    together = token_statistics(clips, [8, 8], strides=[2, 1])
    alone = token_statistics([s[None] for s in slow], [8]).codebooks[0]
    assert together.codebooks[0] == alone
    assert [book.tokens for book in together.codebooks] == [80, 160]
    bits = together.clips[0].entropy_bits
    assert bits == pytest.approx(40 * 3 + 80 * 3, rel=0.05)


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"nothing")
    codec = make_codec("snac", {"checkpoint": str(tmp_path)})
    for config, reason in (({}, "'vq_strides'"), ({"vq_strides": 3}, "not iterable")):
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(Unavailable, match=rf"no configuration of SNAC: .*{reason}.*To fix"):
            codec.fetch(network=False)
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS["24"] | {"new": 1}))
    with pytest.raises(Unavailable, match=r"no configuration of SNAC: .*new.*To fix"):
        codec.load("cpu")
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS["24"]))
    with pytest.raises(Unavailable, match="does not hold the weights"):
        codec.load("cpu")
