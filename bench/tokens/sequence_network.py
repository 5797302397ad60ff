"""The network of `sequence.py`; importing it imports PyTorch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

WIDTH, KERNEL, STRIDE = 64, 5, 2
DROPOUT = 0.2


class SequenceNetwork(nn.Module):
    """Embeddings summed over the books, two strided convolutions, mean and maximum over time."""

    def __init__(self, sizes: Sequence[int] | int, classes: int) -> None:
        """Make it with weights drawn at random.

        Args:
            sizes: Entries of each book, or the number of features.
            classes: Classes to tell apart.
        """
        super().__init__()
        self.books = nn.ModuleList()
        self.into: nn.Module = nn.Identity()
        if isinstance(sizes, int):
            self.into = nn.Conv1d(sizes, WIDTH, 1)
        else:
            self.books.extend(nn.Embedding(size, WIDTH) for size in sizes)
        self.layers = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, KERNEL, STRIDE, KERNEL // 2) for _ in range(2)
        )
        self.drop = nn.Dropout(DROPOUT)
        self.out = nn.Linear(2 * WIDTH, classes)

    def forward(self, batch: Tensor, lengths: Tensor) -> Tensor:
        """Codes `[B, K, T]` or features `[B, D, T]`, of which `[B]` frames count, to `[B, C]`."""
        if self.books:
            embedded = [book(batch[:, k]) for k, book in enumerate(self.books)]
            hidden = torch.stack(embedded).sum(0).transpose(1, 2) / len(embedded) ** 0.5
        else:
            hidden = self.into(batch.float())
        hidden = hidden * _mask(lengths, hidden)
        for layer in self.layers:
            hidden = torch.relu(layer(self.drop(hidden)))
            lengths = (lengths - 1).div(STRIDE, rounding_mode="floor") + 1
            hidden = hidden * _mask(lengths, hidden)
        mean = hidden.sum(2) / lengths[:, None]
        logits: Tensor = self.out(self.drop(torch.cat((mean, hidden.amax(2)), dim=1)))
        return logits


def _mask(lengths: Tensor, hidden: Tensor) -> Tensor:
    """Which frames count, **Shape** `[B, 1, T]`."""
    return (torch.arange(hidden.shape[2], device=hidden.device) < lengths[:, None])[:, None]
