"""Crops cut on the device are those that the processor cuts."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from almbench.training.data import Crops, batches, open_folders
from almbench.training.device_sound import DeviceSound, Draws
from almbench.training.recipe import load_config

CHANGES = ("stage2.batch=6", "stage2.min_seconds=0.8", "stage2.max_seconds=0.9")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Sounds below 5 kHz at four rates, one shorter than a crop, one in stereo."""
    for n, rate in enumerate((16_000, 24_000, 44_100, 48_000)):
        time = np.arange(int(rate * (0.5 if n == 1 else 2))) / rate
        tones = [np.sin(2 * np.pi * f * time + f) for f in (110 * (n + 1), 1234, 4900)]
        sound = np.mean(tones, axis=0) * np.hanning(len(time))
        stereo = np.stack((sound, 0.5 * sound), axis=1) if n == 2 else sound
        sf.write(tmp_path / f"{n}.wav", stereo, rate, subtype="PCM_16")
    return tmp_path


def crops(place: Path, noise_db: float) -> Crops:
    recipe = load_config("medium", (*CHANGES, f"stage2.noise_db={noise_db}"))
    return Crops(open_folders(recipe.data[:1], {"read": place}), recipe, recipe.stage2)


def both(source: Crops) -> tuple[torch.Tensor, torch.Tensor]:
    held = DeviceSound(source.folders, torch.device("cpu"))
    rows = next(batches(Draws(source, held.starts), 0))
    return next(batches(source, 0)), held.cut(rows)


def test_crops_are_those_of_the_processor(made: Path) -> None:
    wanted, found = both(crops(made, -200))
    assert found.shape == wanted.shape
    assert found.dtype == torch.float32
    middle = slice(400, -400)  # a crop's ends are cut from sound that the other does not read
    for one, other in zip(wanted[:, middle], found[:, middle], strict=True):
        gap_db = 10 * torch.log10((one - other).square().sum() / one.square().sum())
        assert gap_db < -35


def test_noise_has_the_level_that_was_drawn(made: Path) -> None:
    source = crops(made, -20)
    _, clean = both(crops(made, -200))
    torch.manual_seed(0)
    _, noisy = both(source)
    for n in range(6):
        level = source.draw(n)[0].noise
        assert (noisy - clean)[n].std().item() == pytest.approx(level, rel=0.05, abs=1e-4)
