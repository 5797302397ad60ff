"""What a configuration says of its model is what the model does."""

import pytest
import torch

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.model import ALMTokenizer

W, HOP, GROUPS, EARLY = 2, 320, 12, 6


@pytest.mark.parametrize(
    ("patchify", "lookahead", "causal"),
    [("conv", 0, True), ("conv", 1, False), ("spectral", 0, False), ("spectral", 2, False)],
)
def test_causal_is_what_does_not_change_with_later_sound(
    patchify: str, lookahead: int, causal: bool
) -> None:
    shape = {"width": 32, "decoder_width": 32, "head_width": 16, "code_width": 8, "prior_width": 0}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "codebook_size": 16}
    config = ModelConfig.model_validate(
        {**shape, **layers, "patchify": patchify, "lookahead": lookahead}
    )
    torch.manual_seed(0)
    model = ALMTokenizer(config).eval()
    for book in model.quantizer.codebooks:
        torch.nn.init.normal_(book.entries)
    sound = 0.1 * torch.randn(1, GROUPS * W * HOP)
    codes = torch.randint(16, (1, config.codebooks, GROUPS))
    alike = []
    with torch.inference_mode():
        for given, kept, run in (
            (sound, EARLY * W * HOP, lambda s: model.query_encoder(model.patchify(s), W)),
            (codes, EARLY, lambda c: model.decode(c, W).view(1, GROUPS, -1)),
        ):
            other = torch.cat((given[..., :kept], given[..., kept:].flip(-1)), dim=-1)
            one, two = run(given)[:, :EARLY], run(other)[:, :EARLY]
            alike.append(torch.allclose(one, two, atol=1e-5 * float(one.abs().max())))
    assert config.causal == causal == all(alike)
