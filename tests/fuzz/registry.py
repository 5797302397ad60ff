"""All kinds of input."""

from tests.fuzz import checkpoints, programs, runs, sounds, texts

KINDS = [*texts.KINDS, *sounds.KINDS, *runs.KINDS, *checkpoints.KINDS, *programs.KINDS]
