"""PESQ, the perceptual evaluation of speech quality of ITU-T P.862, by the package `pesq`.

Values are MOS-LQO: wide band by P.862.2, narrow band by P.862.1. The package applies the wide-band
filters as they were before Corrigendum 2 (2018) of P.862.2, like nearly all published figures;
with the corrigendum wide-band values come out 0.8 to 1 higher.

The C code crashes the whole process on recordings of more than 50 utterances (about two minutes of
speech), so call it in a process that may die.
"""

from collections.abc import Collection
from typing import ClassVar

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_longer, refuse_silence
from almbench.packages import missing_packages, release

LONGEST_S = 120  # the C code ends its process at more than 50 utterances


class _Pesq(Family[Settings]):
    mode: ClassVar[str]
    imports = ("pesq",)

    def missing(self) -> str | None:
        return missing_packages(["pesq"], "pesq==0.0.4 (needs a C compiler)")

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute PESQ.

        Raises:
            MetricUndefined: A sound is silent, shorter than 250 ms, longer than two minutes, or
                holds no utterance.
        """
        del names
        refuse_silence(prepared, "reference")
        refuse_silence(reconstruction, "reconstruction")
        refuse_longer(prepared, rate, LONGEST_S, "PESQ")
        return {self.name: self._pesq(prepared, reconstruction, rate)}

    def _pesq(self, reference: Samples, reconstruction: Samples, rate: int) -> float:
        from pesq import BufferTooShortError, NoUtterancesError, pesq

        try:
            return float(pesq(rate, reference, reconstruction, self.mode))
        except BufferTooShortError as error:
            ms = len(reference) / rate * 1000
            raise MetricUndefined(f"{ms:.0f} ms is too short: PESQ needs 250 ms") from error
        except NoUtterancesError as error:
            raise MetricUndefined("PESQ finds no utterance in the sound") from error
        except ValueError as error:  # the C code answered NaN, as for a nearly silent sound
            raise MetricUndefined("PESQ is not defined for this pair: it answered NaN") from error


class PesqWideBand(_Pesq):
    """Wide-band PESQ (P.862.2 without Corrigendum 2) of speech at 16 kHz."""

    name = "pesq_wb"
    metrics = (
        Metric(
            name="pesq_wb",
            label="PESQ-WB",
            unit="MOS",
            higher_is_better=True,
            low=1.0,
            high=4.644,
            digits=2,
            rate=16_000,
            domains=("speech",),
            default=("speech",),
            headline=("speech",),
            note="Speech codecs at telephone to wide band; the figure that most papers give.",
            caveat=(
                "Made for telephone codecs: it marks down codecs that change the waveform but "
                "not the sound."
            ),
            footnote=(
                "PESQ-WB is without Corrigendum 2 of P.862.2, like nearly all published figures; "
                "with it, values are 0.8 to 1 higher."
            ),
        ),
    )
    mode = "wb"

    def version(self) -> str:
        """Name the package, the band and the corrigendum."""
        return f"{release('pesq')}, wide band, without P.862.2 Corrigendum 2"


class PesqNarrowBand(_Pesq):
    """Narrow-band PESQ (P.862 with the mapping of P.862.1) of speech at 16 kHz."""

    name = "pesq_nb"
    metrics = (
        Metric(
            name="pesq_nb",
            label="PESQ-NB",
            unit="MOS",
            higher_is_better=True,
            low=1.0,
            high=4.549,
            digits=2,
            rate=16_000,
            domains=("speech",),
            default=("speech",),
            note="Speech up to 3.4 kHz.",
            caveat=(
                "Deaf above the telephone band. Of sound at 16 kHz, which differs from values "
                "at 8 kHz."
            ),
        ),
    )
    mode = "nb"

    def version(self) -> str:
        """Name the package, the band and the rate."""
        return f"{release('pesq')}, narrow band, of sound at 16 kHz"
