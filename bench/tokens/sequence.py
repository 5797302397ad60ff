"""A small convolutional network that tells the class of a sequence: of codes, or of features."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from almbench.statistics.clusters import Numbers

if TYPE_CHECKING:
    from torch import Tensor

CROP = 256  # frames of a clip that one step sees
BATCH = 32
AT_ONCE = 64  # clips that are tested at once
RATE = 2e-3
DECAY = 1e-2


class SequenceClassifier:
    """Embeddings of codes, summed over the books, two strided convolutions, mean and maximum.

    Features take the place of the embeddings where there are no codes. It is trained by AdamW with
    cross-entropy, classes weighted alike, for a fixed number of steps, so its cost does not grow
    with the number of clips.
    """

    def __init__(self, sizes: Sequence[int] | int, classes: int, steps: int, seed: int) -> None:
        """Describe the network.

        Args:
            sizes: Entries of each book, or the number of features.
            classes: Classes to tell apart.
            steps: Steps of training.
            seed: Seed of weights, batches and crops.
        """
        self._sizes, self._classes, self._steps, self._seed = sizes, classes, steps, seed

    def fit(self, clips: Sequence[Any], labels: Numbers, device: str) -> "SequenceClassifier":
        """Train it.

        Args:
            clips: Codes `[K, T]`, or features `[D, T]`, of each clip.
            labels: Their classes.
            device: cpu or cuda.
        """
        import torch
        from torch import nn

        from almbench.tokens.sequence_network import SequenceNetwork

        rng = np.random.default_rng(self._seed)
        self._device = device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            self._net = SequenceNetwork(self._sizes, self._classes).to(device)
            weights = 1 / np.maximum(1, np.bincount(labels, minlength=self._classes))
            loss = nn.CrossEntropyLoss(torch.tensor(weights / weights.mean(), dtype=torch.float32))
            loss = loss.to(device)
            optimizer = torch.optim.AdamW(self._net.parameters(), RATE, weight_decay=DECAY)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, self._steps)
            self._net.train()
            for _ in range(self._steps):
                chosen = rng.integers(len(clips), size=BATCH)
                logits = self._logits([_crop(clips[i], rng) for i in chosen])
                optimizer.zero_grad()
                loss(logits, torch.from_numpy(labels[chosen]).to(device)).backward()
                optimizer.step()
                schedule.step()
        return self

    def predict(self, clips: Sequence[Any]) -> Numbers:
        """The class of each clip, **Shape** `[N]`."""
        import torch

        self._net.eval()
        order = np.argsort([clip.shape[1] for clip in clips], kind="stable")
        found = np.empty(len(clips), np.int64)
        with torch.inference_mode():
            for start in range(0, len(order), AT_ONCE):
                part = order[start : start + AT_ONCE]
                logits = self._logits([clips[i] for i in part])
                found[part] = logits.argmax(1).cpu().numpy()
        return found

    def _logits(self, clips: Sequence[Any]) -> "Tensor":
        import torch

        lengths = torch.tensor([clip.shape[1] for clip in clips], device=self._device)
        batch = np.zeros((len(clips), len(clips[0]), int(lengths.max())), clips[0].dtype)
        for row, clip in zip(batch, clips, strict=True):
            row[:, : clip.shape[1]] = clip
        logits: Tensor = self._net(torch.from_numpy(batch).to(self._device), lengths)
        return logits


def _crop(clip: Any, rng: np.random.Generator) -> Any:
    start = int(rng.integers(max(1, clip.shape[1] - CROP + 1)))
    return clip[:, start : start + CROP]
