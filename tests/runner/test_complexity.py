"""Multiply-accumulates against counts by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import Samples
from almbench.codecs.base import Codec, CodecSpec, Encoded
from almbench.codecs.lowpass import Lowpass, LowpassOptions
from almbench.codecs.registry import make_codec
from almbench.errors import CodecError
from almbench.runner.complexity import count_macs

torch: Any = pytest.importorskip("torch", reason="pip install 'almbench[neural]'")

RATE, HOP, WIDTH, HEADS = 8_000, 80, 16, 2


class Layers(Codec[Any]):
    """Encodes by a convolution, an LSTM and attention; decodes by a transposed convolution."""

    uses_device = True

    @property
    def spec(self) -> CodecSpec:
        return CodecSpec(id="x", label="X", family="x", sample_rate=RATE)

    def load(self, device: str) -> None:
        torch.manual_seed(0)
        self.into = torch.nn.Conv1d(1, WIDTH, HOP, HOP)
        self.lstm = torch.nn.LSTM(WIDTH, WIDTH)
        self.out = torch.nn.ConvTranspose1d(WIDTH, 1, HOP, HOP)

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        (sound,) = batch
        with torch.inference_mode():
            frames = self.into(torch.tensor(sound).float()[None, None])
            states, _ = self.lstm(frames.permute(2, 0, 1))
            heads = states.permute(1, 0, 2).unflatten(2, (HEADS, -1)).transpose(1, 2)
            mixed = torch.nn.functional.scaled_dot_product_attention(heads, heads, heads)
        return [Encoded(None, len(sound), payload=mixed.transpose(1, 2).flatten(2))]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        with torch.inference_mode():
            sound = self.out(batch[0].payload.transpose(1, 2))[0, 0]
        return [np.asarray(sound, np.float64)]


def test_layers_are_counted_as_by_hand() -> None:
    codec = Layers("x", "X", LowpassOptions(cutoff=1000))
    codec.load("cpu")
    before = torch.backends.cudnn.enabled
    counted = count_macs(codec, RATE)
    assert torch.backends.cudnn.enabled == before
    assert counted is not None
    frames = RATE // HOP
    convolution = frames * HOP * WIDTH
    recurrence = frames * 4 * WIDTH * (WIDTH + WIDTH)
    attention = 2 * frames * frames * WIDTH
    assert counted.encode == convolution + recurrence + attention
    assert counted.decode == convolution


def test_what_does_not_run_in_pytorch_has_no_count() -> None:
    assert count_macs(Lowpass("x", "X", LowpassOptions(cutoff=1000)), RATE) is None
    worker = {"command": ["x"], "sample_rate": RATE}
    assert count_macs(make_codec("external", worker), RATE) is None


def test_normed_weights_that_learn_are_counted_and_go_on_learning() -> None:
    class Normed(Layers):
        def load(self, device: str) -> None:
            super().load(device)
            self.into = torch.nn.utils.parametrizations.weight_norm(self.into)

    plain, normed = (kind("x", "X", LowpassOptions(cutoff=1000)) for kind in (Layers, Normed))
    for codec in (plain, normed):
        codec.load("cpu")
    assert count_macs(normed, RATE) == count_macs(plain, RATE)
    assert all(weight.requires_grad for weight in normed.into.parameters())


def test_a_codec_that_fails_leaves_pytorch_as_it_was() -> None:
    class Broken(Layers):
        def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
            raise CodecError("no")

    with pytest.raises(CodecError):
        count_macs(Broken("x", "X", LowpassOptions(cutoff=1000)), RATE)
    assert torch.backends.cudnn.enabled


def test_the_almtokenizer_that_comes_along() -> None:
    codec = make_codec("almtokenizer")
    codec.fetch(network=False)
    codec.load("cpu")
    counted = count_macs(codec, 24_000)
    assert counted is not None
    # Each of its 5.9 million parameters is used 12.5 to 75 times a second, those of convolutions
    # more often.
    assert 12.5 * 5.9e6 < counted.encode + counted.decode < 200 * 5.9e6


def test_every_layer_of_encodec_counts(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install 'almbench[neural]'")
    from tests.codecs.random_checkpoints import build

    model = build("facebook/encodec_24khz", tmp_path, np.zeros(24_000))
    done: list[int] = []

    def count(conv: Any, given: Any, made: Any) -> None:
        columns = given[0] if conv.transposed else made
        done.append(columns.shape[-1] * conv.weight.numel())

    for part in model.modules():
        if isinstance(part, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
            part.register_forward_hook(count)
    with torch.inference_mode():
        codes = model.encode(torch.zeros(1, 1, 24_000), bandwidth=1.5).audio_codes
        convolutions, done[:] = sum(done), []
        model.decode(codes, [None])
    recurrence = 75 * 2 * 4 * 512 * (512 + 512)  # frames, layers, gates, sizes
    search = 75 * 2 * 1024 * 128  # frames, codebooks, entries
    codec = make_codec("transformers", {"checkpoint": str(tmp_path), "num_codebooks": 2})
    codec.fetch(network=False)
    codec.load("cpu")
    counted = count_macs(codec, 24_000)
    assert counted is not None
    assert counted.encode == convolutions + recurrence + search
    assert counted.decode == sum(done) + recurrence
