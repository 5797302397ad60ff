"""Which files of a folder are looked at."""

from pathlib import Path

from almbench.audio import EXTENSIONS


def audio_files(folder: Path) -> list[Path]:
    """All sound files below a folder, sorted; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in EXTENSIONS and path.is_file() and not path.name.startswith(".")
    )
