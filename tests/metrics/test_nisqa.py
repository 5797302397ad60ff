"""NISQA through the real format of its checkpoint, filled by a formula."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from almbench.audio import Samples, resample
from almbench.errors import MetricUndefined, Unavailable
from almbench.metrics.nisqa import FOLDER, WEIGHTS, Nisqa, NisqaSettings
from almbench.metrics.registry import make_family, unusable
from almbench.packages import missing_packages

MISSING = missing_packages(["torchmetrics", "librosa"], "'almbench[mos]'")
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
RATE = 48_000
# What the authors' nisqa.tar says of its network and its spectra.
ARGS: dict[str, Any] = {
    "ms_seg_length": 15,
    "ms_seg_hop_length": 4,
    "ms_max_segments": 1300,
    "ms_n_fft": 4096,
    "ms_hop_length": 0.01,
    "ms_win_length": 0.02,
    "ms_n_mels": 48,
    "ms_fmax": 20_000,
    "cnn_c_out_1": 16,
    "cnn_c_out_2": 32,
    "cnn_c_out_3": 64,
    "cnn_kernel_size": [3, 3],
    "cnn_dropout": 0.2,
    "cnn_pool_1": [24, 7],
    "cnn_pool_2": [12, 5],
    "cnn_pool_3": [6, 3],
    "td_sa_d_model": 64,
    "td_sa_nhead": 1,
    "td_sa_num_layers": 2,
    "td_sa_h": 64,
    "td_sa_dropout": 0.1,
    "pool_att_h": 128,
    "pool_att_dropout": 0.1,
}
NAMES = [f"nisqa_{name}" for name in ("mos", "noi", "dis", "col", "loud")]
# Package nisqa 2.0.post2 of the authors, run apart with these weights on these samples.
AUTHORS = (0.10793816, 0.02734654, -0.05580076, -0.13398238, -0.20072424)


def formula() -> dict[str, torch.Tensor]:
    """Weights that are sines, those of each part begun anew."""
    from torchmetrics.functional.audio.nisqa import _NISQADIM

    state: dict[str, torch.Tensor] = {}
    for i, (name, like) in enumerate(sorted(_NISQADIM(ARGS).state_dict().items())):
        if not like.dtype.is_floating_point:
            state[name] = like
            continue
        wave = torch.sin(i + torch.arange(like.numel(), dtype=torch.float64) * 0.7)
        inputs = max(1, int(np.prod(like.shape[1:])))
        wave *= (2.0 / inputs) ** 0.5 if like.ndim > 1 else 0.1
        if "running_var" in name or (like.ndim == 1 and name.endswith("weight")):
            wave += 1
        state[name] = wave.reshape(like.shape).float()
    return state


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("nisqa")
    torch.save({"args": ARGS, "model_state_dict": formula()}, made / WEIGHTS)
    return made


@pytest.fixture
def family(folder: Path) -> Nisqa:
    made = Nisqa(NisqaSettings(source=str(folder)))
    made.load()
    return made


@pytest.fixture(scope="module")
def clip(speech: Samples) -> Samples:
    return resample(speech, 16_000, RATE)


def test_values_are_those_of_the_authors_package(family: Nisqa, clip: Samples) -> None:
    found = family.score(None, clip, RATE, NAMES)
    assert list(found) == NAMES
    assert list(found.values()) == pytest.approx(AUTHORS, abs=2e-5)
    assert family.score(None, clip, RATE, ["nisqa_col"]) == {"nisqa_col": found["nisqa_col"]}
    assert "weights sha256" in family.version()


def test_odd_sounds(family: Nisqa, clip: Samples) -> None:
    for silence in (np.zeros(RATE), np.full(RATE, 0.1), np.zeros(0)):
        with pytest.raises(MetricUndefined, match="the reconstruction is silent"):
            family.score(None, silence, RATE, NAMES)
    for length, why in ((5000, "too short for NISQA"), (51 * RATE, "too long")):
        with pytest.raises(MetricUndefined, match=why):
            family.score(None, np.resize(clip, length), RATE, NAMES)
    narrow = resample(resample(clip, RATE, 8_000), 8_000, RATE)
    for sound in (clip[:7200], clip[: int(0.3 * RATE)], np.clip(20 * clip[:RATE], -1, 1), narrow):
        assert np.isfinite(list(family.score(None, sound[:RATE], RATE, NAMES).values())).all()


def test_absent_and_wrong_weights_are_unavailable(folder: Path, tmp_path: Path) -> None:
    lost = make_family("nisqa", {"source": str(tmp_path)})
    assert "nisqa.tar is not in" in unusable(lost)
    assert "https://github.com/gabrielmittag/NISQA" in str(lost.missing())
    assert NisqaSettings().source == FOLDER
    (tmp_path / WEIGHTS).write_bytes(b"<html>not found</html>")
    assert lost.missing() is None
    with pytest.raises(Unavailable, match="does not hold the weights of NISQA"):
        lost.load()
    state = torch.load(folder / WEIGHTS, weights_only=True)
    del state["model_state_dict"]["cnn.model.conv1.weight"]
    torch.save(state, tmp_path / WEIGHTS)
    with pytest.raises(Unavailable, match=r"cnn\.model\.conv1\.weight"):
        Nisqa(NisqaSettings(source=str(tmp_path))).load()
