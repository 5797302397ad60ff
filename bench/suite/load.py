"""Suites from TOML files: found by name or path, narrowed, and their data folders filled in."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Any

from pydantic import ValidationError

from almbench.audio import EXTENSIONS
from almbench.errors import UserError, unknown
from almbench.names import readable
from almbench.samples import folder as samples_folder
from almbench.suite.config import Suite
from almbench.validation import explain

NAME = re.compile(r"\{([\w.-]+)\}")
LATER = {"domain", "testset", "python", "workers", "clip"}  # known to the plan, or to an adapter
GIVEN = LATER | {"samples"}


def builtin_suites() -> dict[str, Path]:
    """The built-in suites: name -> TOML file."""
    folder = Path(str(files("almbench.suite") / "builtin"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_suite(name_or_path: str) -> Suite:
    """Load a suite by built-in name or from a TOML file, its relative paths made absolute.

    Raises:
        UserError: There is no such suite, or it has a mistake; the message names the key.
    """
    builtin = builtin_suites()
    path = builtin.get(name_or_path, Path(name_or_path))
    if path.exists() and (path.is_dir() or path.suffix.lower() in {".csv", *EXTENSIONS}):
        sounds = path if path.is_dir() or path.suffix.lower() == ".csv" else path.parent
        raise UserError(
            f"{path} is no suite: that is a built-in one ({', '.join(builtin)}) or a TOML file. To "
            "run one on speech of your own (or likewise sound, or music), in a folder or a CSV: "
            f"bench run quick --testset speech --data {quote(f'speech={sounds}')}"
        )
    if not path.is_file():
        if path.suffix == ".toml" or len(path.parts) > 1:
            raise UserError(f"The suite file {path} does not exist.")
        raise UserError(unknown("suite", name_or_path, builtin) + " Or give a path to a TOML file.")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from error
    try:
        suite = Suite.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, Suite, str(path))) from error
    base = path.parent.resolve()
    for testset in suite.testset:
        testset.path = _absolute(testset.path or f"{{{testset.name}}}", base)
    for codec in suite.codec:
        if "path" in codec.options:
            codec.options["path"] = _absolute(str(codec.options["path"]), base)
    if suite.logo:
        suite.logo = _file(_absolute(suite.logo, base), f"{path}: logo")
    suite.extra_pages = [
        _file(_absolute(page, base), f"{path}: extra_pages") for page in suite.extra_pages
    ]
    return suite


def _file(path: str, key: str) -> str:
    if not Path(path).is_file():
        raise UserError(f"{key}: the file {path} does not exist.")
    return path


def _absolute(path: str, base: Path) -> str:
    return path if path.startswith(("{", "/", "~")) else str(base / path)


def data_names(suite: Suite) -> list[str]:
    """The names that `--data NAME=PATH` can give a folder: of `{NAME}`, and of the test sets."""
    options = [text for codec in suite.codec for text in _texts(codec.options)]
    used = [name for text in options for name in NAME.findall(text)]
    for testset in suite.testset:
        used += [testset.name, *NAME.findall(testset.path)]
    return [name for name in dict.fromkeys(used) if name not in GIVEN]


def _texts(value: Any) -> Iterator[str]:
    """All texts in an option, those in lists and tables too."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def fill_in(suite: Suite, data: dict[str, Path]) -> None:
    """Put the folders of `--data NAME=PATH` in place of `{NAME}`.

    A name that is a test set's overrides that set's path, and the title says so.

    Raises:
        UserError: A folder that the suite needs was not given.
    """
    names = {"samples": samples_folder(), **data}

    def fill(text: str, where: str) -> str:
        return _substitute(text, names, where, suite.data)

    others = []
    for testset in suite.testset:
        own = f"{{{testset.name}}}"
        if testset.name in data and testset.path != own:
            testset.path = own
            others.append(f"{testset.name} from {readable(data[testset.name].name)}")
        if testset.optional and testset.path == own and testset.name not in data:
            continue  # skipped by the plan, which finds nothing there
        testset.path = fill(testset.path, f"test set '{testset.name}'")
    if others:
        suite.title = f"{suite.title or suite.name}: {', '.join(others)}"

    def fill_option(value: Any, where: str) -> Any:
        if isinstance(value, list):
            return [fill_option(one, where) for one in value]
        if isinstance(value, dict):
            return {key: fill_option(one, where) for key, one in value.items()}
        return fill(value, where) if isinstance(value, str) and re.search("^~|{", value) else value

    for codec in suite.codec:
        codec.options = fill_option(codec.options, f"codec '{codec.id}'")


def use_checkpoints(suite: Suite, folders: dict[str, Path]) -> None:
    """Let codecs take their weights from local folders.

    Args:
        suite: The suite, which is changed.
        folders: Codec id -> folder; ids that the suite does not have are passed over.
    """
    for codec in suite.codec:
        if codec.id in folders:
            codec.options["checkpoint"] = str(folders[codec.id])


def _substitute(text: str, names: dict[str, Path], where: str, told: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in LATER:
            return match[0]
        if name not in names:
            what = f", {told[name]}" if name in told else ""
            raise UserError(f"The {where} needs a folder: give it with --data {name}=PATH{what}.")
        return str(names[name])

    return str(Path(NAME.sub(value, text)).expanduser())
