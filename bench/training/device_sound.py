"""Crops cut on a GPU, from sound that lies in its memory: reading would keep it waiting."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from almbench.training.data import KNOT_OCTAVES, KNOTS, Crops, Folder, octaves

TAPS = 32  # samples that each sample of a crop is made of
CUTOFF = 0.95  # of half the lower of both rates


class Draws:
    """What is drawn for crop n, as numbers, **Shape** `[6 + KNOTS]`, for `DeviceSound.cut`.

    They are first sample in `DeviceSound`, samples of the file from there on, samples read for
    each sample made, length, gain, noise, and the equalizer's gains in dB.
    """

    def __init__(self, crops: Crops, starts: Sequence[NDArray[np.int64]]) -> None:
        self.crops, self.stage, self.starts = crops, crops.stage, starts

    def __getitem__(self, number: int) -> NDArray[np.float64]:
        """The numbers of crop `number`."""
        drawn, _ = self.crops.draw(number)
        folder = self.crops.folders[drawn.folder]
        first = self.starts[drawn.folder][drawn.file] + drawn.start
        there = folder.frames[drawn.file] - drawn.start
        ratio = drawn.rate / self.crops.rate
        head = first, there, ratio, drawn.length, drawn.gain, drawn.noise
        return np.concatenate((head, drawn.gains_db))


class DeviceSound:
    """All sound of some folders in the memory of a device, in 16 bit.

    Attributes:
        starts: For each folder, where each file begins.
    """

    def __init__(self, folders: Sequence[Folder], device: torch.device) -> None:
        paths = [path for folder in folders for path in folder.paths]
        with ThreadPoolExecutor() as readers:
            sounds = list(readers.map(_read, paths))
        lengths = np.cumsum([0, *(len(sound) for sound in sounds)])
        sizes = np.cumsum([0, *(len(folder.paths) for folder in folders)])
        self.starts = [lengths[first:last] for first, last in pairwise(sizes)]
        self.samples = torch.from_numpy(np.concatenate(sounds)).to(device)

    def batches(self, rows: Iterable[Tensor], seed: int, step: int) -> Iterator[Tensor]:
        """Cut batch after batch, each while the step before it is still being computed.

        Args:
            rows: Numbers of the crops of each step, **Shape** `[B, 6 + KNOTS]`.
            seed: Seed of the noise.
            step: The first step, from which with the seed the noise follows.
        """
        device = self.samples.device
        beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        for number, row in enumerate(rows, step):
            with torch.cuda.stream(beside):
                noise = torch.Generator(device).manual_seed(seed + number)
                crops = self.cut(row.to(device, non_blocking=True), noise)
            now = torch.cuda.current_stream(device)
            now.wait_stream(beside)
            crops.record_stream(now)
            yield crops

    def cut(self, draws: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Make the crops `[B, S]` of a step, all equally long, from their numbers `[B, 6 + KNOTS]`.

        They are those of `Crops` but for the noise, which is drawn here, and for the resampling: a
        sinc under a Hann window, whose band ends a little earlier.
        """
        first, there, ratio, length, gain, noise = draws[:, :6, None].unbind(1)
        places = torch.arange(int(length[0]), device=draws.device) * ratio  # [B, S]
        whole = places.floor()
        taps = torch.arange(TAPS, device=draws.device) - TAPS // 2 + 1
        index = whole[..., None].long() + taps  # [B, S, TAPS]
        inside = (index >= 0) & (index < there[..., None])
        index = (index + first[..., None].long()).clamp(0, len(self.samples) - 1)
        read = torch.where(inside, self.samples[index].float() / 2**15, 0.0)
        away = (places - whole).float()[..., None] - taps
        band = CUTOFF / ratio.clamp(min=1).float()[..., None]
        window = torch.cos(torch.pi * away / TAPS).square()
        sound = (read * band * torch.sinc(band * away) * window).sum(-1) * gain.float()
        sound = self._equalize(sound, draws[:, -KNOTS:].float())
        white = torch.randn(sound.shape, generator=generator, device=sound.device)
        sound = sound + noise.float() * white
        crops: Tensor = sound.clamp(-1, 1)
        return crops

    @staticmethod
    def _equalize(sound: Tensor, gains_db: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(sound)
        places = octaves(spectrum.shape[1])
        lines = np.stack([np.interp(places, KNOT_OCTAVES, knot) for knot in np.eye(KNOTS)])
        gains = gains_db @ torch.from_numpy(lines).float().to(sound.device)
        shaped: Tensor = torch.fft.irfft(spectrum * 10 ** (gains / 20), sound.shape[1])
        return shaped


def _read(path: Path) -> NDArray[np.int16]:
    read, _ = soundfile.read(path, dtype="int16", always_2d=True)
    mean: NDArray[np.int16] = read.mean(1).round().astype(np.int16)
    return mean
