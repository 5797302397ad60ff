"""Names of tables and of export formats; light to import, for the command line."""

from typing import Literal, get_args

TableName = Literal["summary", "clips", "metrics", "probes", "codecs"]
TABLE_NAMES: tuple[TableName, ...] = ("summary", "clips", "metrics")
"""The tables that every finished run has as files; `probes` is made by `bench probe`, `codecs` when
asked for."""
ExportFormat = Literal["csv", "parquet", "latex", "markdown", "json", "versa", "pdf", "svg"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
SUFFIXES: dict[str, ExportFormat] = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "versa",
    ".md": "markdown",
    ".parquet": "parquet",
    ".pdf": "pdf",
    ".svg": "svg",
    ".tex": "latex",
}
"""The format that a file's suffix asks for."""
