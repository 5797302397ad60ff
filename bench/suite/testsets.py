"""Test sets: from a suite's words to a list of clips."""

import random
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from almbench.audio import EXTENSIONS
from almbench.errors import UserError
from almbench.names import safe_name
from almbench.suite.config import TestSetConfig
from almbench.suite.layouts import LAYOUTS, Found, named, read_table, recognise


@dataclass(frozen=True)
class Clip:
    """One sound of a test set.

    Attributes:
        id: Unique in its test set, and safe as a file name.
        path: The source file.
        speaker: Speaker or source.
        text: What is said, or what is heard.
        cluster: What clips share that are not independent, such as the speaker or the recording;
            empty for a clip that is independent of all others.
    """

    id: str
    path: Path
    speaker: str = ""
    text: str = ""
    cluster: str = ""


def find_clips(config: TestSetConfig, seed: int) -> list[Clip]:
    """List the clips of a test set, sorted by id.

    Args:
        config: The test set, its path filled in.
        seed: Chooses the clips where `config.limit` is set.

    Raises:
        UserError: The path does not exist, holds no sound, or two clips would share an id.
    """
    found = list(_found(config))
    if not found:
        raise UserError(
            f"Test set '{config.name}': no sound files in {config.path} "
            f"(looked for {', '.join(sorted(EXTENSIONS))})."
        )
    clips: dict[str, Clip] = {}
    for item in found:
        id_ = safe_name(item.name)
        if id_ in clips:
            raise UserError(
                f"Test set '{config.name}': {clips[id_].path} and {item.path} would both be called "
                f"'{id_}'. Rename one, or give ids in a CSV manifest."
            )
        clips[id_] = Clip(id_, item.path, item.speaker, item.text, item.cluster or item.speaker)
    chosen = sorted(clips)
    if config.limit:
        chosen = draw(chosen, config.limit, seed)
    return [clips[id_] for id_ in chosen]


def draw(ids: list[str], limit: int, seed: int) -> list[str]:
    """Draw up to `limit` of some ids, sorted; the same of the same ids and seed."""
    chosen = ids if limit >= len(ids) else random.Random(seed).sample(ids, limit)  # noqa: S311
    return sorted(chosen)


def exists(config: TestSetConfig) -> bool:
    """Whether there is anything at the test set's path."""
    return bool(glob(config.path, recursive=True)) or Path(config.path).exists()


def _found(config: TestSetConfig) -> list[Found]:
    path = Path(config.path)
    if path.is_dir():
        layout = recognise(path) if config.layout == "auto" else config.layout
        return list(LAYOUTS[layout](path))
    if path.suffix.lower() == ".csv":
        return _manifest(path, config)
    if has_magic(config.path):
        files = sorted(Path(name) for name in glob(config.path, recursive=True))
        sounds = [file for file in files if file.suffix.lower() in EXTENSIONS and file.is_file()]
        return list(named(sounds, Path(path.anchor)))
    if path.exists():
        raise UserError(
            f"Test set '{config.name}': {path} is neither a folder nor a CSV manifest (*.csv)."
        )
    raise UserError(f"Test set '{config.name}': {path} does not exist.")


def _manifest(path: Path, config: TestSetConfig) -> list[Found]:
    """Read `path[, id, domain, speaker, text, cluster]`; rows of another domain are left out."""
    table = read_table(path, {"path"})
    found = []
    for row in table.to_dict("records"):
        if row.get("domain") not in {None, "", config.domain}:
            continue
        file = path.parent / row["path"]
        name = row.get("id") or file.stem
        speaker, text, cluster = (row.get(key, "") for key in ("speaker", "text", "cluster"))
        found.append(Found(file, name, speaker, text, cluster))
    return found
