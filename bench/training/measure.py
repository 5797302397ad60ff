"""Measure a checkpoint on held-out clips, and write the figures into its card."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from almbench.audio import Samples, fit, read, resample, write_flac
from almbench.codecs.almtokenizer.checkpoint import CARD, CONFIG, WEIGHTS, read_model_config
from almbench.codecs.almtokenizer.spectrum import Spectrum
from almbench.codecs.checkpoints import find
from almbench.domains import Domain
from almbench.errors import UserError
from almbench.files import audio_files
from almbench.progress import stage
from almbench.runner.run import run_suite
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.suite.load import fill_in, load_suite
from almbench.training.model_card import COLUMNS, measured_section, with_measured

WINDOWS = (2, 3, 6, 10)
METRICS: dict[Domain, list[str]] = {
    domain: [metric for metric, _ in columns.values() if metric != "measured_kbps"]
    for domain, columns in COLUMNS.items()
}
RATE, HOP = 24_000, 320
CONSTANT = "mean-spectrum"


def measure(
    checkpoint: Path,
    speech: Path,
    training: Path,
    output: Path,
    sound: Path | None = None,
    demo: Path | None = None,
) -> pd.DataFrame:
    """Run a checkpoint at four windows on held-out clips, beside codecs and a constant.

    Args:
        checkpoint: Folder of the checkpoint; its card gets the figures.
        speech: Folder of held-out speech.
        training: Folder of speech that was trained on, whose mean spectrum is the constant.
        output: Folder of the runs.
        sound: Folder of other held-out sounds, or None.
        demo: Folder of the files of ALMTokenizer's demo page, as the suite `alm-demo` takes it, or
            None: what was published for its clips stands beside the checkpoint.

    Returns:
        The summaries of the runs, one below the other.

    Raises:
        UserError: A folder holds no sound, or the checkpoint is no folder.
        Unavailable: A file of the checkpoint is missing, or it is none of this model.
    """
    if not checkpoint.is_dir():
        wrong = "is no folder" if checkpoint.exists() else "does not exist"
        raise UserError(
            f"{checkpoint} {wrong}. To fix: name a folder that `bench train almtokenizer` wrote, "
            "such as runs/almtokenizer-small/checkpoint."
        )
    model = read_model_config(find(str(checkpoint), "", (CONFIG, CARD, WEIGHTS), network=False))
    constant = output / CONSTANT
    for folder in (speech, sound):
        if folder:
            _sounds(folder)
    write_mean_spectrum(_sounds(training), _sounds(speech), constant)
    suites = [_held_out(checkpoint, speech, sound, constant)]
    if demo:
        suites.append(_demo(checkpoint, demo))
    summaries = []
    for suite in suites:
        run_suite(suite, output / suite.name, "auto")
        path = output / suite.name / "summary.csv"
        summaries.append(pd.read_csv(path, keep_default_na=False, na_values=[""]))
    summary = pd.concat(summaries, ignore_index=True)
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


def _held_out(checkpoint: Path, speech: Path, sound: Path | None, constant: Path) -> Suite:
    sets = [TestSetConfig(name="held-out-speech", domain="speech", path=str(speech.resolve()))]
    if sound:
        sets.append(TestSetConfig(name="held-out-sound", domain="sound", path=str(sound.resolve())))
    return Suite(
        name="held-out",
        testset=sets,
        codec=[
            *_compared(checkpoint),
            CodecConfig(
                id=CONSTANT,
                adapter="reconstructions",
                label="Mean training spectrum",
                domains=["speech"],
                options={"path": str(constant.resolve())},
            ),
        ],
        metrics=METRICS,
    )


def _demo(checkpoint: Path, demo: Path) -> Suite:
    suite = load_suite("alm-demo")
    fill_in(suite, {"demo": demo})
    return suite.model_copy(
        update={
            "testset": [
                one.model_copy(update={"name": f"demo-{one.name}"}) for one in suite.testset
            ],
            "codec": [
                *_compared(checkpoint),
                *(one.model_copy(update={"optional": True}) for one in suite.codec),
            ],
            "metrics": METRICS,
        }
    )


def _compared(checkpoint: Path) -> list[CodecConfig]:
    tokenizers = [
        CodecConfig(
            id=f"almtokenizer-w{window}",
            adapter="almtokenizer",
            label=f"This checkpoint, w = {window}",
            options={"checkpoint": str(checkpoint.resolve()), "window": window},
        )
        for window in WINDOWS
    ]
    return [*tokenizers, CodecConfig(id="codec2-700"), CodecConfig(id="opus-6")]


def _at_rate(path: Path) -> Samples:
    sound = read(path)
    return resample(sound.samples, sound.rate, RATE)


def _frames(samples: Samples) -> torch.Tensor:
    return torch.from_numpy(fit(samples, -(-len(samples) // HOP) * HOP)).float()[None]


def _sounds(folder: Path) -> list[Path]:
    if not (paths := audio_files(folder)):
        raise UserError(f"{folder} holds no sound.")
    return paths
