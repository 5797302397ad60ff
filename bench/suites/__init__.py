"""The built-in suites, as TOML files."""
