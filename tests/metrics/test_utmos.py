"""UTMOS through the real format of its checkpoint, filled with random weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined, Unavailable
from almbench.metrics.registry import make_family, unusable
from almbench.metrics.utmos import WEIGHTS, Utmos, UtmosSettings
from almbench.packages import missing_packages
from almbench.torchaudio_import import import_torchaudio

MISSING = missing_packages(["utmos_pytorch"], "'almbench[mos]'")
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from utmos_pytorch.utmos_torch import UTMOSModel

    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("utmos")
    torch.save(UTMOSModel().state_dict(), made / WEIGHTS)
    return made


@pytest.fixture(scope="module")
def family(folder: Path) -> Utmos:
    return Utmos(UtmosSettings(source=str(folder)))


def score(family: Utmos, sound: Samples) -> float:
    return family.score(None, sound, RATE, ["utmos"])["utmos"]


def test_the_value_is_that_of_wav2vec_of_transformers_and_plain_layers(
    family: Utmos, folder: Path, speech: Samples
) -> None:
    """The network put together anew, its encoder by transformers, for the first two seconds."""
    import_torchaudio()
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    weights = torch.load(folder / WEIGHTS, weights_only=True)
    front = "feature_extractors.0.ssl_model."
    own = {k.removeprefix(front): v for k, v in weights.items() if k.startswith(front)}
    encoder: Any = Wav2Vec2Model(Wav2Vec2Config())
    encoder.eval()
    names = encoder.state_dict().keys() - {"masked_spec_embed"}  # for training alone
    encoder.load_state_dict({name: own[_in_fairseq(name)] for name in names}, strict=False)
    sound = torch.tensor(speech[: 2 * RATE], dtype=torch.float32)[None]
    lstm = torch.nn.LSTM(768 + 128 + 128, 512, batch_first=True, bidirectional=True)
    prefix = "output_layers.0.decoder_rnn."
    lstm.load_state_dict(
        {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    )
    with torch.inference_mode():
        features = encoder(sound).last_hidden_state
        domain = weights["feature_extractors.1.embedding.weight"][0]
        judge = weights["output_layers.0.judge_embedding.weight"][288]
        known = torch.cat([domain, judge]).expand(1, features.shape[1], -1)
        hidden, _ = lstm(torch.cat([features, known], 2))
        last = "output_layers.1.net."
        hidden = hidden @ weights[f"{last}0.weight"].T + weights[f"{last}0.bias"]
        out = hidden.relu() @ weights[f"{last}3.weight"].T + weights[f"{last}3.bias"]
        expected = float(out.mean() * 2 + 3)
    assert score(family, speech[: 2 * RATE]) == pytest.approx(expected, abs=1e-4)


def _in_fairseq(name: str) -> str:
    """The name that a parameter of transformers' wav2vec 2.0 has in fairseq's."""
    for theirs, fairseq in (
        ("feature_projection.projection", "post_extract_proj"),
        ("feature_projection.layer_norm", "layer_norm"),
        ("pos_conv_embed.conv", "pos_conv.0"),
        ("parametrizations.weight.original0", "weight_g"),
        ("parametrizations.weight.original1", "weight_v"),
        ("attention.", "self_attn."),
        ("feed_forward.intermediate_dense", "fc1"),
        ("feed_forward.output_dense", "fc2"),
    ):
        name = name.replace(theirs, fairseq)
    if name.startswith("feature_extractor.conv_layers"):
        name = name.replace(".conv.weight", ".0.weight").replace(".layer_norm.", ".2.")
    elif ".layers." in name and ".layer_norm" in name and "final" not in name:
        name = name.replace(".layer_norm", ".self_attn_layer_norm")
    return name


def test_values_are_the_same_again_and_differ_between_sounds(
    family: Utmos, speech: Samples, damaged: Samples
) -> None:
    assert score(family, speech) == score(family, speech) != score(family, damaged)


def test_odd_sounds(family: Utmos, speech: Samples) -> None:
    for silence in (np.zeros(RATE), np.full(RATE, 0.1), np.zeros(0)):
        with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
            score(family, silence)
    for length, why in ((1000, "too short for UTMOS"), (61 * RATE, "too long")):
        with pytest.raises(MetricUndefined, match=why):
            score(family, np.resize(speech, length))
    for sound in (
        speech[: int(0.3 * RATE)],
        np.clip(20 * speech, -1, 1),
        resample(resample(speech, RATE, 8_000), 8_000, RATE),
    ):
        assert np.isfinite(score(family, sound))


def test_wrong_and_absent_weights_are_unavailable(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"holds no {WEIGHTS}"):
        Utmos(UtmosSettings(source=str(tmp_path))).load()
    weights = torch.load(folder / WEIGHTS, weights_only=True)
    del weights["output_layers.1.net.3.bias"]  # the package itself would leave it random
    torch.save(weights, tmp_path / WEIGHTS)
    with pytest.raises(Unavailable, match=r"output_layers\.1\.net\.3\.bias"):
        Utmos(UtmosSettings(source=str(tmp_path))).load()
    (tmp_path / WEIGHTS).write_bytes(b"<html>not found</html>")
    with pytest.raises(Unavailable, match="does not hold the weights of UTMOS"):
        Utmos(UtmosSettings(source=str(tmp_path))).load()
    assert "'/no/such' is no local folder" in unusable(make_family("utmos", {"source": "/no/such"}))
