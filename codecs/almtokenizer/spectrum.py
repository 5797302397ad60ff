"""A short-time Fourier transform with exactly one column per frame, and phases for magnitudes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Spectrum(nn.Module):
    """Short-time Fourier transform with a Hann window of four hops.

    Sound of `T * hop` samples has T columns, column t centred on the middle of frame t. Scaled so
    that a sine of amplitude 1 has magnitude 1 in its bin.
    """

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop, self.size = hop, 4 * hop
        self.bins = self.size // 2 + 1
        self.window: Tensor
        self.register_buffer("window", torch.hann_window(self.size), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """Transform `[B, T * hop]` to complex `[B, F, T]`."""
        padded = F.pad(sound, (self._margin, self._margin))
        columns = padded.unfold(1, self.size, self.hop) * self.window
        spectrum: Tensor = torch.fft.rfft(columns).transpose(1, 2) / self._scale
        return spectrum

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Transform complex `[B, F, T]` to the `[B, T * hop]` that fits it best (least squares)."""
        columns = torch.fft.irfft(spectrum.transpose(1, 2) * self._scale, n=self.size)
        sound = self._overlap(columns * self.window)
        weight = self._overlap((self.window**2).expand(1, columns.shape[1], -1))
        return (sound / weight.clamp(min=1e-8))[:, self._margin : -self._margin]

    def find_phases(self, magnitudes: Tensor, rounds: int = 32, momentum: float = 0.99) -> Tensor:
        """Sound whose magnitudes come near `[B, F, T]`, without any randomness.

        The fast Griffin-Lim algorithm (Perraudin, Balazs, Søndergaard, "A Fast Griffin-Lim
        Algorithm", 2013), begun with each bin's phase running on at its own frequency.

        Returns:
            Sound `[B, T * hop]`.
        """
        bins = torch.arange(self.bins, device=magnitudes.device)
        columns = torch.arange(magnitudes.shape[2], device=magnitudes.device)
        step = 2 * torch.pi * self.hop / self.size
        running = step * (bins[:, None] * columns[None, :] % self.size)
        # Neighbours start half a turn apart, as those of one sine in mid-window are.
        phases = (running + torch.pi * bins[:, None] % (2 * torch.pi)).expand_as(magnitudes)
        estimate = torch.polar(magnitudes, phases)
        before = torch.zeros_like(estimate)
        for _ in range(rounds):
            consistent = self(self.inverse(estimate))
            ahead = consistent + momentum * (consistent - before)
            before = consistent
            estimate = magnitudes * ahead / ahead.abs().clamp(min=1e-12)
        return self.inverse(estimate)

    @property
    def _margin(self) -> int:
        return (self.size - self.hop) // 2

    @property
    def _scale(self) -> float:
        return self.size / 4  # half the sum of the window

    def _overlap(self, columns: Tensor) -> Tensor:
        length = (columns.shape[1] - 1) * self.hop + self.size
        folded = F.fold(
            columns.transpose(1, 2), (1, length), kernel_size=(1, self.size), stride=(1, self.hop)
        )
        return folded[:, 0, 0]
