"""SI-SDR, the scale-invariant signal-to-distortion ratio in dB.

Le Roux, Wisdom, Erdogan and Hershey, "SDR - half-baked or well done?", ICASSP 2019. Both sounds are
made zero-mean first. It compares waveforms: a fraction of a millisecond of delay, or a generative
decoder that does not preserve phase, costs many dB that no one hears.
"""

from collections.abc import Collection

import numpy as np

from almbench.audio import Samples
from almbench.domains import DOMAINS
from almbench.errors import MetricUndefined, NotApplicable
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_silence

LEAST_DISTORTION = 1e-30  # of the target's energy (300 dB): what rounding leaves of an exact copy


class SiSdr(Family[Settings]):
    """Scale-invariant signal-to-distortion ratio: 10 log10(|a x|^2 / |y - a x|^2), a = xy / xx."""

    name = "si_sdr"
    metrics = (
        Metric(
            name="si_sdr",
            label="SI-SDR",
            unit="dB",
            higher_is_better=True,
            digits=2,
            default=DOMAINS,
            note="Codecs that code the waveform.",
            caveat=(
                "Means little for generative decoders, which do not preserve phase: a shift that "
                "nobody hears ruins it."
            ),
        ),
    )

    def version(self) -> str:
        """Name the definition."""
        return "Le Roux et al. 2019, zero mean"

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute SI-SDR.

        Raises:
            MetricUndefined: A sound is silent, or the reconstruction holds nothing of the
                reference.
            NotApplicable: The reconstruction is a scaled copy of the reference.
        """
        del rate, names
        refuse_silence(prepared, "reference")
        refuse_silence(reconstruction, "reconstruction")
        x = prepared - prepared.mean()
        y = reconstruction - reconstruction.mean()
        target = (x @ y) / (x @ x) * x
        distortion = y - target
        signal, noise = float(target @ target), float(distortion @ distortion)
        if noise <= LEAST_DISTORTION * signal:
            raise NotApplicable("SI-SDR is infinite: the reconstruction is a copy of the reference")
        if signal <= LEAST_DISTORTION * noise:
            raise MetricUndefined("SI-SDR is minus infinite: nothing of the reference is left")
        return {self.name: float(10 * np.log10(signal / noise))}
