"""What a run wrote down, and the tables made of it."""
