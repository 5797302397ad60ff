"""How often intervals of the BD-rate cover the true one.

Run `make simulation`. Two codec families with
four operating points; a clip shifts the quality of all points (SD 0.3), of a family (0.1) and of a
point (0.1), which is about what PESQ does on speech.
"""

import numpy as np

from almbench.statistics.bjontegaard import Curve, bd_rate, estimate_delta
from almbench.statistics.clusters import Floats

RATES = np.array([1.0, 2.0, 4.0, 8.0])
VALUES = np.array([1.5, 2.2, 3.0, 3.6])
GAIN = 0.25
TRUTH = bd_rate(Curve("a", RATES, VALUES), Curve("b", RATES, VALUES + GAIN), True).value


def curves(clips: int, rng: np.random.Generator) -> tuple[Curve, Curve]:
    """Draw a test set: rates and values of each family."""
    shared = rng.normal(0, 0.3, clips)
    rates = RATES[:, None] * np.ones(clips)

    def values(gain: float) -> Floats:
        of_family, of_point = rng.normal(0, 0.1, clips), rng.normal(0, 0.1, (len(RATES), clips))
        return np.asarray(VALUES[:, None] + gain + shared + of_family + of_point)

    return Curve("a", rates, values(0.0)), Curve("b", rates, values(GAIN))


def delta(baseline: Curve, curve: Curve) -> float:
    """The BD-rate of the mean curves."""
    return bd_rate(baseline.mean(), curve.mean(), True).value


def coverage(clips: int, trials: int) -> float:
    """The share of test sets whose interval covers the true BD-rate."""
    rng = np.random.default_rng(2026)
    covered = 0
    for _ in range(trials):
        drawn = curves(clips, rng)
        found = estimate_delta(bd_rate, *drawn, np.arange(clips), higher_is_better=True)
        low, high = found.estimate.low, found.estimate.high
        covered += low is not None and high is not None and low <= TRUTH <= high
    return covered / trials


if __name__ == "__main__":
    for clips in (5, 9, 20):
        print(f"{clips} clips: {coverage(clips, trials=2_000):.1%}")
