import numpy as np
import pytest
from scipy import stats

from tests.statistics.coverage import DESIGNS, coverage, covered_by_rule, power, simulate


def test_the_rule_covers_with_few_speakers() -> None:
    (design,) = (d for d in DESIGNS if d.name == "5 x 10" and d.icc == 0.5)
    rng = np.random.default_rng(1)
    assert 0.93 <= covered_by_rule(simulate(design, 4_000, rng), design).mean() <= 0.97


def test_simulated_clips_are_as_they_are_said_to_be() -> None:
    (design,) = (d for d in DESIGNS if d.name == "5 x 10" and d.icc == 0.5)
    values = simulate(design, 20_000, np.random.default_rng(1), skewed=True)
    assert values.mean() == pytest.approx(0, abs=0.02)
    assert values.var() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(values[:, 0], values[:, 1])[0, 1] == pytest.approx(0.5, abs=0.02)
    assert np.corrcoef(values[:, 0], values[:, 10])[0, 1] == pytest.approx(0, abs=0.02)
    # Half of the variance each of two independent gammas: 2 * 0.5^1.5 of their skewness of 1.
    assert stats.skew(values[:, 0]) == pytest.approx(2 * 0.5**1.5, abs=0.1)


@pytest.mark.slow
def test_the_tables_keep_what_the_policies_promise() -> None:
    table = coverage(4_000)
    noise = 3 * (0.05 * 0.95 / 4_000) ** 0.5
    for values in ("coverage, normal", "coverage, skewed"):
        found = table[values, "the rule"].astype(float)
        assert found.between(0.93 - noise, 0.97 + noise).all(), found
    wrong = table["false positives, skewed", "the rule"].astype(float)
    assert (wrong <= 0.06 + noise).all(), wrong
    assert (table["coverage, normal", "t over clips"].astype(float) < 0.8).any()
    assert power(4_000)["found"].between(0.77, 0.83).all()
