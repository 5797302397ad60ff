"""`checksums.json`: the SHA-256 of a run's suite and its pages, manifest, tables, rows, codes.

Those of the sounds are in the rows, those of checkpoints in the manifest.
"""

from typing import Literal

from pydantic import ValidationError

from almbench.atomic import write_atomically
from almbench.audio import sha256
from almbench.errors import UserError
from almbench.record import Record
from almbench.results.formats import TABLE_NAMES
from almbench.results.manifest import read_manifest
from almbench.results.runfolder import RunFolder


class Checksums(Record):
    """The file.

    Attributes:
        schema_version: Version of this form.
        files: Path below the run folder, with `/` -> SHA-256 as hexadecimal digits.
    """

    schema_version: Literal[1] = 1
    files: dict[str, str]


def files_of(folder: RunFolder) -> list[str]:
    """The files that checksums are of, by path below the run folder; a missing one too.

    A run of imported scores has no suite.
    """
    files = [folder.manifest, *map(folder.table, TABLE_NAMES)]
    files += [probes] if (probes := folder.table("probes")).is_file() else []
    files += [] if read_manifest(folder).source else [folder.suite]
    files += sorted((folder.root / "rows").glob("*.jsonl"))
    files += sorted((folder.root / "codes").glob("*/*/*.npz"))
    files += sorted((folder.root / "continuations").glob("*/*/*.flac"))
    files += sorted(path for path in folder.attachments.rglob("*") if path.is_file())
    return [path.relative_to(folder.root).as_posix() for path in files]


def write_checksums(folder: RunFolder) -> None:
    """Write the checksums, in one step; to be done last."""
    sums = {name: sha256(folder.root / name) for name in files_of(folder)}
    text = Checksums(files=sums).model_dump_json(indent=1) + "\n"
    write_atomically(folder.checksums, text.encode())


def read_checksums(folder: RunFolder) -> Checksums:
    """Read the checksums of a run.

    Raises:
        UserError: There are none, or they are damaged.
    """
    path = folder.checksums
    if not path.is_file():
        raise UserError(
            f"{folder.root} has no {path.name}, which runs get when they finish. "
            f"To fix: finish it with: bench run {folder.suite} -o {folder.root}"
        )
    try:
        return Checksums.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{path} is damaged: it does not hold checksums.") from error
