"""Listening tests: their design, the results of their listeners, screening, analysis and tables."""
