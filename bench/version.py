"""The version of almbench."""

__version__ = "0.2.0"
