import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, stats

from almbench.statistics.clusters import count_clusters, mean_error, number_clusters


def by_matrices(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> tuple[float, float]:
    """CR2 and its degrees of freedom by the general matrices of Bell and McCaffrey (2002)."""
    n = len(values)
    x = np.ones((n, 1))
    inverse = np.linalg.inv(x.T @ x)
    residual = np.eye(n) - x @ inverse @ x.T
    e = residual @ values
    variance, columns = 0.0, []
    for cluster in np.unique(clusters):
        of = clusters == cluster
        adjusted = linalg.inv(linalg.sqrtm(residual[np.ix_(of, of)]).real)
        weights = (inverse @ x[of].T @ adjusted).ravel()
        variance += float(weights @ e[of]) ** 2
        columns.append(residual[of].T @ weights)
    g = np.stack(columns, axis=1)
    eigenvalues = np.linalg.eigvalsh(g.T @ g)
    return variance**0.5, float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())


@pytest.mark.parametrize("sizes", [[1] * 6, [3, 3, 3], [4, 1, 2, 1, 1], [9, 2]])
def test_against_the_general_estimator(sizes: list[int]) -> None:
    values = np.random.default_rng(5).gamma(2.0, size=sum(sizes))
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    found = mean_error(values, clusters)
    assert (found.error, found.df) == pytest.approx(by_matrices(values, clusters))
    assert found.mean == pytest.approx(values.mean())


def test_the_order_of_the_values_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    values, clusters = rng.gamma(2.0, size=(2, 9)), np.repeat(np.arange(3), [4, 2, 3])
    mixed = rng.permutation(9)
    sorted_, found = mean_error(values, clusters), mean_error(values[:, mixed], clusters[mixed])
    assert found.error == pytest.approx(sorted_.error)
    assert found.df == pytest.approx(sorted_.df)


def test_a_million_clusters_take_no_matrix_of_their_pairs() -> None:
    values = np.random.default_rng(5).normal(size=10**6)
    found = mean_error(values, np.arange(10**6)[::-1])
    assert found.error == pytest.approx(stats.sem(values))
    assert found.df == pytest.approx(10**6 - 1)


def test_without_clusters_it_is_the_usual_standard_error() -> None:
    values = np.random.default_rng(5).normal(size=(3, 8))
    found = mean_error(values)
    assert found.error == pytest.approx(stats.sem(values, axis=1))
    assert found.df == pytest.approx(7)


def test_clips_without_a_cluster_are_clusters_of_their_own() -> None:
    assert number_clusters(["", "a", "", "a"]).tolist() == [0, 1, 2, 1]
    assert number_clusters([]).tolist() == []
    assert count_clusters(number_clusters(["", "a", "", "a"]), 4) == 3
    assert count_clusters(None, 4) == 4
