"""How often intervals cover the true mean, and how often tests err: the tables behind the rule.

Run `make simulation` (about a minute). Clips are simulated as normal, and with skewness 1 as the
PESQ scores of a codec at a low rate; clusters add an effect that their clips share, which
is a share ICC of the variance. Errors are those of a paired test between two codecs that are equal
on average.
"""

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from almbench.policies import CONFIDENCE
from almbench.statistics.clusters import MeanError, mean_error
from almbench.statistics.power import smallest_difference

Floats = NDArray[np.float64]
SEED = 2026
TRIALS = 20_000
BOOTSTRAP_TRIALS, RESAMPLES = 1_500, 1_000  # of the methods that were not chosen
GAMMA = 4.0  # its skewness is 2 / sqrt(4) = 1
CODECS, TABLES = 8, 1_000
PAIRS = list(combinations(range(CODECS), 2))


class Design(NamedTuple):
    """A test set: the sizes of its clusters, and the share of variance that they explain."""

    name: str
    sizes: list[int]
    icc: float

    @property
    def clusters(self) -> NDArray[np.int64]:
        """The cluster of each clip."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


UNEQUAL = [20] * 2 + [10] * 4 + [5] * 4 + [2] * 10
DESIGNS = [Design(str(n), [1] * n, 0.0) for n in (5, 9, 20, 50)] + [
    Design(name, sizes, icc)
    for name, sizes in (
        ("5 x 10", [10] * 5),
        ("10 x 20", [20] * 10),
        ("20 x 10", [10] * 20),
        ("20 unequal", UNEQUAL),
    )
    for icc in (0.0, 0.2, 0.5, 0.8)
]

NAMES = ["clips", "ICC"]
INDEX = pd.MultiIndex.from_tuples([(d.name, d.icc) for d in DESIGNS], names=NAMES)


def simulate(
    design: Design, trials: int, rng: np.random.Generator, *, skewed: bool = False
) -> Floats:
    """Draw test sets with mean 0 and variance 1. **Shape** `[trials, N]`."""

    def draw(*shape: int) -> Floats:
        if skewed:
            return np.asarray((rng.gamma(GAMMA, size=shape) - GAMMA) / np.sqrt(GAMMA))
        return rng.standard_normal(shape)

    shared = draw(trials, len(design.sizes))[:, design.clusters]
    own = draw(trials, len(design.clusters))
    return np.asarray(np.sqrt(design.icc) * shared + np.sqrt(1 - design.icc) * own)


def covered_by_rule(values: Floats, design: Design) -> NDArray[np.bool_]:
    """Whether the interval of the rule holds 0, for each test set."""
    mean, error, df = mean_error(values, design.clusters)
    return np.asarray(np.abs(mean) <= stats.t.ppf((1 + CONFIDENCE) / 2, df) * error)


def covered_by_cluster_t(values: Floats, design: Design) -> NDArray[np.bool_]:
    """The same with one degree of freedom less than clusters, whatever their sizes."""
    mean, error, _ = mean_error(values, design.clusters)
    return np.asarray(
        np.abs(mean) <= stats.t.ppf((1 + CONFIDENCE) / 2, len(design.sizes) - 1) * error
    )


def covered_by_clip_t(values: Floats, design: Design) -> NDArray[np.bool_]:
    """The same of t over clips that are taken for independent."""
    del design
    mean, error, df = mean_error(values)
    return np.asarray(np.abs(mean) <= stats.t.ppf((1 + CONFIDENCE) / 2, df) * error)


def covered_by_percentiles(values: Floats, design: Design) -> NDArray[np.bool_]:
    """The same of the percentile bootstrap over clips."""
    del design
    values = values[:BOOTSTRAP_TRIALS]
    count = values.shape[1]
    weights = np.random.default_rng(SEED).multinomial(count, [1 / count] * count, RESAMPLES) / count
    low, high = np.percentile(values @ weights.T, [2.5, 97.5], axis=1)
    return np.asarray((low <= 0) & (high >= 0))


METHODS: dict[str, Callable[[Floats, Design], NDArray[np.bool_]]] = {
    "percentile over clips": covered_by_percentiles,
    "t over clips": covered_by_clip_t,
    "CR2, G - 1": covered_by_cluster_t,
    "the rule": covered_by_rule,
}


def coverage(trials: int = TRIALS) -> pd.DataFrame:
    """Coverage of each method's intervals, and false positives of its test, as shares."""
    rng = np.random.default_rng(SEED)
    rows = []
    for design in DESIGNS:
        row: dict[tuple[str, str], object] = {}
        normal, skewed, other = (
            simulate(design, trials, rng, skewed=skew) for skew in (False, True, True)
        )
        for name, covered in METHODS.items():
            row["coverage, normal", name] = covered(normal, design).mean()
            row["coverage, skewed", name] = covered(skewed, design).mean()
            row["false positives, skewed", name] = 1 - covered(skewed - other, design).mean()
        rows.append(pd.Series(row))
    return pd.concat(rows, axis=1, keys=INDEX, names=NAMES).T


def power(trials: int = TRIALS) -> pd.DataFrame:
    """The smallest difference that is found in 80 % of cases, and how often it really is."""
    rng = np.random.default_rng(SEED)
    rows = []
    for design in DESIGNS:
        values = simulate(design, trials, rng)
        truth, error, df = mean_error(values, design.clusters)
        least = smallest_difference(float(truth.std()), df)  # from the true standard error
        t = stats.t.ppf((1 + CONFIDENCE) / 2, df)
        rows.append(
            {
                "df": df,
                "smallest difference, in SD": least,
                "found": (np.abs(truth + least) > t * error).mean(),
                "found, of 0.5 SD": (np.abs(truth + 0.5) > t * error).mean(),
            }
        )
    return pd.DataFrame(rows, INDEX)


def false_pairs(tables: int = TABLES) -> pd.DataFrame:
    """How often any two of eight equal codecs are told apart in one table of rank groups."""
    rng = np.random.default_rng(SEED)
    rows = []
    for design in DESIGNS:
        clip = simulate(design, tables, rng)[..., None]  # hard clips are hard for every codec
        own = np.stack([simulate(design, tables, rng, skewed=True) for _ in range(CODECS)], axis=-1)
        values = np.moveaxis(clip + own, 1, -1)
        differences = np.stack([values[:, a] - values[:, b] for a, b in PAIRS])
        clips, rule = (
            _found(mean_error(differences, known)).any(axis=0).mean()
            for known in (None, design.clusters)
        )
        rows.append({"t over clips": clips, "the rule": rule})
    return pd.DataFrame(rows, INDEX)


def _found(difference: MeanError) -> NDArray[np.bool_]:
    """Which differences the first step of Holm's procedure finds significant."""
    t = stats.t.ppf(1 - (1 - CONFIDENCE) / 2 / len(PAIRS), difference.df)
    return np.asarray(np.abs(difference.mean) > t * difference.error)


def main() -> None:
    """Print the tables."""
    for title, table in (
        ("Coverage of 95 % intervals, and false positives of tests at 5 %", coverage()),
        ("Power: simulated with normal values", power()),
        (f"Tables of {CODECS} equal codecs in which any two are told apart", false_pairs()),
    ):
        print(f"\n{title}\n{table.to_string(float_format='{:.3f}'.format)}")


if __name__ == "__main__":
    main()
