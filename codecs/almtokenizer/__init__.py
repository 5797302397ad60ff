"""ALMTokenizer: an audio tokenizer that compresses by queries (Yang et al., ICML 2025)."""
