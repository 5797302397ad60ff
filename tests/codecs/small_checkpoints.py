"""Checkpoints of transformers' codecs that are small, so that double precision costs little."""

from pathlib import Path
from typing import Any

from almbench.codecs.neural import NeuralCodec
from almbench.codecs.registry import create
from almbench.codecs.transformers_codec import import_transformers

RATE, HOP = 24_000, 320
SEANET = {"upsampling_ratios": [8, 5, 4, 2], "num_filters": 4, "codebook_size": 64}
ENCODEC = SEANET | {"target_bandwidths": [0.9]}  # in kbps: two codebooks
SMALL = {
    "encodec": ("Encodec", ENCODEC | {"hidden_size": 16, "codebook_dim": 16}),
    "encodec filled up with zeros": ("Encodec", ENCODEC | {"pad_mode": "constant"}),
    "encodec of norms": ("Encodec", ENCODEC | {"norm_type": "time_group_norm"}),
    "encodec that trims both ends": ("Encodec", ENCODEC | {"trim_right_ratio": 0.5}),
    "encodec, not causal": ("Encodec", ENCODEC | {"use_causal_conv": False}),
    "dac": (
        "Dac",
        {
            "sampling_rate": RATE,
            "downsampling_ratios": [2, 4, 5, 8],
            "encoder_hidden_size": 8,
            "decoder_hidden_size": 64,
            "n_codebooks": 3,
        },
    ),
    "dac of 44.1 kHz": (
        "Dac",
        {
            "sampling_rate": 44_100,
            "downsampling_ratios": [2, 4, 8, 8],
            "encoder_hidden_size": 8,
            "decoder_hidden_size": 64,
            "n_codebooks": 3,
        },
    ),
    "wavtokenizer": (
        "WavTokenizer",
        SEANET
        | {
            "hidden_size": 32,
            "codebook_dim": 32,
            "decoder_hidden_size": 64,
            "decoder_intermediate_size": 96,
            "decoder_num_layers": 2,
        },
    ),
}


def load(name: str, folder: Path) -> NeuralCodec[Any]:
    """A codec of the name in `SMALL`, whose checkpoint is saved in the folder."""
    import torch

    library, (kind, sizes) = import_transformers(), SMALL[name]
    torch.manual_seed(3)
    model = getattr(library, f"{kind}Model")(getattr(library, f"{kind}Config")(**sizes))
    with torch.no_grad():
        for part, values in model.named_parameters():
            if "norm" in part or part.endswith("bias"):
                values.add_(0.3 * torch.randn(values.shape))
        embeds = (values for part, values in model.named_buffers() if part.endswith("embed"))
        for values in embeds:
            values.copy_(torch.randn(values.shape))
    model.save_pretrained(folder)
    codec = create("c", "C", "transformers", {"checkpoint": str(folder)})
    assert isinstance(codec, NeuralCodec)
    codec.fetch(network=False)
    codec.load("cpu")
    return codec
