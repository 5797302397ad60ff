"""How the quantizer begins: every codebook fitted to what the query encoder makes of real sound."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

import numpy as np
import torch
from torch import Tensor, nn

from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.almtokenizer.rvq import Codebook, ResidualQuantizer
from almbench.progress import stage as progress
from almbench.training.data import Crops, Folder, batches
from almbench.training.prior import find_centres
from almbench.training.recipe import TrainConfig
from almbench.training.stages import Stage2

START_CROPS = 640  # crops that the quantizer is fitted to


@torch.no_grad()
def fit_quantizer(quantizer: ResidualQuantizer, groups: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Fit all codebooks.

    A first codebook with a prior gets the centres of the prior's features, an equal share of its
    entries for each group, and linear maps that lead the vectors to their features (as widely
    spread as these) and the centres back to the vectors (least squares). Each other one gets the
    directions in which what is left varies most, and the centres of that.

    Args:
        quantizer: What to fit.
        groups: For each model of the prior, vectors of the query encoder, **Shape** `[N, D]`, and
            the prior's features of the same groups of frames, **Shape** `[N, P]`.
    """
    left = torch.cat([vectors for vectors, _ in groups]).cpu().double()
    device = next(quantizer.parameters()).device
    for number, codebook in enumerate(quantizer.codebooks):
        book = codebook.cpu()
        size = len(book.entries)
        if book.learns:
            _init_pca(book.into, left)
            entries = find_centres(book.into(left.float()), size, seed=number)
        else:
            features = [_normalize(features.cpu()) for _, features in groups]
            shares = [
                size * (n + 1) // len(groups) - size * n // len(groups) for n in range(len(groups))
            ]
            pairs = zip(features, shares, strict=True)
            entries = torch.cat([find_centres(f, share, seed=number) for f, share in pairs])
            wanted = torch.cat(features).double()
            _ridge_fit(book.into, left, wanted)
            _match_variance(book.into, left, wanted)
        left = left - _fit(book, entries, left)
    quantizer.to(device)


def _normalize(features: Tensor) -> Tensor:
    """Bring each of `[N, P]` features to mean 0 and variance 1, as models of a prior differ."""
    return (features - features.mean(0)) / features.std(0, correction=0).clamp(min=1e-6)


def _fit(book: Codebook, entries: Tensor, left: Tensor) -> Tensor:
    """Set the entries and the map out; returns the quantized vectors."""
    book.entries.copy_(entries)
    indices = book.nearest(book.into(left.float()))[:, 0]
    counts = torch.bincount(indices, minlength=len(entries)).float()
    book.counts.copy_(counts.clamp(min=1) / counts.mean())
    book.sums.copy_(entries * book.counts[:, None])
    chosen = entries[indices].double()
    _ridge_fit(book.out, chosen, left)
    quantized: Tensor = book.out(chosen.float()).double()
    return quantized


def _ridge_fit(linear: nn.Linear, given: Tensor, wanted: Tensor) -> None:
    """Fit `linear(given)` to `wanted` by least squares with a slight ridge; `[N, *]`."""
    mean_in, mean_out = given.mean(0), wanted.mean(0)
    x, y = given - mean_in, wanted - mean_out
    ridge = 1e-4 * x.square().sum(0).mean().clamp(min=1e-9)
    weight = torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1]).double(), x.T @ y).T
    linear.weight.copy_(weight)
    linear.bias.copy_(mean_out - weight @ mean_in)


def _match_variance(linear: nn.Linear, given: Tensor, wanted: Tensor) -> None:
    """Scale `linear` until what it makes varies as much as `wanted`.

    Least squares leave out what cannot be predicted; so near the mean, few entries would be used.
    """
    made = linear(given.float()).double()
    mean = made.mean(0)
    scale = _variance(wanted).div(_variance(made).clamp(min=1e-9)).sqrt()
    linear.weight.mul_(scale)
    linear.bias.copy_(mean + scale * (linear.bias - mean))


def _variance(vectors: Tensor) -> Tensor:
    return vectors.var(0, correction=0).sum()


def _init_pca(linear: nn.Linear, vectors: Tensor) -> None:
    """Project on the principal components (PCA): the directions of most variance."""
    mean = vectors.mean(0)
    directions = torch.linalg.eigh((vectors - mean).T @ (vectors - mean)).eigenvectors.flip(1)
    weight = directions[:, : linear.out_features].T
    linear.weight.copy_(weight)
    linear.bias.copy_(-weight @ mean)


def gather(pairs: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Join pairs of `[B, G, *]` to two of `[N, *]`."""
    first, second = zip(*pairs, strict=True)
    return (
        torch.cat([one.flatten(0, 1) for one in first]),
        torch.cat([one.flatten(0, 1) for one in second]),
    )


@torch.no_grad()
def with_features(
    model: ALMTokenizer, recipe: TrainConfig, folders: list[Folder], prior: nn.Module | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Vectors of the query encoder beside the prior's features, batch by batch, `[B, G, *]`.

    Without a prior, the vectors stand in for its features.
    """
    config, device = recipe.stage2, next(model.parameters()).device
    stage = Stage2(model, config).eval()
    prior = prior.to(device).eval() if prior else None
    draw = np.random.default_rng((recipe.seed, 4))
    source = batches(Crops(folders, recipe, config), 0)
    wanted = ceil(START_CROPS / config.batch)
    with progress("Codebooks", wanted, "batches") as bar:
        for _, sound in zip(range(wanted), source, strict=False):
            w = int(draw.choice(config.windows))
            size = w * recipe.model.hop
            cut = sound[:, : sound.shape[1] // size * size].to(device)
            vectors = stage.queries(cut, w)
            yield vectors, prior(cut, w) if prior else vectors
            bar.advance()
