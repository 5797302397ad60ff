"""ALMTokenizer2 and ReasoningCodec: what is stated and missing, what their worker does itself."""

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from almbench.codecs import environments
from almbench.codecs.almtokenizer2 import MODELS
from almbench.codecs.base import from_codes
from almbench.codecs.registry import make_codec
from almbench.errors import Unavailable

SCRIPT = environments.WORKERS / "almtokenizer2.py"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Environments and logs of the test alone."""
    monkeypatch.setenv("ALMBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def worker() -> ModuleType:
    """The worker's functions."""
    spec = spec_from_file_location("almtokenizer2_worker", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def installed(own_home: Path) -> Path:
    """An environment that is this one, with a folder of source trees."""
    folder = own_home / "environments" / "almtokenizer2"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / environments.DONE).write_text("as installed\n")
    return folder / "code"


# The public code: eight residual codebooks at 12.5 Hz; in ReasoningCodec eight more at 5 Hz. Its
# README: 1024 entries each, or 8192 and, for the reasoning codes, 4096.
@pytest.mark.parametrize(
    ("preset", "bits_per_second", "books"),
    [
        ("almtokenizer2-1.3", 8 * 13 * 12.5, 8),
        ("reasoningcodec-1.4", 8 * 10 * 12.5 + 8 * 10 * 5, 16),
        ("reasoningcodec-1.8", 8 * 13 * 12.5 + 8 * 12 * 5, 16),
    ],
)
def test_the_bitrates_by_hand(preset: str, bits_per_second: float, books: int) -> None:
    spec = make_codec(preset).spec
    assert spec.nominal_kbps == pytest.approx(bits_per_second / 1000)
    assert (spec.sample_rate, len(spec.codebook_sizes)) == (24_000, books)
    assert spec.weights_license == "not stated"
    assert spec.checkpoint is not None
    assert spec.checkpoint.source.startswith("Dongchao/")


def test_it_says_what_is_missing(own_home: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="To fix: bench codec install almtokenizer2"):
        make_codec("almtokenizer2-1.3").fetch(network=False)
    installed(own_home)
    with pytest.raises(Unavailable, match=r"hf download Dongchao/UniAudio2_ckpt .*--checkpoint"):
        make_codec("reasoningcodec-1.4").fetch(network=False)
    with pytest.raises(Unavailable, match=r"no ep5\.checkpoint in"):
        make_codec("almtokenizer2-1.3", {"checkpoint": str(tmp_path)}).fetch(network=False)
    (tmp_path / "ep5.checkpoint").write_bytes(b"weights")
    codec = make_codec("almtokenizer2-1.3", {"checkpoint": str(tmp_path)})
    codec.fetch(network=False)
    assert codec.spec.checkpoint is not None
    assert codec.spec.checkpoint.sha256


def test_the_worker_says_what_it_lacks(own_home: Path, tmp_path: Path) -> None:
    code = installed(own_home)
    for facts in MODELS.values():
        (tmp_path / facts.weights).touch()
    codec = make_codec("almtokenizer2-1.3", {"checkpoint": str(tmp_path)})
    with pytest.raises(Unavailable, match=r"source tree .* is missing. To fix: bench codec inst"):
        codec.load("cpu")
    for name in ("ALMTokenizer2", "UniAudio2"):
        (code / name).mkdir(parents=True)
    with pytest.raises(Unavailable, match="ALMTokenizer2 has no module infer"):
        codec.load("cpu")
    other = make_codec("reasoningcodec-1.4", {"checkpoint": str(tmp_path)})
    with pytest.raises(Unavailable, match="UniAudio2 has no module tools"):
        other.load("cpu")
    (code / "ALMTokenizer2" / "infer.py").write_text("import no_such_package\n")
    with pytest.raises(
        Unavailable, match=r"the package no_such_package is missing\. To fix: bench"
    ):
        codec.load("cpu")


def test_the_worker_speaks_on_the_protocol_s_output() -> None:
    settings = {"model": "reasoningcodec", "code": "/no/such", "checkpoint": "/no/such"}
    said = subprocess.run(
        [sys.executable, "-I", str(SCRIPT)],
        input=json.dumps({"device": "cpu", "settings": settings}) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the source tree /no/such is missing" in json.loads(said.stdout)["error"]


@pytest.mark.parametrize("seconds", [0.04, 1.0, 1.03, 2.37, 28.999])
def test_codes_of_two_rates_are_counted_once(worker: ModuleType, seconds: float) -> None:
    slow, fast = int(5 * seconds) + 1, int(12.5 * seconds) + 1  # as the public code cuts them
    rng = np.random.default_rng(0)
    reasoning, rest = rng.integers(0, 1024, (8, slow)), rng.integers(0, 1024, (8, fast))
    facts = MODELS["reasoningcodec-1024"]
    rows = worker.at_25_hz(reasoning, rest)
    assert np.array_equal(rows[:8, ::5], reasoning)
    assert np.array_equal(rows[8:, ::2], rest)
    encoded = from_codes(rows, facts.sizes, round(24_000 * seconds), facts.strides)
    assert encoded.bits == 80 * (slow + fast)


def test_paths_of_a_configuration_are_found_in_the_folder(
    worker: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "whisper-medium").mkdir()
    config = {
        "whisper_path": "ckpt/whisper-medium",
        "llm_path": "none",
        "batch_size": 16,
        "model": "text",
    }
    found = worker.inside(config, tmp_path, "ckpt/")
    assert found == {**config, "whisper_path": str(tmp_path / "whisper-medium")}
    with pytest.raises(FileNotFoundError, match=r"sq_resume = ckpt/sq\.pth .* is not in"):
        worker.inside({"sq_resume": "ckpt/sq.pth"}, tmp_path, "ckpt/")


def test_weights_that_found_no_place_are_noticed(worker: ModuleType, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.ModuleDict({"vq": torch.nn.Linear(2, 3), "rest": torch.nn.Linear(3, 1)})
    state = {f"module.{key}": value.clone() for key, value in model.state_dict().items()}
    file = tmp_path / "a.checkpoint"
    torch.save({"model": state}, file)
    worker.matches(model, file)
    del state["module.rest.bias"]  # as of an encoder that is loaded from elsewhere
    torch.save({"model": state}, file)
    worker.matches(model, file)
    state["module.rest.weight"] += 1
    torch.save({"model": state}, file)
    with pytest.raises(ValueError, match=r"rest\.weight of a\.checkpoint is not what"):
        worker.matches(model, file)
    del state["module.rest.weight"], state["module.vq.bias"]
    torch.save({"model": state}, file)
    with pytest.raises(ValueError, match=r"a\.checkpoint has no vq\.bias"):
        worker.matches(model, file)
