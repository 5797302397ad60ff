"""The Python interface; `almbench` itself exports what is public of it."""
