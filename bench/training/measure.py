"""Measure a checkpoint on held-out speech, and write the figures into its card."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from almbench.audio import Samples, fit, read, resample, write_flac
from almbench.codecs.almtokenizer.checkpoint import CARD, CONFIG, WEIGHTS, read_model_config
from almbench.codecs.almtokenizer.spectrum import Spectrum
from almbench.codecs.checkpoints import find
from almbench.errors import UserError
from almbench.files import audio_files
from almbench.progress import stage
from almbench.runner.run import run_suite
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.training.model_card import measured_section, with_measured

WINDOWS = (2, 3, 6, 10)
METRICS = ["pesq_wb", "stoi", "estoi", "visqol_speech", "mel_distance"]
RATE, HOP = 24_000, 320
CONSTANT = "mean-spectrum"


def measure(checkpoint: Path, speech: Path, training: Path, output: Path) -> pd.DataFrame:
    """Run a checkpoint at four windows on speech, beside codecs and a constant.

    Args:
        checkpoint: Folder of the checkpoint; its card gets the figures.
        speech: Folder of held-out speech.
        training: Folder of speech that was trained on, whose mean spectrum is the constant.
        output: Run folder.

    Returns:
        The summary of the run.

    Raises:
        UserError: A folder holds no sound.
        Unavailable: A file of the checkpoint is missing, or it is none of this model.
    """
    model = read_model_config(find(str(checkpoint), "", (CONFIG, CARD, WEIGHTS), network=False))
    constant = output / CONSTANT
    write_mean_spectrum(_sounds(training), _sounds(speech), constant)
    run_suite(_suite(checkpoint, speech, constant), output / "run", "auto")
    summary = pd.read_csv(output / "run" / "summary.csv", keep_default_na=False, na_values=[""])
    card = checkpoint / CARD
    section = measured_section(summary, model)
    card.write_text(with_measured(card.read_text(encoding="utf-8"), section), encoding="utf-8")
    return summary


def write_mean_spectrum(training: list[Path], speech: list[Path], output: Path) -> None:
    """Write for each clip a sound of its length with the mean training spectrum throughout."""
    spectrum = Spectrum(HOP)
    total, count = torch.zeros(spectrum.bins), 0
    with stage("Mean spectrum", len(training), "files") as bar:
        for path in training:
            magnitudes = spectrum(_frames(_at_rate(path)))[0].abs()
            total += torch.log(magnitudes + 1e-4).sum(1)
            count += magnitudes.shape[1]
            bar.advance()
    column = torch.exp(total / count)
    for path in speech:
        samples = _at_rate(path)
        frames = -(-len(samples) // HOP)
        made = spectrum.find_phases(column[None, :, None].expand(1, -1, frames))[0].double()
        place = output / f"{path.stem}.flac"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_flac(place, fit(np.asarray(made), len(samples)), RATE)


def _suite(checkpoint: Path, speech: Path, constant: Path) -> Suite:
    def tokenizer(window: int) -> CodecConfig:
        options = {"checkpoint": str(checkpoint.resolve()), "window": window}
        return CodecConfig(
            id=f"almtokenizer-w{window}",
            adapter="almtokenizer",
            label=f"ALMTokenizer, w = {window}",
            options=options,
        )

    return Suite(
        name="almtokenizer-card",
        testset=[TestSetConfig(name="speech", domain="speech", path=str(speech.resolve()))],
        codec=[
            *map(tokenizer, WINDOWS),
            CodecConfig(id="codec2-700"),
            CodecConfig(id="opus-6"),
            CodecConfig(
                id=CONSTANT,
                adapter="reconstructions",
                label="Mean training spectrum",
                options={"path": str(constant.resolve())},
            ),
        ],
        metrics={"speech": METRICS},
    )


def _at_rate(path: Path) -> Samples:
    sound = read(path)
    return resample(sound.samples, sound.rate, RATE)


def _frames(samples: Samples) -> torch.Tensor:
    return torch.from_numpy(fit(samples, -(-len(samples) // HOP) * HOP)).float()[None]


def _sounds(folder: Path) -> list[Path]:
    if not (paths := audio_files(folder)):
        raise UserError(f"{folder} holds no sound.")
    return paths
