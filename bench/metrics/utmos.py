"""UTMOS, how natural listeners would find speech by itself: a neural network's estimate.

Saeki et al., "UTMOS: UTokyo-SaruLab system for VoiceMOS Challenge 2022", Interspeech 2022: the
strong learner, wav2vec 2.0 with a recurrent network, for the listener that its authors chose. By
the package `utmos-pytorch`, without fairseq; the weights are its author's conversion of theirs.
"""

import warnings
from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np

from almbench.audio import Samples
from almbench.errors import Unavailable
from almbench.metrics.base import Metric
from almbench.metrics.common import refuse_longer, refuse_shorter, refuse_silence
from almbench.metrics.weights import FamilyWithWeights, WeightSettings
from almbench.packages import release

HUB_ID = "Blinorot/UTMOS-PyTorch"  # weights under the MIT licence
REVISION = "4f2447e519df3b88567b45583d3500006729502b"
WEIGHTS = "utmos_state_dict.pt"
SHORTEST = 1600  # samples at 16 kHz: 0.1 s, five frames
LONGEST_S = 60  # attention takes memory with the square of the length


class UtmosSettings(WeightSettings):
    """Where the weights of UTMOS are.

    Attributes:
        source: Hub id, or a local folder with `utmos_state_dict.pt`.
        revision: For the hub: the commit.
    """

    source: str = HUB_ID
    revision: str = REVISION


class Utmos(FamilyWithWeights[UtmosSettings]):
    """UTMOS of the reconstruction alone."""

    name = "utmos"
    settings_type = UtmosSettings
    packages = ("torch", "huggingface_hub", "utmos_pytorch")
    extra = "mos"
    files = (WEIGHTS,)
    metrics = (
        Metric(
            name="utmos",
            label="UTMOS",
            unit="MOS",
            higher_is_better=True,
            digits=2,
            rate=16_000,
            domains=("speech",),
            no_reference=True,
            note="Naturalness of speech, heard by itself, on a scale from 1 to 5.",
            caveat=(
                "Made for synthetic speech and blind to the original: a codec that says another "
                "word well loses nothing. The network may go beyond the scale."
            ),
        ),
    )

    def version(self) -> str:
        """Name the package, the weights and PyTorch."""
        torch = release("torch").partition("+")[0]
        return f"strong learner, {release('utmos-pytorch')}, {self.weights}, {torch}"

    def load(self) -> None:
        """Load the network.

        Raises:
            Unavailable: The weights are not here or do not fit.
        """
        _ = self._model

    def score(
        self, prepared: Any, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Estimate the naturalness.

        Raises:
            MetricUndefined: The reconstruction is silent, too short or too long.
            Unavailable: The weights are not here or do not fit.
        """
        import torch

        del prepared, names
        refuse_silence(reconstruction, "reconstruction")
        refuse_longer(reconstruction, rate, LONGEST_S, "UTMOS")
        refuse_shorter(reconstruction, rate, SHORTEST, "UTMOS")
        sound = torch.from_numpy(reconstruction.astype(np.float32))
        return {self.name: float(self._model.score(sound))}

    @cached_property
    def _model(self) -> Any:
        path = self.find() / WEIGHTS
        import torch
        from utmos_pytorch.utmos_torch import UTMOSModel, UTMOSScoreTorch

        try:
            given = torch.load(path, map_location="cpu", weights_only=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of an old way to norm weights
                with torch.device("meta"):
                    wanted = UTMOSModel().state_dict()
                made = UTMOSScoreTorch(str(path))
            if lacking := wanted.keys() - given.keys():  # the package would go on without them
                raise KeyError(min(lacking))
            return made
        except Exception as error:  # of a damaged file, PyTorch raises nearly anything
            raise Unavailable(
                f"{path} does not hold the weights of UTMOS: {type(error).__name__} {error}"
            ) from error
