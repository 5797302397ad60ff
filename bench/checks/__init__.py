"""Checks of codec adapters."""
