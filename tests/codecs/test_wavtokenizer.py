from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from almbench.codecs.base import from_codes
from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import create
from almbench.codecs.speechtokenizer import import_model
from almbench.codecs.transformers_codec import import_transformers
from almbench.codecs.wavtokenizer import FILES, LARGE, WavTokenizer
from almbench.codecs.wavtokenizer_weights import BUFFERS, LAYERS, Layout
from almbench.errors import Unavailable, UserError

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")

REFERENCE = Path(__file__).resolve().parents[1] / "fixtures"
STRIDES = {"40": (4, 5, 5, 6), "75": (2, 4, 5, 8)}
HOPS = {"40": 600, "75": 320}
OF_THE_TRAINING = {"multiperioddisc.x": torch.zeros(3), "melspec_loss.window": torch.zeros(3)}
ENCODER = "feature_extractor.encodec.encoder."
CODEBOOK = "feature_extractor.encodec.quantizer.vq.layers.0._codebook."

State = dict[str, Tensor]


def write(folder: Path, kind: str, state: State) -> Path:
    """Write a checkpoint with the name and the contents that the authors' files have."""
    content = {"epoch": 3, "state_dict": {**state, **OF_THE_TRAINING}, "callbacks": {"a": None}}
    path = folder / FILES[LARGE[kind]]
    torch.save(content, path)
    return path


def make(kind: str, checkpoint: Path | str = "") -> WavTokenizer:
    codec = create("c", "C", "wavtokenizer", {"model": kind, "checkpoint": str(checkpoint)})
    assert isinstance(codec, WavTokenizer)
    return codec


def official(kind: str) -> Layout:
    return Layout(STRIDES[kind], 32, 512, 4096, 768, 2304, 12)


def random_state(layout: Layout) -> State:
    """Weights by the official names."""
    torch.manual_seed(7)
    transformers = import_transformers()
    config = transformers.WavTokenizerConfig(**layout.config)
    model = transformers.WavTokenizerModel(config)
    size, latent, width = layout.codebook_size, layout.latent, layout.width
    with torch.inference_mode():
        latents = model.encoder_model.encoder(torch.randn(1, 1, 24_000))[0]
    spread, frames = latents.std(1), latents.T[torch.randint(latents.shape[1], (size,))]
    state: State = {
        f"{CODEBOOK}embed": frames + 0.3 * spread * torch.randn(size, latent),
        f"{CODEBOOK}embed_avg": torch.zeros(size, latent),
        f"{CODEBOOK}cluster_size": torch.zeros(size),
        f"{CODEBOOK}inited": torch.ones(1),
        "feature_extractor.encodec.decoder.model.0.conv.conv.bias": torch.zeros(4),
        "head.istft.window": torch.hann_window(4 * layout.hop),
    }
    for name, weight in model.state_dict().items():
        if name.startswith(LAYERS):
            theirs = name.replace(LAYERS, "model.").replace(".conv.", ".conv.conv.")
            for part, old in (("original0", "weight_g"), ("original1", "weight_v")):
                theirs = theirs.replace(f"parametrizations.weight.{part}", old)
            state[ENCODER + theirs] = weight
        elif name.endswith((".scale.weight", ".shift.weight")):
            state[name] = float("scale" in name) + 0.2 * torch.randn(4, width)
        elif not name.startswith(BUFFERS):
            theirs = name.replace("head.linear", "head.out")
            state[theirs] = weight + 0.02 * torch.randn(weight.shape)
    return state


@pytest.fixture(scope="module", params=["40", "75"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def state(kind: str) -> State:
    return random_state(official(kind))


@pytest.fixture(scope="module")
def folder(kind: str, state: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp(f"wavtokenizer-{kind}")
    path = write(place, kind, state)
    yield place
    path.unlink()  # 300 MB


@pytest.fixture(scope="module")
def codec(kind: str, folder: Path) -> WavTokenizer:
    codec = make(kind, folder)
    codec.load("cpu")
    return codec


def noise(length: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, length)


# What the authors' code computed with weights that can be made anew.


@pytest.fixture(scope="module")
def reference(
    kind: str, tmp_path_factory: pytest.TempPathFactory, filled: Callable[[Path], State]
) -> Iterator[tuple[Path, WavTokenizer]]:
    place = REFERENCE / f"wavtokenizer-{kind}"
    weights = filled(place / "keys.json")
    path = write(tmp_path_factory.mktemp("reference"), kind, weights)
    codec = make(kind, path.parent)
    codec.load("cpu")
    yield place, codec
    path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", ["0.73", "1.00"])
def test_computes_what_the_authors_code_computes(
    reference: tuple[Path, WavTokenizer], seconds: str
) -> None:
    place, codec = reference
    want = dict(np.load(place / f"expected_{seconds}s.npz"))
    sound = want["clip"] / 32768
    [encoded] = codec.encode([sound], 24_000)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, want["codes"])
    with torch.inference_mode():
        latent = codec._model.encoder_model.encoder(
            torch.from_numpy(sound.astype(np.float32))[None, None]
        )
    np.testing.assert_allclose(latent[0], want["latent"], atol=2e-4, rtol=0)
    whole = from_codes(want["codes"].astype(np.int64), [4096], len(want["audio"]))
    [decoded] = codec.decode([whole], 24_000)
    np.testing.assert_allclose(decoded, want["audio"], atol=1e-5, rtol=0)


# Other implementations of its parts, with random weights.


@pytest.mark.parametrize("length", [1, 2, 7, 320, 601, 4999])
def test_encoder_and_search_agree_with_other_implementations(
    codec: WavTokenizer, kind: str, state: State, length: int
) -> None:
    seanet: Any = import_model().SEANetEncoder(
        n_filters=32,
        dimension=512,
        ratios=STRIDES[kind][::-1],
        lstm=2,
        bidirectional=False,
        dilation_base=2,
        residual_kernel_size=3,
        n_residual_layers=1,
        activation="ELU",
    )
    seanet.load_state_dict(
        {name.removeprefix(ENCODER): w for name, w in state.items() if name.startswith(ENCODER)}
    )
    sound = noise(length)
    with torch.inference_mode():
        latent = seanet.eval()(torch.from_numpy(sound.astype(np.float32))[None, None])[0].T
    nearest = torch.cdist(latent.double(), state[f"{CODEBOOK}embed"].double()).argmin(1)
    [encoded] = codec.encode([sound], 24_000)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes[0], nearest)
    if length > 4000:
        assert len(set(encoded.codes[0])) > 4


def decoded_by_the_book(state: State, codes: Tensor, hop: int) -> Tensor:
    """Decode in double precision, from the description of the layers."""
    w = {name: weight.double() for name, weight in state.items()}

    def conv(name: str, x: Tensor, **how: Any) -> Tensor:
        return F.conv1d(x, w[f"{name}.weight"], w[f"{name}.bias"], **how)

    def group(name: str, x: Tensor) -> Tensor:
        grouped = x.reshape(32, -1)
        centred = grouped - grouped.mean(1, keepdim=True)
        x = (centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt()).reshape(x.shape)
        scaled: Tensor = x * w[f"{name}.weight"][:, None] + w[f"{name}.bias"][:, None]
        return scaled

    def adaptive(name: str, x: Tensor) -> Tensor:  # the first of four bandwidths
        normed = F.layer_norm(x, (768,), eps=1e-6)
        return normed * w[f"{name}.scale.weight"][0] + w[f"{name}.shift.weight"][0]

    def resnet(name: str, x: Tensor) -> Tensor:
        inner = x
        for step in (1, 2):
            normed = group(f"{name}.norm{step}", inner)
            inner = conv(f"{name}.conv{step}", normed * normed.sigmoid(), padding=1)
        return x + inner

    def attention(name: str, x: Tensor) -> Tensor:
        q, k, v = (conv(f"{name}.{part}", group(f"{name}.norm", x))[0] for part in "qkv")
        weights = (q.T @ k / 768**0.5).softmax(1)
        return x + conv(f"{name}.proj_out", (v @ weights.T)[None])

    x = conv("backbone.embed", w[f"{CODEBOOK}embed"][codes].T[None], padding=3)
    for block, layer in enumerate((resnet, resnet, attention, resnet, resnet, group)):
        x = layer(f"backbone.pos_net.{block}", x)
    features = adaptive("backbone.norm", x[0].T)
    for block in range(12):
        name = f"backbone.convnext.{block}"
        inner = conv(f"{name}.dwconv", features.T[None], padding=3, groups=768)[0].T
        inner = F.linear(
            adaptive(f"{name}.norm", inner), w[f"{name}.pwconv1.weight"], w[f"{name}.pwconv1.bias"]
        )
        inner = 0.5 * inner * (1 + (inner / 2**0.5).erf())
        inner = F.linear(inner, w[f"{name}.pwconv2.weight"], w[f"{name}.pwconv2.bias"])
        features = features + w[f"{name}.gamma"] * inner
    last = "backbone.final_layer_norm"
    features = F.layer_norm(features, (768,), w[f"{last}.weight"], w[f"{last}.bias"], 1e-6)
    out = F.linear(features, w["head.out.weight"], w["head.out.bias"])
    size = 4 * hop
    sound, squares = torch.zeros(2, (len(codes) + 3) * hop, dtype=torch.float64)
    window = 0.5 - 0.5 * torch.cos(2 * torch.pi * torch.arange(size, dtype=torch.float64) / size)
    for frame, values in enumerate(out):
        magnitudes, phases = values.chunk(2)
        spectrum = magnitudes.exp().clamp(max=100) * torch.exp(1j * phases)
        place = slice(frame * hop, frame * hop + size)
        sound[place] += torch.fft.irfft(spectrum) * window
        squares[place] += window**2
    rest = 3 * hop // 2
    whole: Tensor = sound / squares
    return whole[rest : rest + len(codes) * hop]


@pytest.mark.parametrize("count", [1, 2, 23])
def test_decoder_agrees_with_its_description(
    codec: WavTokenizer, kind: str, state: State, count: int
) -> None:
    codes = torch.randint(4096, (count,))
    want = decoded_by_the_book(state, codes, HOPS[kind]).numpy()
    [got] = codec.decode([from_codes(codes[None].numpy(), [4096], len(want))], 24_000)
    assert np.ptp(want) > 0.01
    np.testing.assert_allclose(got, want, atol=1e-5 * np.abs(want).max(), rtol=0)


# What the adapter promises.


@pytest.mark.parametrize(
    "sound",
    [noise(1), noise(2), noise(1201), noise(6007), np.zeros(3000), np.sign(noise(3000))],
    ids=["1", "2", "1201", "6007", "silence", "full scale"],
)
def test_gives_back_the_length_of_any_clip(
    codec: WavTokenizer, kind: str, sound: np.ndarray[Any, np.dtype[np.float64]]
) -> None:
    [encoded] = codec.encode([sound], 24_000)
    [decoded] = codec.decode([encoded], 24_000)
    assert encoded.codes is not None
    frames = ceil(len(sound) / HOPS[kind])
    assert encoded.codes.shape == (1, frames)
    assert encoded.bits == 12 * frames
    assert decoded.shape == sound.shape
    assert np.isfinite(decoded).all()


def test_is_deterministic(codec: WavTokenizer, kind: str, folder: Path) -> None:
    sound = noise(5000, seed=2)
    again = make(kind, folder / FILES[LARGE[kind]])
    again.load("cpu")
    results = [one.decode(one.encode([sound], 24_000), 24_000)[0] for one in (codec, codec, again)]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_facts_of_a_checkpoint_are_the_published_ones(codec: WavTokenizer, kind: str) -> None:
    spec, published = codec.spec, make(kind).spec
    assert spec.nominal_kbps == pytest.approx({"40": 0.48, "75": 0.9}[kind])
    assert spec.tokens_per_second == float(kind)
    assert spec.checkpoint
    assert len(spec.checkpoint.sha256) == 64
    assert published.checkpoint
    assert published.checkpoint.source == LARGE[kind]
    assert published.weights_license in spec.weights_license
    skipped = {"checkpoint": None, "weights_license": ""}
    assert spec.model_copy(update=skipped) == published.model_copy(update=skipped)


def test_presets() -> None:
    for name, kind in (("wavtokenizer-0.48", "40"), ("wavtokenizer-0.9", "75")):
        ready = create(name, name, PRESETS[name].adapter, PRESETS[name].options)
        assert isinstance(ready, WavTokenizer)
        assert ready.options.checkpoint == LARGE[kind]
        assert ready.spec.nominal_kbps == pytest.approx(float(name.split("-")[1]))
        assert ready.supports_padding


# What can be wrong with a checkpoint.


def test_the_wrong_model_is_told(kind: str, folder: Path) -> None:
    other = {"40": "75", "75": "40"}[kind]
    with pytest.raises(UserError, match=f'model = "{other}".* gives {kind} codes per second'):
        make(other, folder / FILES[LARGE[kind]]).fetch(network=False)


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"large_unify_600_24k\.ckpt is missing .* To fix"):
        make("40", tmp_path).fetch(network=False)
    with pytest.raises(Unavailable, match="hf download novateur/WavTokenizer-nothing"):
        make("75", "novateur/WavTokenizer-nothing").fetch(network=False)


class Trap:
    """An object that runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


def test_a_checkpoint_that_would_run_code(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "more": Trap(tmp_path / "ran")}, tmp_path / FILES[LARGE["40"]])
    with pytest.raises(Unavailable, match=r"could run code.* To fix"):
        make("40", tmp_path).fetch(network=False)
    assert not (tmp_path / "ran").exists()


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / FILES[LARGE["40"]]
    for content in (b"", b"not a checkpoint", b"PK\x03\x04 nor this"):
        path.write_bytes(content)
        with pytest.raises(Unavailable, match=r"does not hold the weights.* To fix"):
            make("40", tmp_path).fetch(network=False)
    torch.save({"state_dict": {"a": torch.zeros(90_000)}}, path)
    path.write_bytes(path.read_bytes()[:90_000])  # a download that was cut off
    with pytest.raises(Unavailable, match=r"damaged or incomplete: .{1,99}\. To fix: fetch"):
        make("40", tmp_path).fetch(network=False)
    torch.save([torch.zeros(2)], path)
    with pytest.raises(Unavailable, match="no tensors by name"):
        make("40", tmp_path).fetch(network=False)
    torch.save({"state_dict": OF_THE_TRAINING}, path)
    with pytest.raises(Unavailable, match=r"'encoder_model.quantizer.codebook.embed' is missing"):
        make("40", tmp_path).fetch(network=False)


@pytest.mark.parametrize(
    ("remove", "add", "named"),
    [
        ("backbone.pos_net.2.q.bias", "", "backbone.pos_net.2.q.bias"),
        ("", f"{CODEBOOK.replace('0', '1')}embed", "layers.1._codebook"),
        ("", "backbone.extra.weight", "backbone.extra"),
    ],
)
def test_weights_that_do_not_fit(tmp_path: Path, remove: str, add: str, named: str) -> None:
    state = random_state(Layout(STRIDES["40"], 2, 8, 16, 64, 16, 2))
    write(tmp_path, "40", state)
    make("40", tmp_path).load("cpu")
    changed = {name: weight for name, weight in state.items() if name != remove}
    if add:
        changed[add] = torch.zeros(3)
    write(tmp_path, "40", changed)
    with pytest.raises(Unavailable, match=named):
        make("40", tmp_path).load("cpu")


@pytest.mark.parametrize("options", [{"model": "50"}, {"model": 40}, {"num_codebooks": 2}])
def test_options_that_are_not_allowed(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(options))):
        create("c", "C", "wavtokenizer", options)
