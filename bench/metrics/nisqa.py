"""NISQA, the quality of speech and what it suffers from, by a network that hears it alone.

Mittag, Naderi, Chehadi and Möller, "NISQA: A Deep CNN-Self-Attention Model for Multidimensional
Speech Quality Prediction with Crowdsourced Datasets", Interspeech 2021, version 2.0, by the package
`torchmetrics`. The weights are the authors' (CC BY-NC-SA 4.0) and are not part of that package.
"""

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from almbench.audio import Samples
from almbench.errors import Unavailable
from almbench.metrics.base import Metric
from almbench.metrics.common import refuse_longer, refuse_shorter, refuse_silence
from almbench.metrics.weights import FamilyWithWeights, WeightSettings
from almbench.packages import release

RATE = 48_000
FOLDER = "~/.torchmetrics/NISQA"  # where torchmetrics itself looks
WEIGHTS = "nisqa.tar"
ADDRESS = "https://github.com/gabrielmittag/NISQA/raw/refs/heads/master/weights/nisqa.tar"
SHORTEST = 7_200  # samples: the network sees 15 frames of 10 ms at once, the ends centred
LONGEST_S = 50  # of 52 that the network takes


class NisqaSettings(WeightSettings):
    """Where the weights of NISQA are.

    Attributes:
        source: A local folder with `nisqa.tar`, or the hub id of a repository that has it.
        revision: For the hub: commit, branch or tag.
    """

    source: str = FOLDER
    revision: str = "main"


CAVEAT = "Made for telephony and blind to the original. The network may go beyond the scale."


def _metric(name: str, label: str, note: str) -> Metric:
    return Metric(
        name=f"nisqa_{name}",
        label=label,
        unit="MOS",
        higher_is_better=True,
        digits=2,
        rate=RATE,
        domains=("speech",),
        no_reference=True,
        note=note,
        caveat=CAVEAT,
    )


class Nisqa(FamilyWithWeights[NisqaSettings]):
    """Overall quality and four of its dimensions, in the network's order."""

    name = "nisqa"
    settings_type = NisqaSettings
    packages = ("torch", "torchmetrics", "librosa", "requests")
    extra = "mos"
    files = (WEIGHTS,)
    metrics = (
        _metric(
            "mos",
            "NISQA",
            "Quality of speech as sent, heard by itself, on a scale from 1 to 5.",
        ),
        _metric("noi", "NISQA noisiness", "Freedom from noise, from 1 to 5."),
        _metric("dis", "NISQA discontinuity", "Freedom from gaps and breaks, from 1 to 5."),
        _metric("col", "NISQA coloration", "Freedom from a changed timbre, from 1 to 5."),
        _metric("loud", "NISQA loudness", "Whether it is as loud as it should be, 1 to 5."),
    )

    def version(self) -> str:
        """Name the package, the weights and PyTorch."""
        packages = f"{release('torchmetrics')}, {release('librosa')}"
        return f"NISQA 2.0, {packages}, {self.weights}, {release('torch').partition('+')[0]}"

    def load(self) -> None:
        """Load the network.

        Raises:
            Unavailable: The weights are not here or do not fit.
        """
        _ = self._score

    def score(
        self, prepared: Any, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Estimate the quality and its dimensions.

        Raises:
            MetricUndefined: The reconstruction is silent, too short or too long.
            Unavailable: The weights are not here or do not fit.
        """
        import torch

        del prepared
        refuse_silence(reconstruction, "reconstruction")
        refuse_longer(reconstruction, rate, LONGEST_S, "NISQA")
        refuse_shorter(reconstruction, rate, SHORTEST, "NISQA")
        found = self._score(torch.from_numpy(reconstruction.astype(np.float32)), rate).tolist()
        by_name = dict(zip((metric.name for metric in self.metrics), found, strict=True))
        return {name: by_name[name] for name in names}

    def find(self, *, network: bool = True) -> Path:
        """Find the folder of the weights; where to get them is said of a folder without.

        Raises:
            Unavailable: They are not here, and cannot or may not be fetched.
        """
        source = self.settings.source
        folder = source.startswith(("~", "/", "."))
        if folder and not (Path(source).expanduser() / WEIGHTS).is_file():
            raise Unavailable(
                f"{WEIGHTS} is not in {source}. To fix: download it from {ADDRESS} (CC BY-NC-SA "
                f"4.0) into that folder, or set source = FOLDER"
            )
        return super().find(network=network)

    @cached_property
    def _score(self) -> Any:
        folder = self.find()
        from torchmetrics.functional.audio import nisqa

        nisqa.NISQA_DIR = str(folder)
        nisqa._load_nisqa_model.cache_clear()
        try:
            nisqa._load_nisqa_model()
        except Exception as error:  # of a damaged file, PyTorch raises nearly anything
            raise Unavailable(
                f"{folder / WEIGHTS} does not hold the weights of NISQA: {type(error).__name__} "
                f"{error}"
            ) from error
        return nisqa.non_intrusive_speech_quality_assessment
