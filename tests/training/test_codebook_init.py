"""How the quantizer begins, beside NumPy and scikit-learn."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.rvq import ResidualQuantizer
from almbench.training.codebook_init import (
    _init_pca,
    _match_variance,
    _ridge_fit,
    fit_quantizer,
    gather,
)

WIDTH, PRIOR, SIZE = 64, 10, 32
Pair = tuple[Tensor, Tensor]


def made(size: int = SIZE, prior: int = PRIOR, codebooks: int = 3) -> ResidualQuantizer:
    torch.manual_seed(0)
    shape = ModelConfig(
        width=WIDTH, codebooks=codebooks, codebook_size=size, code_width=8, prior_width=prior
    )
    return ResidualQuantizer(shape).eval()


def group(count: int = 600, seed: int = 0, noise: float = 1.0) -> Pair:
    """Vectors off the origin, more varied in some directions, and features half foreseeable."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((count, 12)) * np.linspace(3, 0.5, 12)
    vectors = hidden @ rng.standard_normal((12, WIDTH)) + 0.1 * rng.standard_normal((count, WIDTH))
    features = hidden[:, :PRIOR] + noise * rng.standard_normal((count, PRIOR))
    return torch.tensor(vectors + 5).float(), torch.tensor(4 * features - 7).float()


def normalized(features: Tensor) -> np.ndarray:
    array = features.numpy().astype(float)
    return np.asarray((array - array.mean(0)) / array.std(0))


def spread(array: Tensor) -> float:
    return float(array.detach().double().var(0).sum())


def errors(quantizer: ResidualQuantizer, vectors: Tensor) -> list[float]:
    """Share of the variance that is lost with 0, 1, 2... codebooks."""
    codes = quantizer(vectors[None])[1]
    centred = vectors - vectors.mean(0)
    depths = range(1, codes.shape[1] + 1)
    lost = [(vectors - quantizer.decode(codes[:, :depth])[0]).square().mean() for depth in depths]
    return [1.0, *(float(one.detach() / centred.square().mean()) for one in lost)]


def test_solving_is_least_squares() -> None:
    rng = np.random.default_rng(1)
    given = rng.standard_normal((400, 6)) * [1, 1, 2, 2, 3, 1] + 3
    wanted = given @ rng.standard_normal((6, 4)) - 2 + 0.5 * rng.standard_normal((400, 4))
    linear = nn.Linear(6, 4).requires_grad_(False)
    _ridge_fit(linear, torch.tensor(given), torch.tensor(wanted))
    ones = np.concatenate((given, np.ones((400, 1))), 1)
    solved = np.linalg.lstsq(ones, wanted, rcond=None)[0]
    np.testing.assert_allclose(linear.weight.numpy(), solved[:-1].T, rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(linear.bias.numpy(), solved[-1], rtol=2e-3, atol=2e-3)


def test_the_ridge_is_slight_and_bears_what_depends_on_each_other() -> None:
    rng = np.random.default_rng(2)
    half = rng.standard_normal((100, 3))
    given, wanted = np.concatenate((half, half), 1), half @ rng.standard_normal((3, 2))
    linear = nn.Linear(6, 2).requires_grad_(False)
    _ridge_fit(linear, torch.tensor(given), torch.tensor(wanted))
    centred = given - given.mean(0)
    reference = Ridge(1e-4 * np.mean(np.sum(centred**2, 0)), solver="cholesky").fit(given, wanted)
    np.testing.assert_allclose(linear.weight.numpy(), reference.coef_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(linear.bias.numpy(), reference.intercept_, rtol=1e-4, atol=1e-6)
    found = linear(torch.tensor(given).float()).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-3)


@pytest.mark.parametrize("count", [1, 5])
def test_solving_constants_gives_the_wanted_mean(count: int) -> None:
    given = torch.full((count, 3), 2.0).double()
    wanted = torch.arange(2 * count).view(count, 2).double()
    linear = nn.Linear(3, 2).requires_grad_(False)
    _ridge_fit(linear, given, wanted)
    torch.testing.assert_close(linear(given[:1].float())[0].double(), wanted.mean(0))


def test_spreading_scales_about_the_mean() -> None:
    torch.manual_seed(3)
    given, wanted = torch.randn(500, 6).double() + 4, 3 * torch.randn(500, 4).double() + 9
    linear = nn.Linear(6, 4).requires_grad_(False)
    before = linear(given.float())
    _match_variance(linear, given, wanted)
    after = linear(given.float())
    torch.testing.assert_close(after.mean(0), before.mean(0), rtol=1e-4, atol=1e-4)
    assert spread(after) == pytest.approx(spread(wanted), rel=1e-4)
    # One scale for all: directions stay as they are.
    ratio = (after - after.mean(0)) / (before - before.mean(0))
    assert float(ratio.median()) == pytest.approx((spread(wanted) / spread(before)) ** 0.5)
    centred = (after - after.mean(0)) / ratio.median()
    torch.testing.assert_close(centred, before - before.mean(0), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("varied", ["neither", "given", "wanted"])
def test_spreading_constants_stays_finite(varied: str) -> None:
    torch.manual_seed(3)
    given, wanted = torch.full((50, 6), 3.0).double(), torch.full((50, 4), -1.0).double()
    if varied == "given":
        given += torch.randn(50, 6)
    if varied == "wanted":
        wanted += torch.randn(50, 4)
    linear = nn.Linear(6, 4).requires_grad_(False)
    _ridge_fit(linear, given, wanted)
    _match_variance(linear, given, wanted)
    result = linear(given.float())
    assert torch.isfinite(result).all()
    torch.testing.assert_close(result.mean(0).double(), wanted.mean(0), rtol=1e-4, atol=1e-4)


def test_looking_along_is_principal_component_analysis() -> None:
    vectors = group()[0].double()
    linear = nn.Linear(WIDTH, 8).requires_grad_(False)
    _init_pca(linear, vectors)
    reference = PCA(8).fit(vectors.numpy())
    found = linear(vectors.float()).numpy()
    wanted = reference.transform(vectors.numpy())
    signs = np.sign(np.sum(found * wanted, 0))
    np.testing.assert_allclose(found * signs, wanted, atol=1e-3)
    np.testing.assert_allclose(found.var(0, ddof=1), reference.explained_variance_, rtol=1e-4)


def test_the_first_codebook_holds_centres_of_the_normalized_features() -> None:
    vectors, features = group(600)
    quantizer = made()
    fit_quantizer(quantizer, [(vectors, features)])
    book = next(iter(quantizer.codebooks))
    points = normalized(features)
    distances = ((points[:, None] - book.entries.numpy()) ** 2).sum(-1)
    chosen = distances.argmin(1)
    # Where k-means has come to rest, each centre is the mean of what is nearest to it.
    for n in np.flatnonzero(np.bincount(chosen, minlength=SIZE) >= 20):
        gap = points[chosen == n].mean(0) - book.entries[n].numpy()
        assert np.linalg.norm(gap) < 0.3
    assert distances.min(1).mean() < 0.65 * np.sum(points**2, 1).mean()


def test_the_first_map_varies_as_its_features_and_keeps_their_mean() -> None:
    vectors, features = group(noise=3.0)
    quantizer = made()
    fit_quantizer(quantizer, [(vectors, features)])
    inner = next(iter(quantizer.codebooks)).into(vectors)
    torch.testing.assert_close(inner.mean(0), torch.zeros(PRIOR), rtol=0, atol=1e-4)
    assert spread(inner) == pytest.approx(PRIOR, rel=1e-2)
    # Plain least squares would not: most of these features is noise.
    centred = vectors.numpy().astype(float) - vectors.numpy().mean(0)
    wanted = normalized(features)
    plain = centred @ np.linalg.lstsq(centred, wanted, rcond=None)[0]
    assert plain.var(0).sum() < 0.6 * PRIOR
    direction = np.corrcoef(plain.ravel(), inner.detach().numpy().ravel())[0, 1]
    assert direction > 0.99


def test_the_first_codebook_is_used_widely() -> None:
    vectors, features = group(noise=3.0)
    quantizer = made()
    fit_quantizer(quantizer, [(vectors, features)])
    assert len(quantizer(vectors[None])[1][0, 0].unique()) > 0.8 * SIZE


@pytest.mark.parametrize("prior", [PRIOR, 0])
def test_each_codebook_leaves_less(prior: int) -> None:
    vectors, features = group(1200)
    quantizer = made(prior=prior, codebooks=4)
    fit_quantizer(quantizer, [(vectors, features)])
    lost = errors(quantizer, vectors)
    assert all(after < 0.9 * before for before, after in pairwise(lost)), lost


def test_the_maps_out_are_least_squares_of_what_is_left() -> None:
    vectors, features = group()
    quantizer = made()
    fit_quantizer(quantizer, [(vectors, features)])
    _, codes, _, parts = quantizer(vectors[None])
    left = vectors.numpy().astype(float)
    for k, book in enumerate(quantizer.codebooks):
        chosen = book.entries[codes[0, k]].numpy().astype(float)
        ones = np.concatenate((chosen, np.ones((len(chosen), 1))), 1)
        best = ones @ np.linalg.lstsq(ones, left, rcond=None)[0]
        part = parts[k][0].detach().numpy()
        np.testing.assert_allclose(part, best, atol=0.02 * left.std())
        left = left - part


def test_the_moving_averages_begin_with_how_often_entries_are_used() -> None:
    vectors, features = group()
    quantizer = made()
    fit_quantizer(quantizer, [(vectors, features)])
    codes = quantizer(vectors[None])[1][0]
    for book, indices in list(zip(quantizer.codebooks, codes, strict=True))[1:]:
        used = np.bincount(indices.numpy(), minlength=SIZE)
        usual = len(indices) / SIZE
        np.testing.assert_allclose(book.counts.numpy(), np.maximum(used, 1) / usual, rtol=1e-5)
        torch.testing.assert_close(book.sums / book.counts[:, None], book.entries)


@pytest.mark.parametrize(("size", "shares"), [(16, [8, 8]), (17, [8, 9]), (32, [10, 11, 11])])
def test_priors_share_the_entries(size: int, shares: list[int]) -> None:
    rng = np.random.default_rng(4)
    groups, part = [], PRIOR // len(shares)
    for n, count in enumerate(range(300, 300 + 100 * len(shares), 100)):
        features = np.full((count, PRIOR), 6.0)  # all features but its own never vary
        features[:, n * part : (n + 1) * part] += rng.standard_normal((count, part))
        vectors = rng.standard_normal((count, WIDTH))
        groups.append((torch.tensor(vectors).float(), torch.tensor(features).float()))
    quantizer = made(size)
    fit_quantizer(quantizer, groups)
    entries = next(iter(quantizer.codebooks)).entries.abs()
    own = [entries[:, n * part : (n + 1) * part].sum(1) > 1e-3 for n in range(len(shares))]
    assert [int(mine.sum()) for mine in own] == shares
    assert torch.stack(own).sum(0).tolist() == [1] * size
    # Each prior's entries stand together, in the order of the groups.
    assert torch.stack(own).float().argmax(0).diff().min() >= 0


def test_features_of_another_scale_count_no_more() -> None:
    vectors, features = group()
    entries = []
    for scale in (1.0, 1000.0):
        quantizer = made()
        fit_quantizer(quantizer, [(vectors, features * scale + scale)])
        entries.append(next(iter(quantizer.codebooks)).entries)
    torch.testing.assert_close(entries[0], entries[1], rtol=1e-2, atol=1e-2)


def test_without_a_prior_all_codebooks_init_pca_the_most_variance() -> None:
    vectors, _ = group()
    quantizer = made(prior=0)
    fit_quantizer(quantizer, [(vectors, vectors)])
    first = next(iter(quantizer.codebooks))
    components = PCA(8).fit(vectors.numpy().astype(float)).components_
    cosines = np.abs(np.sum(components * first.into.weight.detach().numpy(), 1))
    np.testing.assert_allclose(cosines, 1, atol=1e-4)


def test_fitting_twice_gives_the_same() -> None:
    states = []
    for _ in range(2):
        quantizer = made()
        fit_quantizer(quantizer, [group()])
        states.append(quantizer.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("prior", [PRIOR, 0])
@pytest.mark.parametrize("kind", ["alike", "alike but features", "few", "one"])
def test_fitting_to_next_to_nothing_stays_finite(prior: int, kind: str) -> None:
    vectors, features = group({"few": 5, "one": 1}.get(kind, 100))
    if kind.startswith("alike"):
        vectors = torch.full_like(vectors, 0.25)
    if kind == "alike":
        features = torch.zeros_like(features)
    quantizer = made(prior=prior)
    fit_quantizer(quantizer, [(vectors, features)])
    for name, value in quantizer.state_dict().items():
        assert torch.isfinite(value).all(), name
    quantized = quantizer(vectors[None])[0][0]
    assert torch.isfinite(quantized).all()
    if kind != "few":
        torch.testing.assert_close(quantized, vectors, rtol=1e-2, atol=1e-2)


def test_gathering_joins_batches_of_any_lengths() -> None:
    pairs = [
        (torch.full((2, groups, 3), float(n)), torch.full((2, groups, 5), -float(n)))
        for n, groups in enumerate((4, 1, 7))
    ]
    first, second = gather(pairs)
    assert first.shape == (24, 3)
    assert second.shape == (24, 5)
    assert first[:, 0].tolist() == [0.0] * 8 + [1.0] * 2 + [2.0] * 14
    assert torch.equal(second[:, 0], -first[:, 0])
