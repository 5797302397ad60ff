"""Checkpoints of transformers' codecs: the published configuration, weights drawn at random.

The codebooks are drawn around what the encoder makes of a clip: left at zero, as the models are
made, every code would be 0 and nothing be tested.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from almbench.audio import Samples
from almbench.codecs.transformers_codec import import_transformers
from almbench.codecs.transformers_models import MODELS

HIGGS_DAC = {
    "model_type": "dac",
    "encoder_hidden_size": 64,
    "decoder_hidden_size": 1024,
    "hidden_size": 256,
    "downsampling_ratios": [8, 5, 4, 2, 3],
    "upsampling_ratios": [8, 5, 4, 2, 3],
}


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint.

    Attributes:
        kind: The type of its model.
        config: What its `config.json` says that the library's defaults do not.
        cut: What is smaller in the fast tests, where the whole is too large for them.
    """

    kind: str
    config: dict[str, Any] = field(default_factory=dict)
    cut: dict[str, Any] = field(default_factory=dict)

    def make(self, *, whole: bool) -> Any:
        """The configuration."""
        class_ = getattr(
            import_transformers(), MODELS[self.kind].class_name.replace("Model", "Config")
        )
        return class_(**self.config | ({} if whole else self.cut))


def _dac(rate: int, ratios: list[int], books: int) -> Checkpoint:
    config = {"sampling_rate": rate, "downsampling_ratios": ratios, "n_codebooks": books}
    return Checkpoint("dac", config)


TWO_OF_HUBERT = {"semantic_model_config": {"model_type": "hubert", "num_hidden_layers": 2}}
HUBERT = Checkpoint("xcodec", cut=TWO_OF_HUBERT)
WAVLM = Checkpoint(
    "xcodec",
    {"semantic_model_config": {"model_type": "wavlm"}},
    {"semantic_model_config": {"model_type": "wavlm", "num_hidden_layers": 2}},
)
FEW_LAYERS = {
    "num_hidden_layers": 2,
    "semantic_model_config": {"model_type": "wav2vec2-bert", "num_hidden_layers": 2},
}
SPEECH_75 = Checkpoint("wavtokenizer", {"upsampling_ratios": [8, 5, 4, 2]})
CHECKPOINTS = {
    "facebook/encodec_24khz": Checkpoint("encodec"),
    "facebook/encodec_48khz": Checkpoint(
        "encodec_48khz",
        {
            "sampling_rate": 48_000,
            "audio_channels": 2,
            "target_bandwidths": [3.0, 6.0, 12.0, 24.0],
            "normalize": True,
            "chunk_length_s": 1.0,
            "overlap": 0.01,
            "use_causal_conv": False,
            "norm_type": "time_group_norm",
        },
    ),
    "kyutai/mimi": Checkpoint("mimi", {"frame_rate": 12.5}),
    "descript/dac_16khz": _dac(16_000, [2, 4, 5, 8], 12),
    "descript/dac_24khz": _dac(24_000, [2, 4, 5, 8], 32),
    "descript/dac_44khz": _dac(44_100, [2, 4, 8, 8], 9),
    "hf-audio/xcodec-hubert-librispeech": HUBERT,
    "hf-audio/xcodec-hubert-general": HUBERT,
    "hf-audio/xcodec-hubert-general-balanced": HUBERT,
    "hf-audio/xcodec-wavlm-mls": WAVLM,
    "hf-audio/xcodec-wavlm-more-data": WAVLM,
    "bosonai/higgs-audio-v2-tokenizer": Checkpoint(
        "higgs_audio_v2_tokenizer",
        {"target_bandwidths": [0.5, 1, 1.5, 2], "acoustic_model_config": HIGGS_DAC},
        TWO_OF_HUBERT,
    ),
    "HKUSTAudio/xcodec2-hf": Checkpoint("xcodec2", cut=FEW_LAYERS),
    "neuphonic/neucodec": Checkpoint("neucodec", cut=FEW_LAYERS),
    "swiss-ai/wavtokenizer-large-unify-40token": Checkpoint("wavtokenizer"),
    "swiss-ai/wavtokenizer-large-speech-75token-v2": SPEECH_75,
    "swiss-ai/wavtokenizer-medium-speech-75token-v2": SPEECH_75,
    "swiss-ai/wavtokenizer-small-speech-40token": Checkpoint("wavtokenizer"),
    "swiss-ai/wavtokenizer-small-speech-75token": SPEECH_75,
    "eustlb/pocket-tts-audio-tokenizer": Checkpoint("pocket_tts_audio_tokenizer"),
    "bezzam/VibeVoice-AcousticTokenizer": Checkpoint(
        "vibevoice_acoustic_tokenizer", cut={"depths": [1] * 7}
    ),
}


def near(states: Any, like: Any, seed: int) -> Any:
    """Draw a codebook of the shape of `like` near states `[N, D]`, each of them in turn."""
    import torch

    drawn = torch.Generator().manual_seed(seed)
    turn = torch.arange(len(like)) % len(states)
    noise = torch.randn(like.shape, generator=drawn)
    book = states[turn] + 0.3 * states.std(0) * noise
    return book[torch.randperm(len(book), generator=drawn)]


def build(id_: str, folder: Path, clip: Samples, *, whole: bool = True) -> Any:
    """Save a checkpoint, of a model whose codebooks suit the clip; and return the model."""
    import torch

    transformers = import_transformers()
    checkpoint = CHECKPOINTS[id_]
    torch.manual_seed(1)
    model = transformers.AutoModel.from_config(checkpoint.make(whole=whole)).eval()
    with torch.inference_mode():
        SPREAD.get(checkpoint.kind, _nothing)(model, torch.from_numpy(clip).float()[None, None])
    model.save_pretrained(folder)
    return model


def _nothing(model: Any, sound: Any) -> None:
    """Finite scalars and latents are spread as they are."""


def _dac_books(model: Any, sound: Any) -> None:
    residual = model.encoder(sound)
    for i, book in enumerate(model.quantizer.quantizers):
        states = book.in_proj(residual)[0].T
        book.codebook.weight.data = near(states, book.codebook.weight, i)
        residual = residual - book(residual)[0]


def _encodec_books(model: Any, sound: Any) -> None:
    _wake(model.encoder)
    _embeddings(model.quantizer.layers, model.encoder(sound).transpose(1, 2), "embed")


def _wake(encoder: Any) -> None:
    """Let it answer to the sound: as it is made, it does so weakly, and codes hang on rounding."""
    for part, values in encoder.named_parameters():
        if part.endswith("original0"):
            values.mul_(2)


def _encodec_48khz_books(model: Any, sound: Any) -> None:
    stereo = sound[..., : model.config.chunk_length].expand(-1, 2, -1)
    scaled = stereo / stereo.pow(2).mean().sqrt()
    _embeddings(model.quantizer.layers, model.encoder(scaled).transpose(1, 2), "embed")


def _mimi_books(model: Any, sound: Any) -> None:
    latents = model.encoder(sound).latents
    for books in (
        model.quantizer.semantic_residual_vector_quantizer,
        model.quantizer.acoustic_residual_vector_quantizer,
    ):
        _embeddings(books.layers, books.input_proj(latents).transpose(1, 2), "embed_sum")


def _embeddings(layers: Any, residual: Any, name: str) -> None:
    for i, layer in enumerate(layers):
        setattr(layer.codebook, name, near(residual[0], getattr(layer.codebook, name), i))
        residual = residual - layer.codebook.decode(layer.codebook.encode(residual))


def _xcodec_books(model: Any, sound: Any) -> None:
    """The quantizer is asked for its input, by one that keeps it."""
    import torch

    kept: list[Any] = []
    sound = torch.nn.functional.pad(sound, (0, -sound.shape[-1] % model.config.hop_length))
    hook = model.fc.register_forward_hook(lambda *called: kept.append(called[2]))
    model.encode(sound, model.config.target_bandwidths[0])
    hook.remove()
    residual = kept[0].transpose(1, 2)
    for i, layer in enumerate(model.quantizer.quantizers):
        states = residual[0].T
        if hasattr(layer, "project_in"):
            states = layer.project_in(states)
        layer.codebook.embed = near(states, layer.codebook.embed, i)
        residual = residual - layer.decode(layer.encode(residual))


def _wavtokenizer_book(model: Any, sound: Any) -> None:
    encoder = model.encoder_model.encoder
    _wake(encoder)
    book = model.encoder_model.quantizer.codebook
    book.embed = near(encoder(sound)[0].T, book.embed, 0)


def _louder(model: Any, sound: Any) -> None:
    """As it is made, what its layers add is a millionth of their input."""
    import torch

    for name, values in model.named_parameters():
        if "gamma" in name:
            values.fill_(0.5)
        elif values.ndim > 1:
            torch.nn.init.normal_(values, std=float(np.prod(values.shape[1:])) ** -0.5)


SPREAD = {
    "dac": _dac_books,
    "encodec": _encodec_books,
    "encodec_48khz": _encodec_48khz_books,
    "mimi": _mimi_books,
    "xcodec": _xcodec_books,
    "higgs_audio_v2_tokenizer": _xcodec_books,
    "wavtokenizer": _wavtokenizer_book,
    "vibevoice_acoustic_tokenizer": _louder,
}
