"""Loudness following Recommendation ITU-R BS.1770, and the gains that match it."""

from math import inf, isfinite

import numpy as np

from almbench.audio import Samples
from almbench.names import ORIGINAL

MIN_SECONDS = 0.4  # a gating block of BS.1770
MAX_DROP_DB = 20.0  # below its original: too quiet a version to bring the others down to


def loudness(samples: Samples, rate: int) -> float | None:
    """Measure the integrated loudness of a sound following ITU-R BS.1770.

    Args:
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.

    Returns:
        LUFS to two digits; None for what the gate leaves nothing of, and below 0.4 s.
    """
    from pyloudnorm import Meter

    if len(samples) < MIN_SECONDS * rate:
        return None
    # This form of the filter meets the standard's 0 dBFS, 997 Hz: -3.01 LUFS.
    meter = Meter(rate, filter_class="DeMan")
    with np.errstate(divide="ignore", invalid="ignore"):
        lufs = meter.integrated_loudness(samples)
    return round(float(lufs), 2) if isfinite(lufs) else None


def matching_gains(lufs: dict[str, float | None]) -> dict[str, float]:
    """Find the gains that make versions of a clip as loud as the quietest of them.

    Args:
        lufs: Loudness of each version, `ORIGINAL` among them.

    Returns:
        Gain in dB, at most 0, of each version that takes part: that has a loudness, not more than
        20 dB below the original's.
    """
    known = {version: value for version, value in lufs.items() if value is not None}
    floor = known[ORIGINAL] - MAX_DROP_DB if ORIGINAL in known else -inf
    part = {version: value for version, value in known.items() if value >= floor}
    quietest = min(part.values(), default=0.0)
    return {version: round(quietest - value, 2) for version, value in part.items()}
