"""A Whisper of random weights and a few words, in the format of the real checkpoints."""

from pathlib import Path
from typing import Any

import torch

WORDS = [
    *("red", "green", "blue", "cat", "dog", "bird", "fish"),
    *("sun", "moon", "tree", "stone", "river", "cloud"),
]
SPECIAL = [
    *("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>"),
    *("<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
]
TIMES = 1501  # of every 20 ms up to 30 s, the last tokens of a vocabulary


def save_tiny_whisper(folder: Path) -> None:
    """Save model, tokeniser and features as `save_pretrained` does; what it hears is gibberish."""
    import transformers

    library: Any = transformers  # much of it has no types
    vocabulary = {"\u0120" + word: i for i, word in enumerate(WORDS)}  # with a space before
    special = {token: len(WORDS) + i for i, token in enumerate(SPECIAL)}
    tokens = {
        "decoder_start_token_id": special["<|startoftranscript|>"],
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), special[SPECIAL[0]]),
    }
    size = len(vocabulary) + len(special) + TIMES
    config = library.WhisperConfig(
        vocab_size=size, num_mel_bins=80, d_model=32, init_std=0.5, max_target_positions=24,
        encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32,
        suppress_tokens=None, begin_suppress_tokens=None, **tokens,
    )  # fmt: skip
    torch.manual_seed(0)
    model = library.WhisperForConditionalGeneration(config)
    model.generation_config = library.GenerationConfig(
        **tokens,
        is_multilingual=True,
        lang_to_id={name: special[name] for name in ("<|en|>", "<|de|>")},
        task_to_id={name: special[f"<|{name}|>"] for name in ("transcribe", "translate")},
        no_timestamps_token_id=special["<|notimestamps|>"],
        suppress_tokens=[*list(special.values())[1:], *range(size - TIMES, size)],
        max_length=20,
    )
    model.save_pretrained(folder)
    library.WhisperTokenizer(vocab={**vocabulary, **special}, merges=[]).save_pretrained(folder)
    library.WhisperFeatureExtractor().save_pretrained(folder)
