"""Low-pass anchors (Recommendation ITU-R BS.1534-3, 5.1): what a plain loss of treble costs."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.signal import firwin, kaiserord, oaconvolve

from almbench.audio import Samples
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options
from almbench.errors import CodecError

# The stop band of the 3.5 kHz anchor begins at 4 kHz; other cut-offs keep the proportion.
STOP = 8 / 7
ATTENUATION = 80.0  # dB; a Kaiser design's ripple is the same in the pass band: +-0.001 dB


class LowpassOptions(Options):
    """Options of the low-pass.

    Attributes:
        cutoff: End of the pass band in Hz; BS.1534-3 has anchors at 3500 and 7000. The stop band
            begins at 8/7 of it.
    """

    cutoff: float = Field(gt=0, allow_inf_nan=False)


class Lowpass(Codec[LowpassOptions]):
    """A linear-phase low-pass without delay, at the rate of each clip. It emits no bits."""

    options_type = LowpassOptions

    @property
    def spec(self) -> CodecSpec:
        """Facts of the filter."""
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="lowpass",
            anchor=True,
            sample_rate=None,
            causal=False,
            license="BSD-3-Clause (SciPy)",
            settings={
                "cutoff": self.options.cutoff,
                "stop": self.options.cutoff * STOP,
                "attenuation_db": ATTENUATION,
            },
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Filter clips.

        Raises:
            CodecError: The rate leaves nothing above the stop edge to take away.
        """
        cutoff = self.options.cutoff
        if rate < 2 * STOP * cutoff:
            raise CodecError(
                f"a low-pass of {cutoff:g} Hz needs a clip of at least {2 * STOP * cutoff:.0f} Hz; "
                f"this one has {rate} Hz, and nothing above the cut-off to take away"
            )
        taps = design(cutoff, rate)
        return [
            Encoded(None, len(samples), payload=oaconvolve(samples, taps, mode="same"))
            for samples in batch
        ]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Give back the filtered clips."""
        del rate
        return [item.payload for item in batch]


@lru_cache
def design(cutoff: float, rate: int) -> NDArray[np.float64]:
    """Design the filter by a Kaiser window.

    Args:
        cutoff: End of the pass band in Hz.
        rate: Sample rate in Hz, at least `2 * STOP * cutoff`.

    Returns:
        The impulse response, symmetric about its middle. **Shape** `[N]`, N odd.
    """
    stop = STOP * cutoff
    count, beta = kaiserord(ATTENUATION, (stop - cutoff) / (rate / 2))
    taps: NDArray[np.float64] = firwin(
        count | 1, (cutoff + stop) / 2, window=("kaiser", beta), fs=rate
    )
    return taps
