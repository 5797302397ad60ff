"""Lyra V2: through tiny models made here, against NumPy; and through its own, where they are."""

import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from almbench.audio import Samples, Sound, read, resample
from almbench.codecs.base import Codec
from almbench.codecs.registry import make_codec
from almbench.errors import Unavailable, UserError
from almbench.metrics.registry import make_family

pytest.importorskip("ai_edge_litert", reason="pip install 'almbench[lyra]'")
tiny_lyra: Any = importlib.import_module("tests.codecs.tiny_lyra")

WEIGHTS = Path(os.environ.get("ALMBENCH_LYRA", "nowhere"))
DEMO = Path(os.environ.get("ALMBENCH_DEMO_PAGE", "nowhere")) / "speech" / "gt"
needs_weights = pytest.mark.skipif(
    not WEIGHTS.is_dir(), reason="ALMBENCH_LYRA names no folder with Lyra's three models"
)
needs_demo = pytest.mark.skipif(
    not DEMO.is_dir(), reason="ALMBENCH_DEMO_PAGE names no copy of the demo page's audio"
)
# PESQ-WB and STOI of Lyra 1.3.2 over the nine speech clips of the ALMTokenizer demo page, by the
# three models driven directly.
MEASURED = {"lyra-9.2": (3.23, 0.877), "lyra-6": (2.92, 0.871), "lyra-3.2": (2.47, 0.848)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lyra")
    tiny_lyra.save(path)
    return path


def make(name: str, folder: Path, **options: Any) -> Codec[Any]:
    codec = make_codec(name, {"checkpoint": str(folder), **options})
    codec.fetch(network=False)
    codec.load("cpu")
    return codec


def noise(length: int, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, length)


def by_hand(samples: Samples, depth: int) -> tuple[NDArray[np.int64], Samples]:
    """What the tiny models make of a clip, in NumPy."""
    made = {name: matrix.astype(np.float64) for name, matrix in tiny_lyra.weights().items()}
    frames = np.pad(samples, (0, -len(samples) % 320)).reshape(-1, 320)

    def stateful(rows: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        now = rows @ matrix.T
        return now + np.vstack([np.zeros((1, now.shape[1])), now[:-1]])

    levels = np.floor(stateful(frames, made["encoder"]) @ made["quantize"].T + 8)
    codes = np.clip(levels, 0, 15).T[:depth]
    latents = codes.T @ made["restore"][:, :depth].T
    return codes.astype(np.int64), stateful(latents, made["decoder"]).ravel()[: len(samples)]


@pytest.mark.parametrize(("name", "depth"), [("lyra-3.2", 16), ("lyra-9.2", 46)])
@pytest.mark.parametrize("length", [1, 320, 321, 4000])
def test_codes_and_sound_are_those_of_the_models(
    folder: Path, name: str, depth: int, length: int
) -> None:
    codec = make(name, folder)
    sound = noise(length)
    (encoded,) = codec.encode([sound], 16_000)
    codes, expected = by_hand(sound, depth)
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, codes)
    assert encoded.bits == codes.size * 4
    (decoded,) = codec.decode([encoded], 16_000)
    np.testing.assert_allclose(decoded, expected, atol=1e-5)


def test_a_clip_is_the_same_whatever_came_before(folder: Path) -> None:
    codec = make("lyra-6", folder)
    alone = codec.encode([noise(2000)], 16_000)
    after = codec.encode([noise(3000, 1), noise(2000)], 16_000)[1:]
    assert alone[0].codes is not None
    np.testing.assert_array_equal(after[0].codes, alone[0].codes)
    sounds = [
        codec.decode(codec.encode([noise(700, 2)], 16_000) + one, 16_000)[-1]
        for one in (alone, after)
    ]
    np.testing.assert_array_equal(sounds[0], codec.decode(alone, 16_000)[0])
    np.testing.assert_array_equal(sounds[1], sounds[0])


def test_a_deeper_codec_decodes_the_codes_of_a_shallower_one(folder: Path) -> None:
    deep, shallow = make("lyra-9.2", folder), make("lyra-3.2", folder)
    assert deep.encoding_key == shallow.encoding_key
    encoded = shallow.encode([noise(1000)], 16_000)
    np.testing.assert_array_equal(
        deep.decode(encoded, 16_000)[0], shallow.decode(encoded, 16_000)[0]
    )


def test_its_weights_are_part_of_its_identity(folder: Path, tmp_path: Path) -> None:
    codec = make("lyra-6", folder)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    (other / "quantizer.tflite").write_bytes(b"x")
    changed = make_codec("lyra-6", {"checkpoint": str(other)})
    assert codec.spec.settings["quantizer_sha256"] != changed.spec.settings["quantizer_sha256"]
    assert codec.encoding_key != changed.encoding_key
    assert codec.spec.checkpoint is not None
    assert len(codec.spec.checkpoint.sha256) == 64


def test_what_is_missing_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match=r"download soundstream_encoder.tflite.*--checkpoint"):
        make_codec("lyra-3.2").fetch(network=False)
    shutil.copy(folder / "quantizer.tflite", tmp_path)
    with pytest.raises(Unavailable, match=r"lyragan\.tflite are missing in the folder"):
        make("lyra-3.2", tmp_path)
    with pytest.raises(UserError, match="num_codebooks = 47"):
        make_codec("lyra-3.2", {"num_codebooks": 47})
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(Unavailable, match=r"ai_edge_litert is not installed.*almbench\[lyra\]"):
        make_codec("lyra-3.2").fetch(network=False)


def test_models_that_are_not_lyras_are_refused(folder: Path, tmp_path: Path) -> None:
    wrong = Path(shutil.copytree(folder, tmp_path / "wrong"))
    tiny_lyra.save(wrong, hop=160)
    with pytest.raises(Unavailable, match=r"not those of Lyra V2: a frame comes back as 160"):
        make("lyra-3.2", wrong)
    shutil.copy(folder / "lyragan.tflite", wrong / "quantizer.tflite")
    with pytest.raises(Unavailable, match="not those of Lyra V2"):
        make("lyra-3.2", wrong)
    (wrong / "quantizer.tflite").write_bytes(b"not a model")
    with pytest.raises(Unavailable, match="not those of Lyra V2"):
        make("lyra-3.2", wrong)


@needs_weights
def test_its_own_models_use_their_codebooks_and_nest(speech: Sound) -> None:
    clip = resample(speech.samples, speech.rate, 16_000)
    deep = make("lyra-9.2", WEIGHTS)
    codes, shallow = (
        codec.encode([clip], 16_000)[0].codes for codec in (deep, make("lyra-3.2", WEIGHTS))
    )
    assert codes is not None
    assert shallow is not None
    np.testing.assert_array_equal(codes[:16], shallow)
    assert (codes.min(), codes.max()) == (0, 15)
    assert min(len(set(row)) for row in codes) >= 8


@pytest.mark.slow
@needs_weights
@needs_demo
@pytest.mark.parametrize("name", MEASURED)
def test_its_own_models_reach_what_was_measured(name: str) -> None:
    codec = make(name, WEIGHTS)
    pesq, stoi = make_family("pesq_wb", {}), make_family("stoi", {})
    scores = []
    for path in sorted(DEMO.glob("*.wav")):
        sound = read(path)
        clip = resample(sound.samples, sound.rate, 16_000)
        (decoded,) = codec.decode(codec.encode([clip], 16_000), 16_000)
        scores.append(
            [
                family.score(family.prepare(clip, 16_000), decoded, 16_000, [family.name])[
                    family.name
                ]
                for family in (pesq, stoi)
            ]
        )
    means = np.mean(scores, axis=0)
    assert means[0] == pytest.approx(MEASURED[name][0], abs=0.02)
    assert means[1] == pytest.approx(MEASURED[name][1], abs=0.002)
