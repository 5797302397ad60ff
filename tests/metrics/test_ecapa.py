import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from almbench.audio import Samples
from almbench.errors import MetricUndefined, Unavailable
from almbench.metrics.ecapa import CHECKPOINT, REVISION, Ecapa
from almbench.metrics.speaker import SpeakerSettings, SpeakerSimilarity
from almbench.metrics.weights import find_weights
from almbench.torchaudio_import import import_torchaudio

pytestmark = pytest.mark.skipif(
    find_spec("speechbrain") is None, reason='pip install "almbench[ecapa]"'
)

# The settings file that SpeechBrain's own interface wants beside the weights.
HYPERPARAMS = """
pretrained_path: speechbrain/spkrec-ecapa-voxceleb
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: 80
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: 80
    channels: [1024, 1024, 1024, 1024, 3072]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 128
    lin_neurons: 192
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 192
    out_neurons: 2
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    classifier: !ref <classifier>
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
    paths:
        embedding_model: !ref <pretrained_path>/embedding_model.ckpt
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights of the official size, batch statistics included."""
    import_torchaudio()
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    torch.manual_seed(0)
    network = ECAPA_TDNN(
        80,
        channels=[1024, 1024, 1024, 1024, 3072],
        kernel_sizes=[5, 3, 3, 3, 1],
        dilations=[1, 2, 3, 4, 1],
        lin_neurons=192,
    )
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(std=0.1)
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    folder = tmp_path_factory.mktemp("ecapa")
    torch.save(network.state_dict(), folder / CHECKPOINT)
    (folder / "hyperparams.yaml").write_text(HYPERPARAMS)
    return folder


@pytest.mark.slow
def test_embeddings_are_those_of_speechbrains_own_interface(
    checkpoint: Path, speech: Samples, damaged: Samples, tmp_path: Path
) -> None:
    from speechbrain.inference.speaker import EncoderClassifier
    from speechbrain.utils.fetching import LocalStrategy

    theirs = EncoderClassifier.from_hparams(
        source=str(checkpoint),
        savedir=str(tmp_path),
        overrides={"pretrained_path": str(checkpoint)},
        local_strategy=LocalStrategy.COPY,
    )
    ours = Ecapa(str(checkpoint), REVISION)
    expected = [theirs.encode_batch(torch.from_numpy(s).float())[0, 0] for s in (speech, damaged)]
    for samples, embedding in zip((speech, damaged), expected, strict=True):
        assert embedding.shape == (192,)
        np.testing.assert_allclose(ours.embed(samples), embedding.numpy(), atol=1e-5)

    family = SpeakerSimilarity(SpeakerSettings(backend="ecapa", source=str(checkpoint)))
    similarity = family.score(
        family.prepare(speech, 16_000), damaged, 16_000, ["speaker_similarity"]
    )["speaker_similarity"]
    cosine = float(torch.cosine_similarity(expected[0], expected[1], dim=0))
    assert similarity == pytest.approx(cosine, abs=1e-5)
    assert cosine < 0.9999

    shortest = family.prepare(speech[: Ecapa.shortest], 16_000)
    assert np.isfinite(shortest).all()
    with pytest.raises(MetricUndefined, match="too short"):
        family.prepare(speech[:10], 16_000)


def test_an_empty_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"holds no {CHECKPOINT}"):
        Ecapa(str(tmp_path), REVISION)


def test_wrong_or_broken_weights_are_unavailable(tmp_path: Path) -> None:
    torch.save({"blocks.0.weight": torch.zeros(1)}, tmp_path / CHECKPOINT)
    with pytest.raises(Unavailable, match="does not hold the weights"):
        Ecapa(str(tmp_path), REVISION)
    (tmp_path / CHECKPOINT).write_bytes(b"<html>not found</html>")
    with pytest.raises(Unavailable, match="does not hold the weights"):
        Ecapa(str(tmp_path), REVISION)


def test_code_in_a_checkpoint_is_not_executed(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save({"weights": Malicious()}, tmp_path / CHECKPOINT)
    with pytest.raises(Unavailable):
        Ecapa(str(tmp_path), REVISION)
    assert not (tmp_path / "executed").exists()


def test_without_a_network_the_message_says_the_cure() -> None:
    code = (
        "from almbench.metrics.ecapa import CHECKPOINT, HUB_ID, REVISION\n"
        "from almbench.metrics.weights import find_weights\n"
        "from almbench.errors import Unavailable\n"
        "try: find_weights(HUB_ID, REVISION, [CHECKPOINT])\n"
        "except Unavailable as error: print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "hf download speechbrain/spkrec-ecapa-voxceleb embedding_model.ckpt" in done.stdout


def test_a_mistyped_folder_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"'/no/such/folder' is no local folder"):
        find_weights("/no/such/folder", REVISION, [CHECKPOINT])


def test_a_failure_is_remembered(tmp_path: Path, speech: Samples) -> None:
    family = SpeakerSimilarity(SpeakerSettings(backend="ecapa", source=str(tmp_path)))
    with pytest.raises(Unavailable) as first:
        family.prepare(speech, 16_000)
    with pytest.raises(Unavailable) as second:
        family.prepare(speech, 16_000)
    assert first.value is second.value


def test_torchaudio_imports_and_resamples_whatever_its_compiled_part_does() -> None:
    code = (
        "from almbench.torchaudio_import import import_torchaudio\n"
        "import_torchaudio(); import_torchaudio()\n"
        "import torch, torchaudio\n"
        "print(torchaudio.functional.resample(torch.ones(160), 16000, 8000).shape[0])\n"
        "import speechbrain.lobes.features\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "80"
