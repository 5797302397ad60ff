"""What the tokens carry: measures of a codec's codes, from the language model's side."""
