import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from almbench.codecs.base import from_codes
from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import create
from almbench.codecs.speechtokenizer import SpeechTokenizer, import_model
from almbench.errors import Unavailable, UserError

REFERENCE = Path(__file__).resolve().parents[1] / "fixtures"
CONFIG: dict[str, Any] = {
    "n_filters": 64,
    "strides": [8, 5, 4, 2],
    "dimension": 1024,
    "semantic_dimension": 768,
    "bidirectional": True,
    "dilation_base": 2,
    "residual_kernel_size": 3,
    "n_residual_layers": 1,
    "lstm_layers": 2,
    "activation": "ELU",
    "codebook_size": 1024,
    "n_q": 8,
    "sample_rate": 16000,
}
TINY = CONFIG | {"n_filters": 2, "dimension": 16, "semantic_dimension": 8, "codebook_size": 4}

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")


def write(folder: Path, config: dict[str, Any], state: dict[str, Any]) -> Path:
    """Write a checkpoint as the authors publish it."""
    place = folder / "speechtokenizer_hubert_avg"
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(config))
    torch.save(state, place / "SpeechTokenizer.pt")
    return place / "SpeechTokenizer.pt"


def make(checkpoint: Path | str, books: int = 8) -> SpeechTokenizer:
    options = {"checkpoint": str(checkpoint), "num_codebooks": books}
    codec = create("c", "C", "speechtokenizer", options)
    assert isinstance(codec, SpeechTokenizer)
    return codec


def random_model(config: dict[str, Any]) -> Any:
    """The authors' own class, with codebooks that lie where its latents do."""
    torch.manual_seed(5)
    model = import_model().SpeechTokenizer(config).eval()
    with torch.inference_mode():
        latents = model.encoder(torch.rand(1, 1, 16_000) - 0.5)[0].T
    mean = latents.mean(0)
    for depth, layer in enumerate(model.quantizer.vq.layers):
        book = layer._codebook
        book.embed.copy_(latents.std(0) * torch.randn(book.embed.shape) * 0.7**depth)
        book.embed.add_(mean * (depth == 0))
        book.inited.fill_(1)
    return model


def noise(length: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, length)


@pytest.fixture(scope="module")
def upstream() -> Any:
    return random_model(CONFIG)


@pytest.fixture(scope="module")
def folder(upstream: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("speechtokenizer")
    path = write(place, CONFIG, upstream.state_dict())
    yield place
    path.unlink()  # 480 MB


@pytest.fixture(scope="module")
def codec(folder: Path) -> SpeechTokenizer:
    codec = make(folder)
    codec.load("cpu")
    return codec


# What the authors' package computed with weights that can be made anew.


@pytest.fixture(scope="module")
def reference(
    tmp_path_factory: pytest.TempPathFactory, filled: Callable[[Path], dict[str, torch.Tensor]]
) -> Iterator[tuple[Path, SpeechTokenizer]]:
    place = REFERENCE / "speechtokenizer"
    assert json.loads((place / "keys.json").read_text())["config"] == CONFIG
    weights = filled(place / "keys.json")
    path = write(tmp_path_factory.mktemp("reference"), CONFIG, weights)
    codec = make(path)
    (path.parent.parent / "config.json").write_text("{}")  # not the one beside the weights
    codec.load("cpu")
    yield place, codec
    path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", ["0.73", "1.00"])
def test_computes_what_the_authors_package_computed(
    reference: tuple[Path, SpeechTokenizer], seconds: str
) -> None:
    place, codec = reference
    want = dict(np.load(place / f"expected_{seconds}s.npz"))
    sound = want["clip"] / 32768
    [encoded] = codec.encode([sound], 16_000)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, want["codes"])
    with torch.inference_mode():
        latent = codec._model.encoder(torch.from_numpy(sound.astype(np.float32))[None, None])
    np.testing.assert_allclose(latent[0], want["latent"], atol=2e-4, rtol=0)
    for books, suffix in ((8, ""), (3, "_3")):
        codes = want[f"codes{suffix}"].astype(np.int64)
        whole = from_codes(codes, [1024] * books, len(want[f"audio{suffix}"]))
        [decoded] = codec.decode([whole], 16_000)
        np.testing.assert_allclose(decoded, want[f"audio{suffix}"], atol=1e-5, rtol=0)


# The authors' package called directly, with random weights.


@pytest.mark.parametrize("length", [1, 2, 319, 320, 321, 11_003])
def test_agrees_with_the_authors_package(
    codec: SpeechTokenizer, upstream: Any, length: int
) -> None:
    sound = noise(length)
    with torch.inference_mode():
        codes = upstream.encode(torch.from_numpy(sound.astype(np.float32))[None, None])
        audio = upstream.decode(codes)[0, 0].numpy()
    [encoded] = codec.encode([sound], 16_000)
    [decoded] = codec.decode([encoded], 16_000)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, codes[:, 0])
    assert encoded.bits == 80 * ceil(length / 320)
    assert decoded.shape == sound.shape
    np.testing.assert_allclose(decoded, audio[:length], atol=1e-4, rtol=0)
    if length > 10_000:
        assert all(len(set(book)) > 4 for book in encoded.codes)
        assert np.ptp(decoded) > 1e-3


def test_three_codebooks_are_the_first_three_of_eight(
    codec: SpeechTokenizer, folder: Path, upstream: Any
) -> None:
    three = make(folder, books=3)
    three.load("cpu")
    sound = noise(5000, seed=1)
    [deep], [shallow] = codec.encode([sound], 16_000), three.encode([sound], 16_000)
    assert deep.codes is not None
    assert shallow.codes is not None
    np.testing.assert_array_equal(shallow.codes, deep.codes[:3])
    kept = from_codes(deep.codes[:3], [1024] * 3, deep.length)
    [by_deep], [by_three] = codec.decode([kept], 16_000), three.decode([shallow], 16_000)
    np.testing.assert_array_equal(by_deep, by_three)
    with torch.inference_mode():
        audio = upstream.decode(torch.from_numpy(shallow.codes)[:, None])[0, 0].numpy()
    np.testing.assert_allclose(by_three, audio[:5000], atol=1e-4, rtol=0)
    assert not np.array_equal(by_three, codec.decode([deep], 16_000)[0])
    assert three.encoding_key == codec.encoding_key


# What the adapter promises.


@pytest.mark.parametrize("sound", [np.zeros(3000), np.sign(noise(3000))], ids=["silence", "full"])
def test_extreme_clips(
    codec: SpeechTokenizer, sound: np.ndarray[Any, np.dtype[np.float64]]
) -> None:
    results = [codec.decode(codec.encode([sound], 16_000), 16_000)[0] for _ in range(2)]
    assert results[0].shape == sound.shape
    assert np.isfinite(results[0]).all()
    np.testing.assert_array_equal(results[0], results[1])


def test_facts_of_a_checkpoint_are_the_published_ones(codec: SpeechTokenizer) -> None:
    spec, published = codec.spec, make("fnlp/SpeechTokenizer").spec
    assert spec.nominal_kbps == pytest.approx(4.0)
    assert spec.tokens_per_second == 400
    assert spec.checkpoint
    assert len(spec.checkpoint.sha256) == 64
    assert published.weights_license in spec.weights_license
    skipped = {"checkpoint": None, "weights_license": ""}
    assert spec.model_copy(update=skipped) == published.model_copy(update=skipped)
    assert spec.parameters == sum(weight.numel() for weight in codec._model.parameters())


def test_preset() -> None:
    preset = PRESETS["speechtokenizer-1.5"]
    codec = create("c", "C", preset.adapter, preset.options)
    assert isinstance(codec, SpeechTokenizer)
    assert codec.spec.nominal_kbps == pytest.approx(1.5)
    assert codec.spec.sample_rate == 16_000
    assert not codec.supports_batching


@pytest.mark.parametrize("torchaudio", ["None", "'installed'"])
def test_imports_only_the_model(torchaudio: str) -> None:
    program = f"""
import sys
if {torchaudio} is None:
    sys.modules["torchaudio"] = None
from almbench.codecs.speechtokenizer import import_model
model = import_model()
assert model is import_model()
assert "speechtokenizer" not in sys.modules
assert "speechtokenizer.trainer" not in sys.modules
assert not isinstance(sys.modules.get("torchaudio"), type(sys))
print(model.SpeechTokenizer.__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "SpeechTokenizer\n", done.stderr


def test_leaves_nothing_behind_when_the_import_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("speechtokenizer")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "speechtokenizer.modules.seanet", None)
    with pytest.raises(ImportError):
        import_model()
    assert "speechtokenizer" not in sys.modules


# What can be missing or wrong.


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(
        "almbench.packages.find_spec",
        lambda name: None if name == "einops" else find_spec(name),
    )
    fix = r"pip install .*'almbench\[speechtokenizer\]'"
    with pytest.raises(Unavailable, match=f"einops is not installed. To fix: {fix}"):
        make(folder).fetch(network=False)


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        Unavailable, match=r"config\.json.*SpeechTokenizer\.pt are missing .* To fix"
    ):
        make(tmp_path).fetch(network=False)
    with pytest.raises(Unavailable, match="hf download fnlp/nothing"):
        make("fnlp/nothing").fetch(network=False)


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    model = random_model(TINY)
    path = write(tmp_path, TINY, model.state_dict())
    make(tmp_path).load("cpu")
    for config in ("", "[1]", "{}", '{"strides": 3}'):
        (path.parent / "config.json").write_text(config)
        with pytest.raises(Unavailable, match=r"config\.json"):
            make(tmp_path).fetch(network=False)
    other: dict[str, Any]
    for other in (
        {},
        {"generator": torch.nn.Linear(1, 1)},
        model.state_dict() | {"more": torch.zeros(1)},
    ):
        write(tmp_path, TINY, other)
        with pytest.raises(Unavailable, match=r"does not hold the weights.* To fix"):
            make(tmp_path).load("cpu")


def test_more_codebooks_than_there_are(tmp_path: Path) -> None:
    write(tmp_path, TINY, {})
    with pytest.raises(UserError, match="Allowed: 1 to 8"):
        make(tmp_path, books=9).fetch(network=False)
    with pytest.raises(UserError, match="num_codebooks"):
        make(tmp_path, books=0)
