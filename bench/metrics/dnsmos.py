"""DNSMOS, how listeners would rate speech by itself: a neural network's estimate of four scales.

Reddy, Gopal and Cutler, "DNSMOS P.835", ICASSP 2022: overall quality, the speech and the background
on the scales of ITU-T P.835; and "DNSMOS", ICASSP 2021: overall quality as by ITU-T P.808. By the
package `speechmos`, whose wheel holds the networks.
"""

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from almbench.audio import Samples
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_silence
from almbench.packages import missing_packages, release

MODELS = ("sig_bak_ovr.onnx", "model_v8.onnx")  # P.835, P.808
RESULTS = {
    "dnsmos_ovrl": "ovrl_mos",
    "dnsmos_sig": "sig_mos",
    "dnsmos_bak": "bak_mos",
    "dnsmos_p808": "p808_mos",
}
CAVEAT = (
    "Made for noise suppression and blind to the original: a codec that says another word well "
    "loses nothing. Clips under 9 s are repeated up to that length."
)


def _scale(name: str, label: str, note: str, headline: bool = False) -> Metric:
    return Metric(
        name=name,
        label=label,
        unit="MOS",
        higher_is_better=True,
        low=1.0,
        high=5.0,
        digits=2,
        rate=16_000,
        domains=("speech",),
        headline=("speech",) if headline else (),
        no_reference=True,
        note=note,
        caveat=CAVEAT,
    )


class Dnsmos(Family[Settings]):
    """DNSMOS P.835 and P.808 of the reconstruction alone."""

    name = "dnsmos"
    imports = ("librosa.core", "librosa.feature", "librosa.filters")
    metrics = (
        _scale("dnsmos_ovrl", "DNSMOS OVRL", "Overall quality of speech, heard by itself.", True),
        _scale("dnsmos_sig", "DNSMOS SIG", "How undistorted the speech is."),
        _scale("dnsmos_bak", "DNSMOS BAK", "How little the background disturbs."),
        _scale("dnsmos_p808", "DNSMOS P.808", "Overall quality of speech, by an older network."),
    )

    def version(self) -> str:
        """Name the packages."""
        return f"{release('speechmos')}, {release('onnxruntime')}, {release('librosa')}"

    def missing(self) -> str | None:
        """Say which packages are missing; speechmos does not ask for those it imports."""
        needed = ("speechmos", "onnxruntime", "librosa", "requests")
        return missing_packages(needed, "'almbench[mos]'")

    def load(self) -> None:
        """Load the networks, and what librosa loads when it is used first."""
        super().load()
        _ = self._model

    def score(
        self, prepared: Any, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Estimate the four scales.

        Raises:
            MetricUndefined: The reconstruction is silent.
        """
        del prepared
        refuse_silence(reconstruction, "reconstruction")
        # Resampling goes a little beyond full scale, which the package refuses.
        found = self._model(np.clip(reconstruction, -1, 1), rate, is_personalized_MOS=False)
        return {name: float(found[RESULTS[name]]) for name in names}

    @cached_property
    def _model(self) -> Any:
        """The package's own model, its networks on one thread each."""
        import onnxruntime
        from speechmos import dnsmos

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        folder = Path(dnsmos.__file__).parent / "dnsmos_models"
        paths = [str(folder / name) for name in MODELS]
        model = dnsmos.DNSMOS(*paths)
        model.onnx_sess, model.p808_onnx_sess = (
            onnxruntime.InferenceSession(path, options) for path in paths
        )
        return model
