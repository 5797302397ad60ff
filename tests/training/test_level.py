"""The level is put right in the last layer, and nothing else changes."""

import pytest
import torch

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.training.level import correct_level

SHAPE = {
    "width": 16, "decoder_width": 16, "head_width": 8, "encoder_layers": 1, "decoder_layers": 1,
    "code_width": 8, "codebook_size": 16, "prior_width": 0,
}  # fmt: skip


def model(patchify: str, **more: object) -> ALMTokenizer:
    torch.manual_seed(0)
    config = ModelConfig.model_validate({"patchify": patchify, **SHAPE, **more})
    return ALMTokenizer(config).eval()


def codes_of(made: ALMTokenizer, sound: torch.Tensor) -> torch.Tensor:
    """The codes of sound as loud as it is."""
    return made.encode(sound, 6, match_level=False)


def gap_db(made: ALMTokenizer, sound: torch.Tensor) -> float:
    """Mean of the levels' differences, by hand."""
    with torch.no_grad():
        decoded = made.decode(codes_of(made, sound), 6)
    levels = [10 * torch.log10(s.square().mean(1)) for s in (decoded, sound)]
    return float((levels[0] - levels[1]).mean())


@pytest.mark.parametrize("matched", [False, True])
def test_the_model_is_then_as_loud_as_what_it_codes(matched: bool) -> None:
    made = model("spectral", match_level=matched)
    sound = 0.1 * torch.randn(3, 6 * 320 * 5)
    codes = codes_of(made, sound)
    before = gap_db(made, sound)
    assert abs(before) > 1  # random weights are not right by chance
    found = correct_level(made, [sound[:2], sound[2:]], 6)
    assert found == pytest.approx(before, abs=1e-3)
    assert gap_db(made, sound) == pytest.approx(0, abs=0.01)
    assert torch.equal(codes_of(made, sound), codes)


def test_silence_does_not_count() -> None:
    made, sound = model("spectral"), 0.1 * torch.randn(1, 6 * 320 * 5)
    silent = torch.cat((sound, torch.zeros_like(sound)))
    found = correct_level(made, [silent], 6)
    assert found == pytest.approx(correct_level(model("spectral"), [sound], 6), abs=1e-4)
    weights = {name: weight.clone() for name, weight in made.state_dict().items()}
    assert correct_level(made, [torch.zeros_like(sound)], 6) == 0
    assert all(torch.equal(w, weights[name]) for name, w in made.state_dict().items())


def test_a_model_of_waveforms_is_left_alone() -> None:
    pytest.importorskip("transformers", reason="the convolutions need the extra 'neural'")
    made = model("conv")
    before = {name: weight.clone() for name, weight in made.state_dict().items()}
    assert correct_level(made, [0.1 * torch.randn(1, 1920)], 6) == 0
    assert all(torch.equal(w, before[name]) for name, w in made.state_dict().items())
