"""DistillMOS, how listeners would rate speech by itself: a small network's estimate.

Stahl and Gamper, "Distillation and pruning for scalable self-supervised representation-based speech
quality assessment", ICASSP 2025. By the package `distillmos`, whose wheel holds the network.

It hears the edge of the band: of sounds brought from 24 to 16 kHz by torchaudio's default filter or
SciPy's instead of soxr's, means of a codec's clips came out up to 0.3 higher or lower.
"""

from collections.abc import Collection
from contextlib import redirect_stdout
from functools import cached_property
from io import StringIO
from typing import Any

import numpy as np

from almbench.audio import Samples
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_silence
from almbench.packages import missing_packages, release


class DistillMos(Family[Settings]):
    """DistillMOS of the reconstruction alone."""

    name = "distillmos"
    metrics = (
        Metric(
            name="distillmos",
            label="DistillMOS",
            unit="MOS",
            higher_is_better=True,
            low=1.0,
            high=5.0,
            digits=2,
            rate=16_000,
            domains=("speech",),
            no_reference=True,
            note="Overall quality of speech, heard by itself; trained on codecs, too.",
            caveat=(
                "Blind to the original: a codec that says another word well loses nothing. Levels "
                "do not count, and clips under 7.7 s are filled up with silence."
            ),
        ),
    )

    def version(self) -> str:
        """Name the package, whose version names the weights, and PyTorch."""
        return f"{release('distillmos')}, {release('torch').partition('+')[0]}"

    def missing(self) -> str | None:
        """Say which packages are missing."""
        return missing_packages(("torch", "torchaudio", "distillmos"), "'almbench[mos]'")

    def load(self) -> None:
        """Load the network."""
        _ = self._model

    def score(
        self, prepared: Any, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Estimate the quality.

        Raises:
            MetricUndefined: The reconstruction is silent.
        """
        import torch

        del prepared, rate, names
        refuse_silence(reconstruction, "reconstruction")
        with torch.inference_mode():
            sound = torch.from_numpy(reconstruction.astype(np.float32))[None]
            return {self.name: float(self._model(sound))}

    @cached_property
    def _model(self) -> Any:
        from almbench.torchaudio_import import import_torchaudio

        import_torchaudio()
        from distillmos import ConvTransformerSQAModel

        with redirect_stdout(StringIO()):  # it says where its weights are
            return ConvTransformerSQAModel().eval()
