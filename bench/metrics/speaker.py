"""Speaker similarity: cosine of two speaker embeddings.

The scale is the encoder's own, so values of different encoders do not compare. With Resemblyzer,
different sentences of one speaker come out near 0.8 and those of different speakers near 0.5.
"""

from collections.abc import Collection
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.errors import MetricUndefined, Unavailable
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_shorter, refuse_silence
from almbench.metrics.ecapa import CHECKPOINT, HUB_ID, REVISION, Ecapa
from almbench.metrics.resemblyzer import PACKAGE, NoSpeechError, Resemblyzer
from almbench.metrics.weights import find_weights, name_weights, not_here
from almbench.packages import missing_packages, release


class SpeakerSettings(Settings):
    """Which speaker encoder to use.

    Attributes:
        backend: `resemblyzer` (generalised end-to-end encoder, weights in almbench) or `ecapa`
            (ECAPA-TDNN by SpeechBrain, weights from the hub or a local folder).
        source: For `ecapa`: hub id, or a local folder with `embedding_model.ckpt`.
        revision: For `ecapa` from the hub: the commit.
    """

    backend: Literal["resemblyzer", "ecapa"] = "resemblyzer"
    source: str = ""
    revision: str = REVISION


class Encoder(Protocol):
    """Embeds speech at 16 kHz; sounds of fewer than `shortest` samples are refused."""

    shortest: int

    def embed(self, samples: Samples) -> NDArray[np.float64]:
        """Embed speech `[T]`; **Shape** `[D]`."""


class SpeakerSimilarity(Family[SpeakerSettings]):
    """Cosine similarity of the speaker embeddings of reference and reconstruction."""

    name = "speaker_similarity"
    metrics = (
        Metric(
            name="speaker_similarity",
            label="Speaker similarity",
            higher_is_better=True,
            low=-1.0,
            high=1.0,
            rate=16_000,
            domains=("speech",),
            default=("speech",),
            note="Whether it is still the same voice.",
            caveat=(
                "A cosine between embeddings, not a share: two clips of one speaker reach "
                "about 0.8, and two speakers 0.5. Values of different encoders do not "
                "compare."
            ),
        ),
    )
    settings_type = SpeakerSettings
    imports = ("webrtcvad",)

    def __init__(self, settings: SpeakerSettings) -> None:
        """Keep the settings; the encoder is loaded when it is needed first."""
        super().__init__(settings)
        self._loaded: Encoder | Unavailable | None = None

    def version(self) -> str:
        """Name the backend, its package and its weights."""
        if self.settings.backend == "resemblyzer":
            return f"encoder of {PACKAGE}, {release('webrtcvad-wheels')}"
        source = self.settings.source or HUB_ID
        weights = name_weights(source, self.settings.revision, CHECKPOINT)
        return f"ecapa, {release('speechbrain')}, {weights}"

    def missing(self) -> str | None:
        """Say which package of the backend is missing, or that its weights are not here."""
        if self.settings.backend == "resemblyzer":
            return missing_packages(["webrtcvad"], "webrtcvad-wheels")
        source = self.settings.source or HUB_ID
        return _packages() or not_here(source, self.settings.revision, [CHECKPOINT])

    def fetch(self) -> None:
        """Fetch the weights of ECAPA-TDNN.

        Raises:
            Unavailable: They cannot be fetched.
        """
        if self.settings.backend == "ecapa" and not _packages():
            find_weights(self.settings.source or HUB_ID, self.settings.revision, [CHECKPOINT])

    def load(self) -> None:
        """Load the encoder.

        Raises:
            Unavailable: The encoder's weights cannot be loaded.
        """
        self._encoder()

    def prepare(self, reference: Samples, rate: int) -> NDArray[np.float64]:
        """Embed the reference.

        Raises:
            MetricUndefined: It is silent, too short or holds no speech.
            Unavailable: The encoder's weights cannot be loaded.
        """
        return self._embed(reference, rate, "reference")

    def score(
        self,
        prepared: NDArray[np.float64],
        reconstruction: Samples,
        rate: int,
        names: Collection[str],
    ) -> dict[str, float]:
        """Compute the similarity.

        Raises:
            MetricUndefined: The reconstruction is silent or holds no speech.
            Unavailable: The encoder's weights cannot be loaded.
        """
        del names
        return {self.name: float(prepared @ self._embed(reconstruction, rate, "reconstruction"))}

    def _embed(self, samples: Samples, rate: int, whose: str) -> NDArray[np.float64]:
        """Embed as a vector of unit length."""
        refuse_silence(samples, whose)
        encoder = self._encoder()
        refuse_shorter(samples, rate, encoder.shortest, "a speaker embedding")
        try:
            embedding = encoder.embed(samples)
        except NoSpeechError as error:
            raise MetricUndefined(f"no speech is detected in the {whose}") from error
        length = float(np.linalg.norm(embedding))
        if not 0 < length < np.inf:
            raise MetricUndefined(f"the {whose} has no speaker embedding")
        return embedding / length

    def _encoder(self) -> Encoder:
        """Load the encoder once; a failure is kept as well, not tried again for every pair."""
        if self._loaded is None:
            try:
                if self.settings.backend == "ecapa":
                    self._loaded = Ecapa(self.settings.source, self.settings.revision)
                else:
                    self._loaded = Resemblyzer()
            except Unavailable as error:
                self._loaded = error
        if isinstance(self._loaded, Unavailable):
            raise self._loaded
        return self._loaded


def _packages() -> str | None:
    """Which packages ECAPA-TDNN lacks."""
    return missing_packages(
        ["torch", "speechbrain", "torchaudio", "huggingface_hub"], "'almbench[ecapa]'"
    )
