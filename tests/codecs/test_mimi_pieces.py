"""Mimi in pieces against Mimi whole, as transformers codes it, with weights drawn at random."""

from pathlib import Path
from typing import Any

import pytest
import torch

from almbench.audio import Sound, resample
from almbench.checks.odd_sounds import check_long
from almbench.checks.subject import Subject
from almbench.codecs import mimi_pieces
from almbench.codecs.base import Codec
from almbench.codecs.registry import create
from almbench.codecs.transformers_codec import import_transformers
from tests.codecs.random_checkpoints import SPREAD

RATE, FRAME, DEPTH = 24_000, 1920, 8
WINDOW = 16  # states of 40 ms that attention sees; the published model has 250


@pytest.fixture(scope="module")
def heard(speech: Sound) -> torch.Tensor:
    samples = resample(speech.samples, speech.rate, RATE)[: 41 * FRAME]
    return torch.from_numpy(samples).float()[None, None]


@pytest.fixture(scope="module")
def model(heard: torch.Tensor) -> Any:
    transformers = import_transformers()
    torch.manual_seed(0)
    config = transformers.MimiConfig(frame_rate=12.5, sliding_window=WINDOW, num_hidden_layers=2)
    made = transformers.MimiModel(config).eval()
    with torch.inference_mode():
        SPREAD["mimi"](made, heard)
    return made


@pytest.mark.parametrize("frames", [8, 13])  # a last piece of one frame, and of two
def test_pieces_join_as_the_whole(
    model: Any, heard: torch.Tensor, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mimi_pieces, "FRAMES", frames)
    with torch.inference_mode():
        whole = model.encode(heard, num_quantizers=DEPTH).audio_codes
        sound = model.decode(whole).audio_values[:, 0]
        codes = mimi_pieces.encode_pieces(model, heard, DEPTH)
        joined = mimi_pieces.decode_pieces(model, whole)
    assert codes.shape == whole.shape == (1, DEPTH, 41)
    assert (codes == whole).float().mean() > 0.98  # ties fall the other way at times
    assert joined.shape == sound.shape
    assert (joined - sound).abs().max() < 1e-5 * sound.abs().max()


def test_one_state_less_would_not_do(
    model: Any, heard: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mimi_pieces, "FRAMES", 8)
    monkeypatch.setattr(mimi_pieces, "SEEN", mimi_pieces.SEEN - 1)
    with torch.inference_mode():
        codes = model.encode(heard, num_quantizers=DEPTH).audio_codes
        sound = model.decode(codes).audio_values[:, 0]
        joined = mimi_pieces.decode_pieces(model, codes)
    assert (joined - sound).abs().max() > 0.01 * sound.abs().max()


@pytest.mark.slow
def test_the_adapter_takes_a_minute_and_its_first_half_is_that_of_the_half(
    model: Any, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path)
    options = {"checkpoint": str(tmp_path), "num_codebooks": DEPTH}
    codec = create("mimi", "Mimi", "transformers", options)
    assert isinstance(codec, Codec)
    codec.load("cpu")
    assert (codec.whole_s, codec.max_duration_s) == (30.0, None)
    codec.check_duration(3600.0)
    measured, verdict = check_long(Subject(codec, "cpu"))
    assert "in pieces, its first 30 s against whole: " in measured
    assert verdict == "pass", measured
