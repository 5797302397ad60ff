"""The residual quantizer beside brute force and hand calculations."""

import numpy as np
import pytest
import torch
from torch import Tensor

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.rvq import DECAY, Codebook, ResidualQuantizer


def quantizer(prior_width: int = 20, size: int = 12, codebooks: int = 3) -> ResidualQuantizer:
    torch.manual_seed(0)
    return ResidualQuantizer(
        ModelConfig(
            width=64,
            codebooks=codebooks,
            codebook_size=size,
            code_width=8,
            prior_width=prior_width,
        )
    )


def greedy(codebook: Codebook, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Quantize to the nearest entries."""
    indices = codebook.nearest(codebook.into(vectors))[..., 0]
    quantized, loss = codebook(vectors, indices)
    return quantized, indices, loss


def book(size: int = 6, *, learns: bool = True) -> Codebook:
    torch.manual_seed(0)
    return Codebook(size, 5, 3, learns=learns)


def test_codes_decode_to_the_quantized_vectors() -> None:
    rvq = quantizer().eval()
    quantized, codes, _, parts = rvq(torch.randn(2, 7, 64))
    assert codes.shape == (2, 3, 7)
    assert codes.min() >= 0
    assert codes.max() < 12
    torch.testing.assert_close(rvq.decode(codes), quantized, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.stack(parts).sum(0), quantized)
    for depth in (1, 2):  # fewer codebooks give the sum of the first parts
        some = rvq.decode(codes[:, :depth])
        torch.testing.assert_close(some, torch.stack(parts[:depth]).sum(0), rtol=1e-5, atol=1e-5)


def test_each_codebook_codes_what_is_left() -> None:
    rvq = quantizer().eval()
    vectors = torch.randn(1, 4, 64)
    with torch.no_grad():
        _, codes, loss, parts = rvq(vectors)
    left, gaps = vectors, []
    for k, codebook in enumerate(rvq.codebooks):
        inner = codebook.into(left)
        nearest = torch.cdist(inner[0], codebook.entries).argmin(1)
        assert torch.equal(codes[0, k], nearest)
        gaps.append((inner[0] - codebook.entries[nearest]).square().mean().item())
        left = left - parts[k]
    assert float(loss) == pytest.approx(np.mean(gaps), rel=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_nearest_entry_is_that_of_brute_force(dtype: torch.dtype) -> None:
    codebook = book(50)
    inner = torch.randn(2, 40, 3).to(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        found = codebook.nearest(inner)[..., 0]
    wanted = [
        [int(((codebook.entries - v.float()) ** 2).sum(1).argmin()) for v in row] for row in inner
    ]
    assert found.tolist() == wanted


def test_an_entry_is_its_own_nearest() -> None:
    codebook = book(50)
    assert codebook.nearest(codebook.entries)[:, 0].tolist() == list(range(50))


def test_two_steps_of_the_moving_averages_by_hand() -> None:
    codebook = book().train()
    entries = codebook.entries.numpy().astype(float)
    counts, sums = np.ones(6), entries.copy()
    for _ in range(2):
        vectors = torch.randn(2, 9, 5)
        inner = codebook.into(vectors).detach().numpy().reshape(-1, 3)
        chosen = ((inner[:, None] - entries) ** 2).sum(-1).argmin(1)
        greedy(codebook, vectors)
        for n in range(6):
            counts[n] = DECAY * counts[n] + (1 - DECAY) * np.sum(chosen == n)
            sums[n] = DECAY * sums[n] + (1 - DECAY) * inner[chosen == n].sum(0)
        assert counts.min() > 0.1 * counts.mean()  # none is rare yet
        entries = sums / counts[:, None]
        np.testing.assert_allclose(codebook.counts.numpy(), counts, rtol=1e-5)
        np.testing.assert_allclose(codebook.sums.numpy(), sums, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(codebook.entries.numpy(), entries, rtol=1e-4, atol=1e-5)


def test_rare_entries_become_vectors_of_the_batch() -> None:
    codebook = book().train()
    codebook.entries[4:] += 100  # nothing is near these
    codebook.sums.copy_(codebook.entries)
    codebook.counts[4:] = 0.05
    codebook.counts[3] = 0.5  # seldom, but not rare
    vectors = torch.randn(1, 8, 5)
    inner = codebook.into(vectors)[0].detach()
    greedy(codebook, vectors)
    for n in (4, 5):
        assert torch.cdist(codebook.entries[n : n + 1], inner).min() < 1e-5
        # Counted as if used as much as the mean of all, before they were replaced.
        assert float(codebook.counts[n]) > 0.5
    assert torch.cdist(codebook.entries[:4], inner).min() > 1e-5


def test_rare_entries_come_back_into_use() -> None:
    codebook = book(32).train()
    codebook.entries[1:] += 1000
    codebook.sums.copy_(codebook.entries)
    codebook.counts[1:] = 0
    vectors = torch.randn(4, 64, 5)
    assert len(set(codebook.nearest(codebook.into(vectors)).flatten().tolist())) == 1
    for _ in range(3):
        greedy(codebook, vectors)
    assert len(set(codebook.nearest(codebook.into(vectors)).flatten().tolist())) > 16


def test_entries_stay_when_not_training() -> None:
    codebook = book().eval()
    before = {name: value.clone() for name, value in codebook.state_dict().items()}
    greedy(codebook, torch.randn(2, 9, 5))
    for name, value in codebook.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_codebook_of_the_prior_never_moves_and_the_others_do() -> None:
    rvq = quantizer().train()
    books = list(rvq.codebooks)
    assert [b.entries.shape[1] for b in books] == [20, 8, 8]
    before = [b.entries.clone() for b in books]
    for _ in range(3):
        rvq(torch.randn(2, 9, 64))
    moved = [not torch.equal(b.entries, old) for b, old in zip(books, before, strict=True)]
    assert moved == [False, True, True]


def test_without_a_prior_the_first_codebook_learns_like_the_others() -> None:
    rvq = quantizer(prior_width=0).train()
    books = list(rvq.codebooks)
    assert [b.entries.shape[1] for b in books] == [8, 8, 8]
    before = [b.entries.clone() for b in books]
    rvq(torch.randn(2, 9, 64))
    assert not any(torch.equal(b.entries, old) for b, old in zip(books, before, strict=True))


def test_gradients_go_straight_through() -> None:
    codebook = book().eval()
    vectors = torch.randn(1, 4, 5, requires_grad=True)
    pull = torch.randn(1, 4, 5)
    quantized, _, _ = greedy(codebook, vectors)
    (quantized * pull).sum().backward()  # type: ignore[no-untyped-call]
    # As if the entries were what they stand for: through both linear maps, nothing between them.
    wanted = pull @ codebook.out.weight @ codebook.into.weight
    assert vectors.grad is not None
    torch.testing.assert_close(vectors.grad, wanted)


def test_the_commitment_pulls_vectors_towards_their_entries() -> None:
    codebook = book().eval()
    vectors = torch.randn(1, 4, 5, requires_grad=True)
    _, indices, loss = greedy(codebook, vectors)
    loss.backward()  # type: ignore[no-untyped-call]
    inner = codebook.into(vectors).detach()
    gap = inner - codebook.entries[indices]
    assert float(loss) == pytest.approx(float(gap.square().mean()))
    assert vectors.grad is not None
    torch.testing.assert_close(vectors.grad, 2 * gap / gap.numel() @ codebook.into.weight)


def test_gradients_reach_the_maps_of_every_codebook() -> None:
    rvq = quantizer().train()
    vectors = torch.randn(2, 9, 64, requires_grad=True)
    quantized, _, loss, _ = rvq(vectors)
    (quantized.square().mean() + loss).backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()
    for name, parameter in rvq.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 5)])
def test_batches_and_single_vectors(shape: tuple[int, int]) -> None:
    rvq = quantizer().eval()
    vectors = torch.randn(*shape, 64)
    codes = rvq(vectors)[1]
    assert codes.shape == (shape[0], 3, shape[1])
    alone = [rvq(one[None])[1][0] for one in vectors]
    assert torch.equal(codes, torch.stack(alone))


@pytest.mark.parametrize("value", [0.0, 1e4])
def test_vectors_all_alike_keep_everything_finite(value: float) -> None:
    rvq = quantizer().train()
    vectors: Tensor = torch.full((1, 5, 64), value)
    for _ in range(3):
        quantized, _, loss, _ = rvq(vectors)
    assert torch.isfinite(quantized).all()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(b.entries).all() for b in rvq.codebooks)


# The search over the codebooks


def left_over(rvq: ResidualQuantizer, vectors: Tensor, codes: Tensor) -> Tensor:
    return (vectors - rvq.decode(codes)).square().sum(-1)


@torch.no_grad()
def test_one_beam_takes_the_nearest_entry_of_each_codebook() -> None:
    rvq = quantizer(size=40).eval()
    vectors = torch.randn(3, 11, 64)
    left, wanted = vectors, []
    for codebook in rvq.codebooks:
        part, indices, _ = greedy(codebook, left)
        left = left - part
        wanted.append(indices)
    assert torch.equal(rvq.encode(vectors, beams=1), torch.stack(wanted, 1))
    assert torch.equal(rvq(vectors)[1], torch.stack(wanted, 1))  # the default


@torch.no_grad()
@pytest.mark.parametrize("beams", [2, 5, 16])
def test_more_beams_never_leave_more_over(beams: int) -> None:
    rvq = quantizer(size=40).eval()
    vectors = torch.randn(4, 50, 64)
    one, more = (left_over(rvq, vectors, rvq.encode(vectors, n)) for n in (1, beams))
    assert (more <= one * (1 + 1e-5)).all()
    assert (more < 0.999 * one).float().mean() > 0.3  # and often less


@torch.no_grad()
def test_as_many_beams_as_there_are_choices_find_the_best() -> None:
    rvq = quantizer(size=4, codebooks=2).eval()
    vectors = torch.randn(2, 6, 64)
    every = torch.cartesian_prod(torch.arange(4), torch.arange(4))  # [16, 2]
    decoded = torch.stack([rvq.decode(c[None, :, None].expand(2, -1, 6)) for c in every])
    best = (vectors - decoded).square().sum(-1).argmin(0)  # [2, 6]
    assert torch.equal(rvq.encode(vectors, 16), every[best].transpose(1, 2))


@torch.no_grad()
def test_codes_are_found_in_float32_under_autocast() -> None:
    rvq = quantizer(size=40).eval()
    vectors = torch.randn(2, 30, 64)
    with torch.autocast("cpu", torch.bfloat16):
        found = rvq(vectors)[1]
    assert torch.equal(found, rvq(vectors)[1])
