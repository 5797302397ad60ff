"""The files that listeners hand in: one JSON a listener and test, checked to the last field."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from almbench.domains import Domain
from almbench.errors import UserError, unknown
from almbench.names import ORIGINAL
from almbench.suite.config import Name
from almbench.validation import explain

FORMAT = "almbench-listening-1"


def _printable(text: str) -> str:
    """Put spaces for control characters: files come from strangers, tables go to terminals."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


Text = Annotated[str, Field(max_length=2_000), AfterValidator(_printable)]
Digits = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Role = Literal["system", "reference", "anchor"]
Side = Literal["a", "b"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Rating(_Strict):
    """What a listener gave one sound of a trial.

    Attributes:
        system: The codec's id; `original` for the hidden reference.
        role: system, reference or anchor.
        label: The system's name for readers.
        score: 0 to 100.
        plays: How often it was played.
    """

    system: Name
    role: Role
    label: Text
    score: Annotated[int, Field(ge=0, le=100)]
    plays: Count

    @model_validator(mode="after")
    def _the_reference_is_the_original(self) -> Self:
        if (self.role == "reference") != (self.system == ORIGINAL):
            raise ValueError(f"system '{self.system}' cannot have the role '{self.role}'")
        return self


class MushraTrial(_Strict):
    """A clip through all systems, rated side by side; `clip` is `<test set>/<clip>`."""

    clip: Text
    seconds: Seconds
    ratings: Annotated[tuple[Rating, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _systems_are_unique(self) -> Self:
        _unique("system", [rating.system for rating in self.ratings])
        return self


class AbxTrial(_Strict):
    """Which of the two X was, and which the listener took it for."""

    clip: Text
    x: Side
    answer: Side
    seconds: Seconds
    plays: Count


class Pair(_Strict):
    """The two systems of an ABX test; one may be the original."""

    a: Name
    b: Name

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        _unique("system", [self.a, self.b])
        return self


class Result(_Strict):
    """What the results of all kinds of tests have in common.

    Attributes:
        format: Name and version of the format.
        kind: mushra or abx.
        test: Hash of the test's definition.
        title: Title of the test.
        domain: speech, sound or music.
        listener: Random number of the listener.
        name: What the listener called himself, if anything.
        seed: Of the order in which clips and sounds were shuffled.
        started: When the test was started.
        finished: When it was finished.
        equipment: What the listener said of headphones and room.
    """

    format: Literal["almbench-listening-1"]
    kind: str
    test: Digits
    title: Text
    domain: Domain
    listener: Digits
    name: Text = ""
    seed: int
    started: AwareDatetime
    finished: AwareDatetime
    equipment: Text = ""


class MushraResult(Result):
    """A MUSHRA test (ITU-R BS.1534-3) as one listener did it."""

    kind: Literal["mushra"]
    trials: tuple[MushraTrial, ...]

    @model_validator(mode="after")
    def _clips_are_unique(self) -> Self:
        _unique("clip", [trial.clip for trial in self.trials])
        return self


class AbxResult(Result):
    """An ABX test of one pair as one listener did it; `planned` trials were fixed before."""

    kind: Literal["abx"]
    pair: Pair
    planned: Annotated[int, Field(ge=1)]
    trials: tuple[AbxTrial, ...]

    @model_validator(mode="after")
    def _no_more_than_planned(self) -> Self:
        if len(self.trials) > self.planned:
            raise ValueError(f"{len(self.trials)} trials, but {self.planned} were planned")
        return self


KINDS: dict[str, type[MushraResult] | type[AbxResult]] = {
    "mushra": MushraResult,
    "abx": AbxResult,
}


@dataclass(frozen=True)
class Handed:
    """A result and the file that it came in."""

    path: Path
    result: MushraResult | AbxResult


def read_results(paths: list[Path]) -> list[Handed]:
    """Read results from files, and from all `*.json` below folders.

    Raises:
        UserError: A path does not exist, a folder holds no result, or a file is not one; the
            message names the file and the field.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        for file in _files(path):
            files.setdefault(file.resolve(), file)
    return [Handed(file, _read(file)) for file in files.values()]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{path} does not exist; give result files, or folders of them.")
    found = sorted(path.rglob("*.json"))
    if not found:
        raise UserError(
            f"{path} holds no results (*.json). Put the files there that listeners downloaded at "
            "the end of a blind test."
        )
    return found


def _read(path: Path) -> MushraResult | AbxResult:
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
    try:
        return KINDS[kind].model_validate_json(content)
    except ValidationError as error:
        raise UserError(explain(error, KINDS[kind], str(path))) from error


def _unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} '{name}' is given twice")
