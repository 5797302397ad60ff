"""Training of ALMTokenizer."""
