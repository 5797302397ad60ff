"""What the result files of all kinds of tests have in common: one JSON per listener and test."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from almbench.domains import Domain
from almbench.suite.config import Name

FORMAT = "almbench-listening-1"


def _printable(text: str) -> str:
    """Put spaces for control characters: files come from strangers, tables go to terminals."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


Text = Annotated[str, Field(max_length=2_000), AfterValidator(_printable)]
Digits = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Side = Literal["a", "b"]


class Strict(BaseModel):
    """A part of a result file: no unknown key, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Trial(Strict):
    """One page of a test; `clip` is `<test set>/<clip>`, `seconds` how long it took."""

    clip: Text
    seconds: Seconds


class SystemPair(Strict):
    """The two systems that a test compares; one may be the original."""

    a: Name
    b: Name

    @model_validator(mode="after")
    def _differ(self) -> Self:
        check_unique("system", [self.a, self.b])
        return self


class ListenerResult(Strict):
    """A test as one listener did it.

    Attributes:
        format: Name and version of the format.
        kind: Name of the kind of test.
        test: Hash of the test's definition.
        title: Title of the test.
        domain: speech, sound or music.
        listener: Random number of the listener.
        name: Name or pseudonym that the listener gave, if any.
        seed: Of the order in which clips and sounds were shuffled.
        started: When the test was started.
        finished: When it was finished.
        equipment: What the listener said of headphones and room.
        trials: The trials in the order in which they were done.
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
    trials: tuple[Trial, ...]


def check_unique(what: str, names: list[str]) -> None:
    """Refuse a name that is given twice.

    Args:
        what: What is named, such as "system".
        names: The names.

    Raises:
        ValueError: A name is given twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} '{name}' is given twice")
        seen.add(name)
