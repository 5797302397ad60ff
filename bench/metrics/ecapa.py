"""Speaker embeddings by ECAPA-TDNN as trained by SpeechBrain on VoxCeleb.

Desplanques, Thienpondt and Demuynck, Interspeech 2020. Only the embedding network's weights are
read, as tensors; the program's own code builds the three modules (mel filter banks, normalisation
over the sentence, network), so that nothing that a checkpoint's settings file says is executed.
"""

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.errors import Unavailable
from almbench.metrics.weights import find_weights
from almbench.torchaudio_import import import_torchaudio

HUB_ID = "speechbrain/spkrec-ecapa-voxceleb"
REVISION = "0f99f2d0ebe89ac095bcc5903c4dd8f72b367286"
CHECKPOINT = "embedding_model.ckpt"
SHORTEST = 1600  # samples at 16 kHz; below, the network's padding does not fit


class Ecapa:
    """Embeds speech at 16 kHz in 192 dimensions.

    Args:
        source: A local folder that holds `embedding_model.ckpt`, or the id of a hub repository.
        revision: Commit, tag or branch of the hub repository.
    """

    shortest = SHORTEST

    def __init__(self, source: str, revision: str) -> None:
        """Build the modules and load the weights.

        Raises:
            Unavailable: There is no such checkpoint, it cannot be fetched, or it does not fit.
        """
        import torch

        checkpoint = find_weights(source or HUB_ID, revision, [CHECKPOINT]) / CHECKPOINT
        import_torchaudio()
        from speechbrain.lobes.features import Fbank
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
        from speechbrain.processing.features import InputNormalization

        self._features = Fbank(n_mels=80)
        self._normalise = InputNormalization(norm_type="sentence", std_norm=False)
        self._network = ECAPA_TDNN(
            input_size=80,
            channels=[1024, 1024, 1024, 1024, 3072],
            kernel_sizes=[5, 3, 3, 3, 1],
            dilations=[1, 2, 3, 4, 1],
            attention_channels=128,
            lin_neurons=192,
        )
        try:
            weights = torch.load(checkpoint, map_location="cpu", weights_only=True)
            self._network.load_state_dict(weights)
        except Exception as error:  # of a damaged file, PyTorch raises nearly anything
            raise Unavailable(
                f"{checkpoint} does not hold the weights of an ECAPA-TDNN of 1024 channels: "
                f"{type(error).__name__} {error}"
            ) from error
        self._network.eval()

    def embed(self, samples: Samples) -> NDArray[np.float64]:
        """Embed speech `[T]` at 16 kHz; **Shape** `[192]`."""
        import torch

        with torch.inference_mode():
            sound = torch.from_numpy(samples).to(torch.float32)[None]
            whole = torch.ones(1)
            features = self._normalise(self._features(sound), whole)
            embedding = self._network(features, whole)
        return np.asarray(embedding[0, 0].numpy(), np.float64)
