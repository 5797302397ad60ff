"""Which frames and which vectors a query or a mask sees, by gradients and by changes of input."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.queries import (
    QueryDecoder,
    QueryEncoder,
    causal_mask,
    vector_positions,
)
from almbench.codecs.almtokenizer.transformer import Transformer

WINDOWS = range(2, 11)
WIDTH = 32


def config(
    layers: int = 1, span: int = 150, compression: str = "query", *, skip: bool = False
) -> ModelConfig:
    return ModelConfig.model_validate(
        {
            "width": WIDTH,
            "decoder_width": WIDTH,
            "head_width": 16,
            "code_width": 8,
            "encoder_layers": layers,
            "decoder_layers": layers,
            "attention_window": span,
            "compression": compression,
            "skip_connections": skip,
        }
    )


def make(kind: type[QueryEncoder] | type[QueryDecoder], shape: ModelConfig) -> QueryEncoder:
    torch.manual_seed(0)
    # In double precision what does not depend on something is told from what hardly does.
    return kind(shape).double()  # type: ignore[return-value]


def depends(run: Callable[[Tensor], Tensor], length: int) -> NDArray[np.bool_]:
    """Whether output row depends on input column: `[rows, columns]`."""
    x = torch.randn(1, length, WIDTH, dtype=torch.float64, requires_grad=True)
    out = run(x)[0]
    rows = []
    for row in out:
        (grad,) = torch.autograd.grad(row.square().sum(), x, retain_graph=True)
        rows.append((grad[0].abs().sum(-1) > 0).numpy())
    return np.stack(rows)


def silence_layers(transformer: Transformer) -> None:
    """Let every layer add nothing, so that only the last norm is left."""
    for name, weight in transformer.named_parameters():
        if name.endswith((".out.weight", ".feed_forward.3.weight")):
            torch.nn.init.zeros_(weight)


@pytest.mark.parametrize("w", WINDOWS)
def test_positions_in_time(w: int) -> None:
    found = vector_positions(3, w, torch.device("cpu")).tolist()
    wanted: list[float] = []
    for group in range(3):
        frames = [float(group * w + i) for i in range(w)]
        # Halfway between the last frame of the group and the first of the next.
        wanted += [*frames, (frames[-1] + group * w + w) / 2]
    assert found == wanted


@pytest.mark.parametrize("w", WINDOWS)
def test_what_stands_at_the_queries_is_kept(w: int) -> None:
    encoder = make(QueryEncoder, config())
    silence_layers(encoder.transformer)
    kept = encoder(torch.randn(2, 4 * w, WIDTH).double(), w)
    assert kept.shape == (2, 4, WIDTH)
    query = encoder.transformer.norm(encoder.query)
    torch.testing.assert_close(kept, query.expand_as(kept))


@pytest.mark.parametrize("w", WINDOWS)
def test_what_stands_at_the_masks_is_kept(w: int) -> None:
    torch.manual_seed(0)
    decoder = QueryDecoder(config()).double()
    silence_layers(decoder.transformer)
    kept = decoder(torch.randn(2, 4, WIDTH).double(), w)
    assert kept.shape == (2, 4 * w, WIDTH)
    mask = decoder.narrow(decoder.transformer.norm(decoder.mask))
    torch.testing.assert_close(kept, mask.expand_as(kept))


@pytest.mark.parametrize("w", WINDOWS)
def test_a_query_gathers_its_group_and_what_came_before(w: int) -> None:
    encoder = make(QueryEncoder, config(2))
    found = depends(lambda x: encoder(x, w), 4 * w)
    wanted = [[frame < (group + 1) * w for frame in range(4 * w)] for group in range(4)]
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("w", WINDOWS)
def test_masks_see_their_own_groups_vector_and_none_later(w: int) -> None:
    decoder = make(QueryDecoder, config(2))
    found = depends(lambda x: decoder(x, w), 4)
    wanted = [[group <= frame // w for group in range(4)] for frame in range(4 * w)]
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("lookahead", [1, 2])
@pytest.mark.parametrize("w", [2, 6])
def test_with_lookahead_masks_see_so_many_groups_more(w: int, lookahead: int) -> None:
    shape = config(1).model_copy(update={"lookahead": lookahead})
    found = depends(lambda x: make(QueryDecoder, shape)(x, w), 5)
    wanted = [[group <= frame // w + lookahead for group in range(5)] for frame in range(5 * w)]
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", [QueryEncoder, QueryDecoder])
def test_what_comes_later_changes_nothing_earlier(
    kind: type[QueryEncoder] | type[QueryDecoder],
) -> None:
    w, groups = 6, 5
    module = make(kind, config(3))
    inside, outside = (w, 1) if kind is QueryEncoder else (1, w)
    x = torch.randn(1, groups * inside, WIDTH).double()
    before = module(x, w)
    for group in range(groups):
        changed = x.clone()
        changed[:, group * inside] += 1  # the group's first
        moved = (module(changed, w) - before).abs().amax((0, 2)) > 1e-9
        assert moved.tolist() == [n // outside >= group for n in range(groups * outside)]


@pytest.mark.parametrize("span", [1, 4, 7])
@pytest.mark.parametrize("w", [2, 3, 6, 10])
def test_the_window_limits_what_a_query_sees(w: int, span: int) -> None:
    encoder = make(QueryEncoder, config(1, span))
    found = depends(lambda x: encoder(x, w), 4 * w)
    for group in range(4):
        query = group * w + w - 0.5
        for frame in range(4 * w):
            assert found[group, frame] == (0 <= query - frame <= span), (group, frame)


@pytest.mark.parametrize("span", [1, 7])
@pytest.mark.parametrize("w", [2, 3, 6, 10])
def test_the_window_limits_what_a_mask_sees(w: int, span: int) -> None:
    decoder = make(QueryDecoder, config(1, span))
    found = depends(lambda x: decoder(x, w), 5)
    for frame in range(5 * w):
        for group in range(5):
            vector = group * w + w - 0.5
            # Its own group's vector is seen whatever the window.
            wanted = group <= frame // w and frame - vector <= span
            assert found[frame, group] == wanted, (frame, group)


def test_layers_add_up_their_windows() -> None:
    encoder = make(QueryEncoder, config(3, 4))
    found = depends(lambda x: encoder(x, 2), 60)
    farthest = [group * 2 + 1.5 - row.nonzero()[0][0] for group, row in enumerate(found)]
    assert 4 < max(farthest) <= 3 * 4


def test_dropping_keeps_the_last_frame_of_each_group() -> None:
    encoder = QueryEncoder(config(compression="drop"))
    frames = torch.randn(2, 12, WIDTH)
    for w in (2, 3, 6):
        kept = encoder(frames, w)
        wanted = torch.stack([frames[:, n] for n in range(w - 1, 12, w)], dim=1)
        assert torch.equal(kept, wanted)


def test_a_batch_is_as_its_members_alone() -> None:
    encoder, decoder = make(QueryEncoder, config(2)), make(QueryDecoder, config(2))
    for module, length in ((encoder, 18), (decoder, 3)):
        x = torch.randn(3, length, WIDTH).double()
        both = module(x, 6)
        for n in range(3):
            torch.testing.assert_close(module(x[n : n + 1], 6)[0], both[n])


def run_over(positions: Tensor, x: Tensor, layers: int = 2) -> Tensor:
    torch.manual_seed(1)
    transformer = Transformer(WIDTH, layers, 16).double()
    order = torch.arange(len(positions))
    out: Tensor = transformer(x, positions, causal_mask(order, positions, 150))
    return out


@pytest.mark.parametrize("shift", [1.0, 37.5, -12.0])
def test_attention_knows_relative_positions_only(shift: float) -> None:
    positions = vector_positions(3, 4, torch.device("cpu")).double()
    x = torch.randn(1, len(positions), WIDTH).double()
    torch.testing.assert_close(
        run_over(positions + shift, x), run_over(positions, x), rtol=1e-6, atol=1e-6
    )


def test_attention_does_know_positions() -> None:
    positions = torch.arange(8).double()
    x = torch.randn(1, 8, WIDTH).double()
    assert (run_over(1.5 * positions, x) - run_over(positions, x)).abs().max() > 1e-3


def test_a_layer_by_hand() -> None:
    """One layer in numpy: complex rotations, the fade, softmax, GELU."""
    from scipy.special import erf, softmax

    torch.manual_seed(2)
    transformer = Transformer(WIDTH, 1, 16).double()
    for p in transformer.parameters():
        torch.nn.init.normal_(p, std=0.3)
    positions = torch.tensor([0.0, 1.0, 1.5, 2.0, 4.0]).double()
    x = torch.randn(1, 5, WIDTH).double()
    mask = causal_mask(torch.arange(5), positions, 2)
    found = transformer(x, positions, mask)[0].detach().numpy()

    weights = {n: p.detach().numpy() for n, p in transformer.named_parameters()}
    at, start = positions.numpy(), x[0].numpy()

    def norm(v: NDArray[np.float64], weight: str) -> NDArray[np.float64]:
        rms = np.sqrt(np.mean(v**2, axis=-1, keepdims=True) + np.finfo(np.float64).eps)
        return np.asarray(v / rms * weights[weight])

    qkv = norm(start, "layers.0.attention_norm.weight") @ weights["layers.0.qkv.weight"].T
    mixed = []
    for head in range(2):
        q, k, v = (qkv[:, part * 32 + head * 16 :][:, :16] for part in range(3))
        turn = np.exp(1j * np.outer(at, 10_000.0 ** (-np.arange(0, 16, 2) / 16)))
        q, k = ((s[:, :8] + 1j * s[:, 8:]) * turn for s in (q, k))
        scores = (q @ k.conj().T).real / 4
        scores -= 2.0 ** (-8 * (head + 1) / 2) * np.abs(at[:, None] - at)
        allowed = (at[:, None] >= at) & (at[:, None] - at <= 2)
        mixed.append(softmax(np.where(allowed, scores, -np.inf), axis=1) @ v)
    hidden = start + np.concatenate(mixed, axis=1) @ weights["layers.0.out.weight"].T
    inner = norm(hidden, "layers.0.feed_forward.0.weight")
    inner = inner @ weights["layers.0.feed_forward.1.weight"].T
    inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
    hidden = hidden + inner @ weights["layers.0.feed_forward.3.weight"].T
    np.testing.assert_allclose(found, norm(hidden, "norm.weight"), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("w", WINDOWS)
def test_with_a_skip_training_begins_with_means_and_repeats(w: int) -> None:
    x = torch.randn(2, 3 * w, WIDTH, dtype=torch.float64)
    means = make(QueryEncoder, config(skip=True))(x, w)
    np.testing.assert_allclose(means.detach(), x.view(2, 3, w, WIDTH).mean(2), atol=1e-12)
    spread = make(QueryDecoder, config(skip=True))(means, w).detach().view(2, 3, w, WIDTH)
    for i in range(w):
        np.testing.assert_allclose(spread[:, :, i], means.detach(), atol=1e-12)


@pytest.mark.parametrize("w", [2, 5])
def test_a_skip_is_added_to_what_the_layers_make(w: int) -> None:
    x = torch.randn(1, 4 * w, WIDTH, dtype=torch.float64)
    for kind, given in ((QueryEncoder, x), (QueryDecoder, x[:, :4])):
        without, with_skip = make(kind, config()), make(kind, config(skip=True))
        with_skip.load_state_dict(without.state_dict())
        added = (with_skip(given, w) - without(given, w)).detach()
        wanted = (
            x.view(1, 4, w, WIDTH).mean(2)
            if kind is QueryEncoder
            else given.repeat_interleave(w, 1)
        )
        np.testing.assert_allclose(added, wanted, atol=1e-10)


def test_with_a_skip_every_weight_learns_after_the_first_step() -> None:
    encoder, decoder = (make(kind, config(skip=True)) for kind in (QueryEncoder, QueryDecoder))
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    x = torch.randn(2, 12, WIDTH, dtype=torch.float64)
    for _ in range(3):  # the last map of each wakes first, then what is before it
        optimizer.zero_grad()
        (decoder(encoder(x, 4), 4) - x).square().sum().backward()
        optimizer.step()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in weights)
