"""Facts of a codec that almbench cannot know and that a suite states."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from almbench.codecs.base import Options


class StatedOptions(Options):
    """What a suite states of a codec.

    Attributes:
        bitrate: Nominal bit/s, as its makers state it.
        frame_rate: Frames per second in Hz.
        codebook_sizes: Entries of each codebook; with `frame_rate` they give the nominal bitrate,
            and take the place of `bitrate`.
        codebook_strides: Frames that a code of each codebook lasts, where not all are of one rate;
            the frames are those of the fastest.
        family: The kind of codec; the codec's id by default.
        license: Licence of its code.
    """

    bitrate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    frame_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    codebook_sizes: tuple[Annotated[int, Field(ge=2)], ...] = ()
    codebook_strides: tuple[Annotated[int, Field(ge=1)], ...] = ()
    family: str = ""
    license: str = ""

    @model_validator(mode="after")
    def _one_bitrate(self) -> Self:
        if self.codebook_sizes and self.bitrate is not None:
            raise ValueError("give either bitrate or codebook_sizes, not both")
        if self.codebook_sizes and self.frame_rate is None:
            raise ValueError("codebook_sizes need frame_rate beside them")
        if self.codebook_strides and len(self.codebook_strides) != len(self.codebook_sizes):
            raise ValueError("codebook_strides must be as many as codebook_sizes")
        return self
