"""A speech recogniser of transformers, and the words that it hears."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from almbench.errors import Unavailable
from almbench.metrics.weights import find_weights
from almbench.torchaudio_import import import_torchaudio

RATE = 16_000
HUB_ID = "openai/whisper-small"  # weights under the Apache License 2.0
REVISION = "973afd24965f72e36ca33b3055d56a652f456b4d"
WEIGHTS = "model.safetensors"
FILES = ("config.json", "preprocessor_config.json", "tokenizer_config.json", WEIGHTS)
MORE_FILES = (
    "added_tokens.json",
    "generation_config.json",
    "merges.txt",
    "normalizer.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "vocab.json",
)


def find_recogniser(source: str, revision: str, *, network: bool = True) -> Path:
    """Find the folder of a recogniser's files, or fetch them.

    Raises:
        Unavailable: They are not here and cannot be fetched.
    """
    return find_weights(source, revision, FILES, MORE_FILES, network=network)


@lru_cache(maxsize=32)
def transcribe(source: str, revision: str, language: str, samples: bytes) -> str:
    """Write down what is heard; kept for the next metrics of the same sound.

    Args:
        source: Local folder or hub id.
        revision: Commit of the hub repository.
        language: Code of the language, or empty.
        samples: Mono samples at 16 kHz as bytes of float32.

    Raises:
        Unavailable: The recogniser cannot be loaded.
    """
    recogniser, options = load_recogniser(source, revision, language)
    sound = {"raw": np.frombuffer(samples, np.float32), "sampling_rate": RATE}
    return str(recogniser(sound, generate_kwargs=dict(options))["text"])


@cache
def load_recogniser(source: str, revision: str, language: str) -> tuple[Any, dict[str, Any]]:
    """Load a recogniser, once in a process; returns it with its options, which are greedy search.

    Raises:
        Unavailable: It is not here, cannot be fetched, or is no recogniser of transformers.
    """
    folder = find_recogniser(source, revision)
    import_torchaudio()
    import torch
    from transformers import pipeline
    from transformers.utils import logging

    quiet: Any = logging
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()
    try:
        made = pipeline(
            "automatic-speech-recognition", model=str(folder), device="cpu", dtype=torch.float32
        )
    except Exception as error:  # of a damaged file, transformers raises nearly anything
        raise Unavailable(
            f"{folder} holds no speech recogniser of transformers: {type(error).__name__} {error}"
        ) from error
    options: dict[str, Any] = {}
    if made.model.can_generate():
        options = {"do_sample": False, "num_beams": 1}
        if language and getattr(made.model.generation_config, "is_multilingual", False):
            options |= {"language": language, "task": "transcribe"}
    return made, options
