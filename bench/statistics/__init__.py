"""Intervals, significance tests and rank groups, below results and listening tests."""
