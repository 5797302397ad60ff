"""Benchmark neural audio codecs and tokenizers, and publish the numbers beside the sound."""

__version__ = "0.1.0"
