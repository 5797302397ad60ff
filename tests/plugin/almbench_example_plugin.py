"""A codec and a metric for almbench: mu-law, one code per sample, and the signal-to-noise ratio."""

from collections.abc import Collection

import numpy as np
from pydantic import Field

from almbench.audio import Samples
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.errors import CodecError, NotApplicable
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_silence


class MuLawOptions(Options):
    """Options of mu-law.

    Attributes:
        bits: Bits per sample.
        sample_rate: Rate in Hz.
    """

    bits: int = Field(default=8, ge=2, le=16)
    sample_rate: int = Field(default=8000, gt=0)


class MuLaw(Codec[MuLawOptions]):
    """Mu-law companding with 2^bits even levels, mu being their number less one."""

    options_type = MuLawOptions

    @property
    def spec(self) -> CodecSpec:
        """Facts of mu-law: each sample is a frame with one code."""
        rate, bits = self.options.sample_rate, self.options.bits
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="mulaw",
            sample_rate=rate,
            frame_rate=rate,
            codebook_sizes=(2**bits,),
            causal=True,
            license="Apache-2.0",
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips, one after the other."""
        del rate
        return [self._encode(samples) for samples in batch]

    def _encode(self, samples: Samples) -> Encoded:
        if not np.isfinite(samples).all():
            raise CodecError("the clip holds NaN or infinite samples")
        mu = 2**self.options.bits - 1
        loud = np.sign(samples) * np.log1p(mu * np.abs(np.clip(samples, -1, 1))) / np.log1p(mu)
        codes = np.rint((loud + 1) / 2 * mu).astype(np.int64)[None]
        return from_codes(codes, self.spec.codebook_sizes, len(samples))

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips from their codes alone."""
        del rate
        mu = 2**self.options.bits - 1
        loud = [2 * item.codes[0] / mu - 1 for item in batch if item.codes is not None]
        return [np.sign(x) * np.expm1(np.abs(x) * np.log1p(mu)) / mu for x in loud]


class Snr(Family[Settings]):
    """Signal-to-noise ratio in dB: 10 log10(sum x^2 / sum (x - y)^2), at the scoring rate."""

    name = "snr"
    metrics = (
        Metric(
            name="snr",
            label="SNR",
            unit="dB",
            higher_is_better=True,
            digits=2,
            note="How much weaker than the sound the error is.",
            caveat="Ruined by a shift of one sample that nobody hears.",
        ),
    )

    def version(self) -> str:
        """Name the definition; a change of it makes almbench compute the values anew."""
        return "1"

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compare a reconstruction with its reference, both `[T]`.

        Raises:
            MetricUndefined: The reference is silent.
            NotApplicable: The reconstruction is an exact copy.
        """
        del rate, names
        refuse_silence(prepared, "reference")
        noise = float(np.sum((prepared - reconstruction) ** 2))
        if not noise:
            raise NotApplicable("SNR is infinite: the reconstruction is a copy of the reference")
        return {"snr": float(10 * np.log10(np.sum(prepared**2) / noise))}
