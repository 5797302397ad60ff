"""The residual vector quantizer: a fixed semantic codebook, then learned ones."""

from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from almbench.codecs.almtokenizer.config import ModelConfig

DECAY = 0.99  # at the height of the learning rate
RARE = 0.1  # an entry used less often than this share of the mean is replaced


class ResidualQuantizer(nn.Module):
    """Quantize vectors, each codebook what the ones before it left over.

    The first codebook's entries are the centres of the prior, if there is one, and stay as they
    are. The others follow what they are given by moving averages (van den Oord et al., "Neural
    Discrete Representation Learning", 2017, appendix A).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size, width = config.codebook_size, config.width
        first = config.prior_width or config.code_width
        widths = [first] + [config.code_width] * (config.codebooks - 1)
        self.codebooks: Iterable[Codebook] = nn.ModuleList(  # type: ignore[assignment]
            Codebook(size, width, inner, learns=k > 0 or not config.prior_width)
            for k, inner in enumerate(widths)
        )

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
        """Quantize `[B, G, D]`, in float32 whatever the precision.

        Returns:
            The quantized vectors `[B, G, D]`, with gradients passed straight through; the codes
            `[B, K, G]`; the commitment loss; each codebook's part of the quantized vectors.
        """
        with torch.autocast(vectors.device.type, enabled=False):
            left = vectors = vectors.float()
            codes = self.encode(vectors)
            parts, losses = [], []
            for codebook, indices in zip(self.codebooks, codes.unbind(1), strict=True):
                part, loss = codebook(left, indices)
                left = left - part
                parts.append(part)
                losses.append(loss)
        return torch.stack(parts).sum(0), codes, torch.stack(losses).mean(), parts

    @torch.no_grad()
    def encode(self, vectors: Tensor, beams: int = 1) -> Tensor:
        """Find codes `[B, K, G]` of vectors `[B, G, D]` by a beam search over the codebooks.

        After each codebook the `beams` choices that leave least over (squared norm) go on, and the
        greedy one always does: what is left over at the end is never more than with one beam.

        Args:
            vectors: What to encode.
            beams: How many choices go on, 1 for the nearest entry of each codebook in turn.
        """
        left = vectors.flatten(0, 1)[:, None]  # [N, H, D], H choices so far, the greedy one first
        paths = left.new_empty(*left.shape[:2], 0, dtype=torch.long)  # [N, H, k]
        for codebook in self.codebooks:
            indices = codebook.nearest(codebook.into(left), beams)  # [N, H, beams]
            after = (left[:, :, None] - codebook.decode(indices)).flatten(1, 2)
            errors = after.square().sum(-1)
            errors[:, 0] = -1
            kept = errors.topk(min(beams, errors.shape[1]), largest=False).indices[..., None]
            left = after.gather(1, kept.expand(-1, -1, after.shape[2]))
            longer = torch.cat(
                (paths[:, :, None].expand(-1, -1, indices.shape[2], -1), indices[..., None]), dim=3
            ).flatten(1, 2)
            paths = longer.gather(1, kept.expand(-1, -1, longer.shape[2]))
        best = left.square().sum(-1).argmin(1)[:, None, None].expand(-1, 1, paths.shape[2])
        codes = paths.gather(1, best)[:, 0]
        return codes.view(*vectors.shape[:2], -1).transpose(1, 2)

    def decode(self, codes: Tensor) -> Tensor:
        """Turn codes `[B, K, G]`, K at most `codebooks`, into vectors `[B, G, D]`."""
        pairs = zip(self.codebooks, codes.unbind(1), strict=False)
        return torch.stack([codebook.decode(indices) for codebook, indices in pairs]).sum(0)


class Codebook(nn.Module):
    """One codebook in a space of its own, between two linear maps.

    Args:
        size: Its entries.
        width: Width of the vectors outside.
        inner: Width of its entries.
        learns: Whether entries move.

    Attributes:
        decay: Decay of the moving averages that the entries follow.
    """

    def __init__(self, size: int, width: int, inner: int, *, learns: bool) -> None:
        super().__init__()
        self.learns = learns
        self.into = nn.Linear(width, inner)
        self.out = nn.Linear(inner, width)
        self.entries: Tensor
        self.counts: Tensor
        self.sums: Tensor
        entries = torch.randn(size, inner)
        self.register_buffer("entries", entries)
        # Only training needs these; a published checkpoint leaves them out.
        self.register_buffer("counts", torch.ones(size), persistent=learns)
        self.register_buffer("sums", entries.clone(), persistent=learns)
        # On the device, so that a recorded step of training follows it.
        self.decay: Tensor
        self.register_buffer("decay", torch.tensor(DECAY), persistent=False)

    def forward(self, vectors: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Quantize `[B, G, D]` to the entries of codes `[B, G]`; returns that and the loss."""
        inner = self.into(vectors)
        chosen = F.embedding(indices, self.entries)
        if self.training and self.learns:
            self._follow(inner.detach().flatten(0, 1), indices.flatten())
        loss = F.mse_loss(inner, chosen)
        through = inner + (chosen - inner).detach()
        return self.out(through), loss

    def nearest(self, inner: Tensor, count: int = 1) -> Tensor:
        """Indices `[..., count]` of the entries nearest to `[..., inner]`, the nearest first."""
        with torch.autocast(inner.device.type, enabled=False):  # bfloat16 would confuse neighbours
            flat = inner.float().flatten(0, -2)
            distances = (self.entries**2).sum(1) - 2 * flat @ self.entries.T
        count = min(count, len(self.entries))
        if count == 1:
            found = distances.argmin(1, keepdim=True)
        else:
            found = distances.topk(count, largest=False).indices
        return found.view(*inner.shape[:-1], count)

    def decode(self, indices: Tensor) -> Tensor:
        """Turn codes `[B, G]` into vectors `[B, G, D]`."""
        vectors: Tensor = self.out(F.embedding(indices, self.entries))
        return vectors

    @torch.no_grad()
    def _follow(self, inner: Tensor, indices: Tensor) -> None:
        counts = torch.zeros_like(self.counts).index_add_(0, indices, inner.new_ones(len(indices)))
        sums = torch.zeros_like(self.sums).index_add_(0, indices, inner)
        if distributed.is_initialized():
            distributed.all_reduce(counts)
            distributed.all_reduce(sums)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        self._replace_rare(inner)
        self.entries.copy_(self.sums / self.counts.clamp(min=1e-6)[:, None])

    def _replace_rare(self, inner: Tensor) -> None:
        """Give entries that are hardly used a second life as vectors of this batch."""
        usual = self.counts.mean()
        rare = self.counts < RARE * usual
        picked = inner[torch.randint(len(inner), self.counts.shape, device=inner.device)]
        if distributed.is_initialized():  # every process must pick the same
            distributed.broadcast(picked, 0)
        # Chosen by masks: to count the rare ones would make a GPU wait at every step.
        self.counts.copy_(torch.where(rare, usual, self.counts))
        self.sums.copy_(torch.where(rare[:, None], picked * usual, self.sums))
