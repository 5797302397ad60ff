"""The suite `alm-baselines` from end to end, on checkpoints of the published layout.

Their weights are random, which the hashes in the manifest give away; the sound is noise.
"""

import json
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from almbench.audio import read, sha256

CODECS = Path(__file__).parents[1] / "codecs"
RATES = {
    "dac-1.5": 1.5,
    "encodec-1.5": 1.5,
    "wavtokenizer-0.48": 0.48,
    "stablecodec-0.4": 0.3877,
    "speechtokenizer-1.5": 1.5,
    "mimi-1.1": 1.1,
    "mimi-0.41": 0.4125,
}

pytestmark = pytest.mark.slow


def load(name: str) -> Any:
    """A test module of the codecs, for its way of writing checkpoints."""
    spec = spec_from_file_location(f"checkpoints_of_{name}", CODECS / f"test_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    hub, wav, spt = (load(n) for n in ("hub_codecs", "wavtokenizer", "speechtokenizer"))
    found = {}
    for codec, id_ in [
        ("dac-1.5", "descript/dac_24khz"),
        ("encodec-1.5", "facebook/encodec_24khz"),
        ("mimi-1.1", "kyutai/mimi"),
    ]:
        found[codec] = folder / codec
        hub.build(id_, found[codec], read(speech[0]).samples[24_000:48_000])
    found["mimi-0.41"] = found["mimi-1.1"]
    for codec in ("wavtokenizer-0.48", "speechtokenizer-1.5"):
        found[codec] = folder / codec
        found[codec].mkdir()
    wav.write(found["wavtokenizer-0.48"], "40", wav.random_state(wav.official("40")))
    model = spt.random_model(spt.CONFIG)
    spt.write(found["speechtokenizer-1.5"], spt.CONFIG, model.state_dict())
    return found


def test_the_baselines_run_live_from_local_checkpoints(
    bench: Callable[..., CompletedProcess[str]],
    checkpoints: dict[str, Path],
    speech: list[Path],
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    for path in speech[:2]:
        samples, rate = sf.read(path)
        sf.write(tmp_path / "data" / f"{path.stem}.wav", samples[rate : 2 * rate], rate)
    given = [f"--checkpoint={codec}={folder}" for codec, folder in checkpoints.items()]
    metrics = ["--metric=mel_distance", "--metric=gain_db"]
    data = f"--data=speech={tmp_path / 'data'}"
    run = tmp_path / "run"
    done = bench("run", "alm-baselines", data, *given, *metrics, "-o", run)
    assert done.returncode == 1, done.stdout + done.stderr  # for StableCodec, which is not here
    assert "bench codec install stablecodec" in done.stdout

    clips: Any = pd.read_csv(run / "clips.csv").set_index(["codec", "clip"])
    assert clips["nominal_kbps"].groupby("codec").first().round(4).to_dict() == RATES
    here = clips.drop("stablecodec-0.4")
    assert (here["status"] == "ok").all()
    assert here[["mel_distance", "encode_rtf", "decode_rtf", "codebook_use"]].notna().all(axis=None)
    measured = here["measured_kbps"] / here["nominal_kbps"]
    assert measured.between(0.99, 1.1).all()  # whole frames: 13 of Mimi's for one second
    for codec in set(RATES) - {"stablecodec-0.4"}:
        codes = [np.load(p)["codes"] for p in (run / "codes/speech" / codec).glob("*.npz")]
        assert len(codes) == 2
        assert len(np.unique(codes[0])) > 3
    eight, three = (
        np.load(run / f"codes/speech/{codec}/{speech[0].stem}.npz")["codes"]
        for codec in ("mimi-1.1", "mimi-0.41")
    )
    assert (eight[:3] == three).all()
    assert clips.loc["mimi-0.41", "encoded_with"].tolist() == ["mimi-1.1"] * 2

    manifest = json.loads((run / "manifest.json").read_text())
    hashes = {c["id"]: (c["checkpoint"] or {}).get("sha256") for c in manifest["codecs"]}
    assert hashes["mimi-1.1"] == sha256(checkpoints["mimi-1.1"] / "model.safetensors")
    assert bench("site", run, "-o", tmp_path / "public").returncode == 0
    assert "DAC" in (tmp_path / "public" / "speech.html").read_text()
