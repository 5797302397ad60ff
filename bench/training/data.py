"""Crops of sound to learn from, each found by its number alone: training resumes exactly."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from almbench.audio import BY_SOUNDFILE, Samples, fit
from almbench.decoding import UNKNOWN
from almbench.errors import UserError, unknown
from almbench.files import audio_files
from almbench.training.recipe import DataConfig, StageConfig, TrainConfig

KNOTS = 6  # frequencies at which the random equalizer has a gain
KNOT_OCTAVES = np.linspace(-7, 0, KNOTS)  # below half the rate


@dataclass(frozen=True)
class Folder:
    """Files of one kind.

    Attributes:
        paths: The files, sorted.
        frames: Length of each, in samples.
        rates: Rate of each in Hz.
        share: Share of the crops.
        speech: Whether it is speech.
        speakers: Of whom each file is; empty where it is no speech.
    """

    paths: list[Path]
    frames: list[int]
    rates: list[int]
    share: float
    speech: bool
    speakers: list[str] = field(default_factory=list)

    @property
    def weights(self) -> NDArray[np.float64]:
        """How often each file is drawn: by its length, but all speakers equally often."""
        seconds = np.array(self.frames) / np.array(self.rates)
        if self.speakers:
            _, of_file = np.unique(self.speakers, return_inverse=True)
            seconds = seconds / np.bincount(of_file, seconds)[of_file]
        weights: NDArray[np.float64] = seconds / seconds.sum()
        return weights

    @property
    def hours(self) -> float:
        """How much sound there is."""
        return sum(n / r for n, r in zip(self.frames, self.rates, strict=True)) / 3600


def open_folders(wanted: Sequence[DataConfig], given: Mapping[str, Path]) -> list[Folder]:
    """Find the files of each folder of a recipe.

    Raises:
        UserError: A folder was not given, is not there or holds no sound, or none has that name.
    """
    names = [data.name for data in wanted]
    for name in given:
        if name not in names:
            raise UserError(unknown("data name", name, names, "in the recipe"))
    if missing := [data for data in wanted if data.name not in given]:
        asked = ", ".join(
            f"--data {data.name}=PATH" + (f" ({data.what})" if data.what else "")
            for data in missing
        )
        raise UserError(f"The recipe needs folders of sound: {asked}.")
    return [_open(given[data.name], data) for data in wanted]


def _open(root: Path, data: DataConfig) -> Folder:
    paths = [path for path in audio_files(root) if path.suffix.lower() in BY_SOUNDFILE]
    if not paths:
        raise UserError(
            f"--data {data.name}={root}: no sound is there. Allowed: a folder with files that end "
            f"in {', '.join(sorted(BY_SOUNDFILE))}."
        )
    infos = [_info(path, f"--data {data.name}={root}") for path in paths]
    return Folder(
        paths,
        [info.frames for info in infos],
        [info.samplerate for info in infos],
        data.share,
        data.speech,
        [_speaker(path.relative_to(root)) for path in paths] if data.speech else [],
    )


def _speaker(path: Path) -> str:
    return path.parts[0].split("-")[0]


def _info(path: Path, where: str) -> Any:
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        raise UserError(f"{where}: {path} cannot be read: {error}. To fix: remove it.") from error
    if info.frames >= UNKNOWN:
        raise UserError(f"{where}: {path} does not say how long it is. To fix: convert it again.")
    if not info.frames:
        raise UserError(f"{where}: {path} holds no samples. To fix: remove it.")
    return info


@dataclass(frozen=True)
class Drawn:
    """What was drawn for a crop.

    Attributes:
        folder: Number of the folder.
        file: Number of the file in it.
        start: First sample that is read.
        samples: Samples that are read.
        rate: Rate in Hz that the file is taken to have, which sets the speed.
        length: Samples of the crop.
        gain: Factor of its level.
        gains_db: Gains of the equalizer in dB, **Shape** `[KNOTS]`.
        noise: Level of the white noise that is added, 0 for none.
    """

    folder: int
    file: int
    start: int
    samples: int
    rate: float
    length: int
    gain: float
    gains_db: NDArray[np.float64]
    noise: float


class ByNumber(Protocol):
    """What has rows for the crops of a stage, each found by its number."""

    @property
    def stage(self) -> StageConfig:
        """The stage."""

    def __getitem__(self, number: int, /) -> NDArray[np.floating]:
        """The row of crop `number`."""


class Crops:
    """Crop n of a stage: a folder by its share, a file by its weight, a place in it, a length.

    The crops of a step are equally long, in all of its processes. What is too short is padded with
    zeros. Stereo is averaged. A change of speed and pitch costs nothing: it is a resampling from
    another rate.
    """

    def __init__(
        self, folders: list[Folder], recipe: TrainConfig, stage: StageConfig, processes: int = 1
    ) -> None:
        self.folders, self.stage, self.seed = folders, stage, recipe.seed
        self.of_step = stage.batch * processes
        self.rate, self.hop = recipe.model.sample_rate, recipe.model.hop
        shares = np.array([folder.share for folder in folders])
        self.shares = shares / shares.sum()
        self.files = [folder.weights for folder in folders]

    def draw(self, number: int) -> tuple[Drawn, np.random.Generator]:
        """Draw what crop `number` is; the generator goes on with its noise."""
        stage = self.stage
        of_step = np.random.default_rng((self.seed, 1, number // self.of_step))
        seconds = of_step.uniform(stage.min_seconds, stage.max_seconds)
        length = max(1, round(seconds * self.rate / self.hop)) * self.hop
        rng = np.random.default_rng((self.seed, 2, number))
        which = rng.choice(len(self.folders), p=self.shares)
        folder = self.folders[which]
        file = rng.choice(len(folder.paths), p=self.files[which])
        rate = folder.rates[file] * (1 + rng.uniform(-stage.speed, stage.speed))
        wanted = int(np.ceil(length * rate / self.rate))
        start = int(rng.integers(0, max(1, folder.frames[file] - wanted + 1)))
        gain = 10 ** (rng.uniform(-stage.gain_db, stage.gain_db) / 20)
        most_db, noise = stage.equalizer_db, 0.0
        gains_db = rng.uniform(-most_db, most_db, KNOTS) if most_db else np.zeros(KNOTS)
        if stage.noise_db is not None:
            noise = 10 ** (rng.uniform(stage.noise_db - 40, stage.noise_db) / 20)
        return Drawn(int(which), int(file), start, wanted, rate, length, gain, gains_db, noise), rng

    def __getitem__(self, number: int) -> NDArray[np.float32]:
        """Read crop `number`, **Shape** `[S]`, S a multiple of the hop."""
        drawn, rng = self.draw(number)
        path = self.folders[drawn.folder].paths[drawn.file]
        read, _ = soundfile.read(path, drawn.samples, drawn.start, dtype="float32", always_2d=True)
        sound = soxr.resample(read.mean(1), drawn.rate, self.rate)
        sound = fit(sound * drawn.gain, drawn.length)
        if drawn.gains_db.any():
            sound = _equalize(sound, drawn.gains_db)
        if drawn.noise:
            sound = sound + drawn.noise * rng.standard_normal(drawn.length)
        return np.clip(sound, -1, 1).astype(np.float32)


def _equalize(sound: Samples, gains_db: NDArray[np.float64]) -> Samples:
    """An equalizer: gains at frequencies evenly spaced in octaves, lines between them."""
    spectrum = np.fft.rfft(sound)
    gains = np.interp(octaves(len(spectrum)), KNOT_OCTAVES, gains_db)
    shaped: Samples = np.fft.irfft(spectrum * 10 ** (gains / 20), len(sound))
    return shaped


def octaves(bins: int) -> NDArray[np.float64]:
    """Where the bins of a spectrum lie, in octaves below half the rate: -7 to 0."""
    places: NDArray[np.float64] = np.log2(np.linspace(0, 1, bins).clip(min=2**-7))
    return places


class _Numbers:
    """Batches of crop numbers of one process, from a step on."""

    def __init__(self, stage: StageConfig, first: int, rank: int, world: int) -> None:
        self.stage, self.first, self.rank, self.world = stage, first, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        size = self.stage.batch
        for step in range(self.first, self.stage.steps):
            start = (step * self.world + self.rank) * size
            yield list(range(start, start + size))


def _stack(sounds: list[NDArray[np.floating]]) -> Tensor:
    return torch.from_numpy(np.stack(sounds))


def batches(
    crops: ByNumber,
    first: int,
    rank: int = 0,
    world: int = 1,
    workers: int = 0,
    pinned: bool = False,
) -> Iterator[Tensor]:
    """Batches `[B, S]` of a stage from step `first` on, for one of `world` processes.

    Args:
        crops: The crops, or something else by their numbers.
        first: The first step.
        rank: Which of the processes this is.
        world: How many processes there are.
        workers: Processes that read sound.
        pinned: Whether batches lie in page-locked memory, from which a GPU copies beside its work.
    """
    dataset: Any = crops
    loader: DataLoader[Tensor] = DataLoader(
        dataset,
        batch_sampler=_Numbers(crops.stage, first, rank, world),
        num_workers=workers,
        collate_fn=_stack,
        prefetch_factor=4 if workers else None,
        pin_memory=pinned,
    )
    return iter(loader)
