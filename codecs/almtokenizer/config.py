"""The shape of the model: everything about it that can be chosen, and that inference must know."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST = 2**16  # of each size: far more than any model has, and few enough to be counted
MOST_LAYERS = 512
CONV_HOP = 320  # what the strides of the convolutions make


class StrictModel(BaseModel):
    """A record that knows no other keys and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelConfig(StrictModel):
    """Shape of the model.

    Attributes:
        patchify: `conv`: strided convolutions as in Encodec, to the waveform and back. `spectral`:
            magnitudes of a short-time Fourier transform; phases are not coded but found again.
        sample_rate: Rate of the sound in Hz.
        hop: Samples per frame.
        width: Width of frames and of the query encoder.
        decoder_width: Width of the query decoder.
        encoder_layers: Layers of the query encoder.
        decoder_layers: Layers of the query decoder.
        head_width: Width of an attention head.
        attention_window: Attention span: so many frames back each position sees.
        codebooks: Codebooks of the residual quantizer.
        codebook_size: Entries of each.
        code_width: Width of the learned codebooks.
        prior_width: Width of the first codebook, whose entries are the centres of the prior; 0 for
            no prior: it is learned like the others.
        compression: `query`: queries gather the frames. `drop`: every w-th frame is kept and the
            rest dropped, to measure what queries are worth.
        skip_connections: Whether a residual (skip) connection goes around each Transformer: the
            mean of a group is added to its query, the vector of a group to each of its frames, so
            that the Transformers learn only what is left. The published model has none.
        lookahead: How many groups ahead the query decoder sees: each adds a group to the latency of
            decoding. 0 is causal over groups, as published.
        contrast: Exponent of the magnitudes that come out, whose energy stays (spectral only).
            Above 1 it deepens what lies between harmonics and between words, which few bits blur.
            Training does not see it.
        match_level: Whether sound is encoded a second time, louder or softer by what the level of
            the decoded sound missed. Training does not see it.
        min_window: Fewest frames per query that the model is trained for.
        max_window: Most frames per query that the model is trained for.
    """

    patchify: Literal["conv", "spectral"] = "conv"
    sample_rate: int = Field(default=24_000, ge=1, le=1_000_000)
    hop: int = Field(default=CONV_HOP, ge=2, le=MOST)
    width: int = Field(default=256, ge=1, le=MOST)
    decoder_width: int = Field(default=512, ge=1, le=MOST)
    encoder_layers: int = Field(default=24, ge=1, le=MOST_LAYERS)
    decoder_layers: int = Field(default=24, ge=1, le=MOST_LAYERS)
    head_width: int = Field(default=64, ge=2, le=MOST)
    attention_window: int = Field(default=150, ge=1, le=MOST)
    codebooks: int = Field(default=3, ge=1, le=32)
    codebook_size: int = Field(default=2048, ge=2, le=2**24)
    code_width: int = Field(default=256, ge=1, le=MOST)
    prior_width: int = Field(default=768, ge=0, le=MOST)
    compression: Literal["query", "drop"] = "query"
    skip_connections: bool = False
    lookahead: int = Field(default=0, ge=0, le=MOST)
    contrast: float = Field(default=1.0, gt=0, le=4)
    match_level: bool = False
    min_window: int = Field(default=2, ge=1, le=MOST)
    max_window: int = Field(default=10, ge=1, le=MOST)

    @property
    def causal(self) -> bool:
        """Whether no group needs later sound: phases are found in the whole clip."""
        return self.patchify == "conv" and not self.lookahead

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("width", "decoder_width"):
            if getattr(self, name) % self.head_width:
                raise ValueError(f"{name} must be a multiple of head_width")
        if self.head_width % 2:
            raise ValueError("head_width must be even")
        if self.max_window < self.min_window:
            raise ValueError("max_window must not be below min_window")
        if self.patchify == "conv" and self.hop != CONV_HOP:
            raise ValueError(f"hop must be {CONV_HOP} where patchify is 'conv'")
        if self.code_width > self.width:
            raise ValueError("code_width must not be above width")
        return self
