"""Bjøntegaard deltas: what one rate-distortion curve saves against another, or gains.

G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", ITU-T VCEG-M33 (2001).
The curves are Akima's piecewise cubics, which do not swing between the points as one polynomial
does: C. Herglotz et al., "Beyond Bjøntegaard: limits of video compression performance comparisons",
ICIP (2022).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from almbench.statistics.clusters import Floats, Numbers
from almbench.statistics.intervals import Estimate
from almbench.statistics.jackknife import jackknife_interval

LEAST_POINTS = 3  # Akima's interpolation takes no fewer


class BjontegaardUndefined(Exception):  # noqa: N818 - a finding about curves, not a fault
    """Two curves have no Bjøntegaard delta; the message says why."""


class Curve(NamedTuple):
    """A rate-distortion curve, or with an axis of clips the values that its means are of.

    Attributes:
        name: What it is of, for messages.
        rates: Bitrate of each operating point, ascending. **Shape** `[P]` or `[P, N]`.
        values: Value of the metric at each. **Shape** `[P]` or `[P, N]`.
    """

    name: str
    rates: Floats
    values: Floats

    def mean(self, clips: NDArray[np.bool_] | slice = slice(None)) -> "Curve":
        """The curve of the means over clips.

        Args:
            clips: Which of them; all by default. **Shape** `[N]`.
        """
        means = (part[:, clips].mean(axis=1) for part in (self.rates, self.values))
        return Curve(self.name, *means)


class Delta(NamedTuple):
    """The difference of two curves, and the share of their joint span that both cover."""

    value: float
    overlap: float


Measure = Callable[[Curve, Curve, bool], Delta]


def bd_rate(baseline: Curve, curve: Curve, better: bool) -> Delta:
    """The bitrate that a curve takes at equal quality, in percent more than the baseline.

    It is the mean difference of log10(rate) over the qualities that both reach, as a percentage.

    Args:
        baseline: The curve to compare with.
        curve: The curve.
        better: Whether higher values are better.

    Raises:
        BjontegaardUndefined: A curve has too few points or is not strictly monotone, or the curves
            reach no common quality.

    >>> rates, values = np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])
    >>> half = Curve("half", rates / 2, values)
    >>> round(bd_rate(Curve("whole", rates, values), half, True).value, 6)
    -50.0
    """
    ends = [(c.values, np.log10(c.rates)) for c in _checked(baseline, curve, better)]
    delta = _delta(ends, f"{baseline.name} and {curve.name} reach no common quality")
    return Delta((10**delta.value - 1) * 100, delta.overlap)


def bd_quality(baseline: Curve, curve: Curve, better: bool) -> Delta:
    """How far a curve's metric lies above the baseline's at equal bitrate, in the metric's unit.

    It is the mean difference of the values over log10(rate) where both have one.

    Args:
        baseline: The curve to compare with.
        curve: The curve.
        better: Whether higher values are better.

    Raises:
        BjontegaardUndefined: A curve has too few points or is not strictly monotone, or the curves
            have no common bitrate.
    """
    ends = [(np.log10(c.rates), c.values) for c in _checked(baseline, curve, better)]
    return _delta(ends, f"{baseline.name} and {curve.name} have no common bitrate")


def _checked(baseline: Curve, curve: Curve, better: bool) -> tuple[Curve, Curve]:
    for one in (baseline, curve):
        if len(one.rates) < LEAST_POINTS:
            raise BjontegaardUndefined(
                f"{one.name} has {len(one.rates)} of the {LEAST_POINTS} operating points it takes"
            )
        steps = np.diff(one.values) if better else -np.diff(one.values)
        wrong = (steps <= 0) | (np.diff(one.rates) <= 0)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise BjontegaardUndefined(
                f"{one.name} is not monotone: {one.values[at]:.4g} at {one.rates[at]:.4g} kbps, "
                f"{one.values[at + 1]:.4g} at {one.rates[at + 1]:.4g} kbps"
            )
    return baseline, curve


def _delta(curves: list[tuple[Floats, Floats]], apart: str) -> Delta:
    """The mean of y of the second curve less that of the first, over the x that both cover."""
    from scipy.interpolate import Akima1DInterpolator

    low = max(x.min() for x, _ in curves)
    high = min(x.max() for x, _ in curves)
    overlap = float((high - low) / np.ptp(np.concatenate([x for x, _ in curves])))
    if overlap <= 0:
        raise BjontegaardUndefined(f"{apart} (overlap 0 %)")
    means = []
    for x, y in curves:
        order = np.argsort(x)
        means.append(float(Akima1DInterpolator(x[order], y[order]).integrate(low, high)))
    return Delta((means[1] - means[0]) / float(high - low), overlap)


class DeltaEstimate(NamedTuple):
    """A Bjøntegaard delta over clips.

    Attributes:
        estimate: The delta of the mean curves and its 95 % interval; None where there is none.
        overlap: Share of the joint span that both curves cover; None where there is no delta.
        reason: Why there is no delta or no interval of it; empty where there are both.
    """

    estimate: Estimate
    overlap: float | None
    reason: str


def no_delta(reason: str) -> DeltaEstimate:
    """What there is of two curves without a delta."""
    return DeltaEstimate(Estimate(None, None, None), None, reason)


def estimate_delta(
    measure: Measure,
    baseline: Curve,
    curve: Curve,
    clusters: Numbers,
    *,
    higher_is_better: bool,
) -> DeltaEstimate:
    """The Bjøntegaard delta of two curves of means, with an interval by cluster jackknife.

    The interval of a BD-rate is that of log10(rate), as a percentage.

    Args:
        measure: `bd_rate` or `bd_quality`.
        baseline: Rates and values of the clips at the points of the curve to compare with.
        curve: Likewise of the curve, over the same clips.
        clusters: Number of each clip's cluster. **Shape** `[N]`.
        higher_is_better: Which way the metric is better.
    """
    try:
        found = measure(baseline.mean(), curve.mean(), higher_is_better)
    except BjontegaardUndefined as error:
        return no_delta(str(error))
    alone = Estimate(found.value, None, None)
    names = np.unique(clusters)
    if len(names) < 2:
        reason = "no interval: it takes two clips of different clusters, such as speakers"
        return DeltaEstimate(alone, found.overlap, reason)
    try:
        kept = [clusters != name for name in names]
        left_out = np.array(
            [measure(baseline.mean(k), curve.mean(k), higher_is_better).value for k in kept]
        )
    except BjontegaardUndefined as error:
        return DeltaEstimate(alone, found.overlap, f"no interval: without some clips, {error}")
    low, high = _interval(measure, found.value, left_out)
    return DeltaEstimate(Estimate(found.value, low, high), found.overlap, "")


def _interval(measure: Measure, value: float, left_out: Floats) -> tuple[float, float]:
    if measure is not bd_rate:
        return jackknife_interval(value, left_out)
    low, high = jackknife_interval(float(np.log1p(value / 100)), np.log1p(left_out / 100))
    return float(np.expm1(low)) * 100, float(np.expm1(high)) * 100
