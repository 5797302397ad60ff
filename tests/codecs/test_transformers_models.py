"""Every kind of codec in transformers, at its published configuration, against the library itself.

The library is called as its documentation does, feature extractor included. The largest models
have fewer layers here; `ALMBENCH_WHOLE_MODELS=1` keeps them whole.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import Samples, Sound, resample
from almbench.codecs.base import Codec
from almbench.codecs.registry import create
from almbench.codecs.transformers_codec import TransformersCodec, import_transformers
from almbench.codecs.transformers_models import MODELS
from tests.codecs.random_checkpoints import CHECKPOINTS, build

WHOLE = os.environ.get("ALMBENCH_WHOLE_MODELS") == "1"
SECONDS = 0.7

slow = pytest.mark.slow
CASES = [
    pytest.param("hf-audio/xcodec-hubert-librispeech", 4, marks=slow),
    pytest.param("hf-audio/xcodec-wavlm-mls", 8, marks=slow),
    pytest.param("bosonai/higgs-audio-v2-tokenizer", 8, marks=slow),
    pytest.param("HKUSTAudio/xcodec2-hf", 1, marks=slow),
    pytest.param("neuphonic/neucodec", 1, marks=slow),
    pytest.param("swiss-ai/wavtokenizer-large-unify-40token", 1, marks=slow),
    pytest.param("swiss-ai/wavtokenizer-small-speech-75token", 1, marks=slow),
    pytest.param("descript/dac_16khz", 12, marks=slow),
    pytest.param("descript/dac_44khz", 9, marks=slow),
    pytest.param("kyutai/mimi", 32, marks=slow),
    ("eustlb/pocket-tts-audio-tokenizer", 0),
    pytest.param("bezzam/VibeVoice-AcousticTokenizer", 0, marks=slow),
]


def direct(  # noqa: PLR0911 - a return for each kind
    id_: str, model: Any, clip: Samples, rate: int, depth: int
) -> tuple[Any, Any]:
    """Codes `[K, T]` (None for latents) and sound `[T]` that the library makes of a clip."""
    import torch

    library, kind, config = import_transformers(), CHECKPOINTS[id_].kind, model.config
    sound = torch.from_numpy(clip).float()
    with torch.inference_mode():
        if kind in {"xcodec2", "neucodec"}:
            heard = resample(clip, rate, 16_000).astype(np.float32)
            name = {"xcodec2": "Xcodec2", "neucodec": "NeuCodec"}[kind]
            inputs = getattr(library, f"{name}FeatureExtractor")()(
                heard, sampling_rate=16_000, return_tensors="pt"
            )
            made = model(**inputs)
            whole = model.decode(made.audio_codes).audio_values
            return made.audio_codes[0].numpy(), whole[0, 0].numpy()
        if kind == "vibevoice_acoustic_tokenizer":
            extract = library.VibeVoiceAcousticTokenizerFeatureExtractor()
            inputs = extract(clip.astype(np.float32), sampling_rate=rate)
            level = float(np.abs(clip).max() / inputs["input_values"].abs().max())
            encoded = model.encode(inputs["input_values"], sample=False)
            return None, level * model.decode(encoded.latents).audio[0, 0].numpy()
        if kind == "pocket_tts_audio_tokenizer":
            inputs = library.EncodecFeatureExtractor(sampling_rate=rate)(
                clip, sampling_rate=rate, return_tensors="pt"
            )
            padded = torch.nn.functional.pad(inputs["input_values"], (0, -len(clip) % 1920))
            return None, model(padded).audio_values[0, 0].numpy()
        if kind == "wavtokenizer":
            inputs = library.WavTokenizerFeatureExtractor(hop_length=config.hop_length)(
                clip, sampling_rate=rate, return_tensors="pt"
            )
            made = model(**inputs)
            return made.audio_codes[0].numpy(), made.audio_values.flatten().numpy()
        hop = {"mimi": 1920, "dac": int(np.prod(getattr(config, "downsampling_ratios", 1)))}.get(
            kind, getattr(config, "hop_length", 0)
        )
        inputs = library.DacFeatureExtractor(sampling_rate=rate, hop_length=hop)(
            sound.numpy(), sampling_rate=rate, return_tensors="pt"
        )["input_values"]
        if kind == "dac":
            made = model(inputs, n_quantizers=depth)
            return made.audio_codes[0].numpy(), made.audio_values.flatten().numpy()
        if kind == "mimi":
            made = model(inputs, num_quantizers=depth)
            return made.audio_codes[0].numpy(), made.audio_values[0, 0].numpy()
        per_book = 10 * rate / hop / 1000
        made = model(inputs, bandwidth=depth * per_book)
        return made.audio_codes[0].numpy(), made.audio_values[0, 0].numpy()


@pytest.mark.parametrize(("id_", "depth"), CASES)
def test_equals_the_library(id_: str, depth: int, tmp_path: Path, speech: Sound) -> None:
    """Facts, codes and sound; each codebook used by more than half of the frames at least."""

    known = TransformersCodec.published[id_]
    rate = known.sample_rate
    clip = resample(speech.samples, speech.rate, rate)[rate : rate + int(SECONDS * rate) + 37]
    whole = WHOLE or not CHECKPOINTS[id_].cut
    model = build(id_, tmp_path, clip, whole=whole)
    codes, sound = direct(id_, model, clip, rate, depth)
    del model

    codec = create("c", "C", "transformers", {"checkpoint": str(tmp_path), "num_codebooks": depth})
    assert isinstance(codec, Codec)
    codec.fetch(network=False)
    assert codec.spec.family == CHECKPOINTS[id_].kind
    assert codec.spec.frame_rate == rate / known.hop
    assert codec.spec.codebook_sizes == (known.codebook_size,) * depth
    codec.load("cpu")
    [encoded] = codec.encode([clip], rate)
    [decoded] = codec.decode([encoded], rate)
    codec.unload()
    shutil.rmtree(tmp_path)  # gigabytes, some

    assert len(decoded) == len(clip)
    kept = min(len(clip), len(sound))
    assert kept > len(clip) - known.hop
    peak = np.abs(sound).max()
    assert peak > 1e-3
    np.testing.assert_allclose(decoded[:kept], sound[:kept], atol=1e-4 * max(1.0, peak), rtol=0)
    if not depth:
        assert (encoded.bits, encoded.codes) == (None, None)
        assert codec.spec.nominal_kbps is None
        return
    assert encoded.codes is not None
    np.testing.assert_array_equal(encoded.codes, codes)
    assert encoded.bits == codes.size * np.log2(known.codebook_size)
    distinct = [len(np.unique(book)) / len(book) for book in codes]
    assert min(distinct) > 0.5


@pytest.mark.parametrize("id_", CHECKPOINTS)
def test_published_facts(id_: str, tmp_path: Path) -> None:
    """What is shown while a checkpoint is not here is what its configuration says."""
    import torch

    config = CHECKPOINTS[id_].make(whole=True)
    with torch.device("meta"):
        network = import_transformers().AutoModel.from_config(config)
    known = TransformersCodec.published[id_]
    assert known.parameters == sum(p.numel() for p in network.parameters())
    config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").touch()
    here = create("a", "A", "transformers", {"checkpoint": str(tmp_path)})
    absent = create("a", "A", "transformers", {"checkpoint": id_, "revision": "not-here"})
    assert isinstance(here, Codec)
    assert isinstance(absent, Codec)
    other = {"checkpoint", "weights_license", "parameters"}
    assert here.spec.model_dump(exclude=other) == absent.spec.model_dump(exclude=other)
    # Two X-Codecs of one layout differ in what they took their features from.
    assert here.spec.parameters in {known.parameters, None}
    assert absent.spec.parameters == known.parameters
    assert absent.spec.weights_license in here.spec.weights_license


def test_all_that_is_published_is_tried() -> None:
    assert set(CHECKPOINTS) == set(TransformersCodec.published)
    assert {checkpoint.kind for checkpoint in CHECKPOINTS.values()} == set(MODELS)
