"""Submissions: the result files that listeners hand in, checked to the last field."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import from_json

from almbench.errors import UserError, unknown
from almbench.files import list_files
from almbench.listening.kinds import KINDS, load_kind
from almbench.listening.result_file import FORMAT, ListenerResult
from almbench.validation import explain


@dataclass(frozen=True)
class Submission:
    """A result and the file that it came in."""

    path: Path
    result: ListenerResult


def read_submissions(paths: list[Path]) -> list[Submission]:
    """Read results from files, and from all `*.json` below folders.

    Raises:
        UserError: A path does not exist, a folder holds no result, or a file is not one; the
            message names the file and the field.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        for file in _files(path):
            files.setdefault(file.resolve(), file)
    return [Submission(file, _read(file)) for file in files.values()]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{path} does not exist; give result files, or folders of them.")
    found = [file for file in list_files(path).files if file.suffix.lower() == ".json"]
    if not found:
        raise UserError(
            f"{path} holds no results (*.json). To fix: put the files there that listeners "
            "downloaded at the end of a blind test."
        )
    return found


def _read(path: Path) -> ListenerResult:
    content = path.read_bytes()
    try:
        data = from_json(content)
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UserError(
            f'{path} is not the result of a blind test: it has no "format": "{FORMAT}". Give '
            "only files that listeners downloaded at the end of a test."
        )
    kind = str(data.get("kind"))
    if kind not in KINDS:
        raise UserError(f"{path}: {unknown('kind of test', kind, KINDS)}")
    model: type[ListenerResult] = load_kind(kind).result
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise UserError(explain(error, model, str(path))) from error
