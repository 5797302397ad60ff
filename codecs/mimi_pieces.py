"""Mimi on long clips: piece by piece, each beginning with what the model remembers of the last.

Memory is that of a piece. The results are those of the whole but for rounding: the model is causal,
its convolutions see little of the past, and its attention keeps 250 states by itself.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

FRAMES = 125  # of a piece: 10 s
SEEN = 8  # states at 25 Hz that the decoder's convolutions look back, by their kernels less than


def encode_pieces(model: Any, sounds: "Tensor", depth: int) -> "Tensor":
    """Encode whole frames `[B, 1, T]` to codes `[B, K, T']`, K >= `depth`."""
    import torch

    coded = []
    attention = convolutions = None
    for start in range(0, sounds.shape[-1], samples := FRAMES * model.config.frame_size):
        made = model.encode(
            sounds[..., start : start + samples],
            num_quantizers=depth,
            encoder_cache=attention,
            padding_cache=convolutions,
            use_streaming=True,
        )
        attention, convolutions = made.encoder_cache, made.padding_cache
        coded.append(made.audio_codes)
    return torch.cat(coded, dim=-1)


def decode_pieces(model: Any, codes: "Tensor") -> "Tensor":
    """Decode codes `[B, K, T']` to `[B, T]`; transformers itself has no state for this way."""
    import torch

    half, sounds = model.decoder, []
    latents = model.quantizer.decode(codes)
    stride = half.config.latent_stride
    attention = None
    states = latents[..., :0]
    for start in range(0, latents.shape[-1], FRAMES):
        before = min(start, 1)  # frames that the first states hang on as well
        risen = half.upsample(latents[..., start - before : start + FRAMES])
        risen = risen[..., before * stride :].transpose(1, 2)
        made = half.decoder_transformer(risen, cache=attention, use_cache=True)
        attention = made.cache
        seen = states[..., -SEEN:]
        states = torch.cat([seen, made.last_hidden_state.transpose(1, 2)], dim=-1)
        sound = half.decoder_seanet(states)[:, 0]
        sounds.append(sound[:, seen.shape[-1] * sound.shape[-1] // states.shape[-1] :])
    return torch.cat(sounds, dim=-1)
