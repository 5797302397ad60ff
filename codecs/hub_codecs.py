"""Encodec, DAC and Mimi, of the library transformers, as adapters by their own names."""

from pydantic import Field

from almbench.codecs.transformers_codec import TransformersCodec, TransformersOptions


class EncodecOptions(TransformersOptions):
    """Options of Encodec (Défossez et al., "High Fidelity Neural Audio Compression", 2022).

    Attributes:
        num_codebooks: Codebooks used, at 750 bit/s each: 2, 4, 8, 16 or 32.
    """

    checkpoint: str = "facebook/encodec_24khz"
    num_codebooks: int = Field(default=2, ge=0)


class DacOptions(TransformersOptions):
    """Options of DAC (Kumar et al., "High-Fidelity Audio Compression with Improved RVQGAN", 2023).

    Attributes:
        checkpoint: Hub id (descript/dac_16khz, descript/dac_24khz, descript/dac_44khz), or a local
            folder or weights file.
        num_codebooks: Codebooks used: up to 12 at 16 kHz (500 bit/s each), 32 at 24 kHz (750 bit/s)
            and 9 at 44.1 kHz (861 bit/s).
    """

    checkpoint: str = "descript/dac_24khz"
    num_codebooks: int = Field(default=2, ge=0)


class MimiOptions(TransformersOptions):
    """Options of Mimi (Défossez et al., "Moshi: a speech-text foundation model", 2024).

    Attributes:
        num_codebooks: Codebooks used, up to 32 at 137.5 bit/s each.
    """

    checkpoint: str = "kyutai/mimi"
    num_codebooks: int = Field(default=8, ge=0)


class Encodec(TransformersCodec[EncodecOptions]):
    """The adapter `transformers` with Encodec's checkpoint."""

    options_type = EncodecOptions


class Dac(TransformersCodec[DacOptions]):
    """The adapter `transformers` with DAC's checkpoint."""

    options_type = DacOptions


class Mimi(TransformersCodec[MimiOptions]):
    """The adapter `transformers` with Mimi's checkpoint."""

    options_type = MimiOptions
