from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from almbench.validation import explain


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cat(Strict):
    kind: Literal["cat"]
    lives: int = Field(default=9, ge=1)


class Dog(Strict):
    kind: Literal["dog"]
    tricks: list[str] = []


class Visit(Strict):
    day: str
    cost: float | None = None


class Owner(Strict):
    name: str
    visits: tuple[Visit, ...] = ()


class House(Strict):
    owner: Owner | None = None
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    rooms: dict[Literal["kitchen", "hall"], Visit] = {}
    pair: tuple[int, Visit] | None = None
    guest: Cat | Visit | None = None
    colour: Literal["red", "green"] = "red"
    floors: Literal[1, 2] = 1
    size: int = Field(default=1, alias="square-metres")
    by_number: dict[int, Visit] = {}

    @model_validator(mode="after")
    def _green_houses_are_low(self) -> "House":
        if self.colour == "green" and self.floors == 2:
            raise ValueError("a green house has one floor")
        if not self.size:
            raise ValueError("a house has a size. Even a small one.")
        return self


def message(data: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        House.model_validate(data)
    return explain(caught.value, House, "house.toml")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"colour": "gren"},
            "house.toml: colour = 'gren': Did you mean 'green'? Allowed: 'red' or 'green'.",
        ),
        ({"floors": 3}, "house.toml: floors = 3: Allowed: 1 or 2."),
        (
            {"owner": {"name": "A", "vists": []}},
            "house.toml: owner: There is no key 'vists'. Did you mean 'visits'? "
            "Allowed: name, visits.",
        ),
        (
            {"owner": {"name": "A", "visits": [{"day": "x"}, {"day": "y", "cots": 3}]}},
            "house.toml: owner.visits[1]: There is no key 'cots'. Did you mean 'cost'? "
            "Allowed: cost, day.",
        ),
        ({"owner": {}}, "house.toml: owner: The key 'name' is missing."),
        (
            {"pets": [{"kind": "cat", "lives": 0}]},
            "house.toml: pets[0].lives = 0: Input should be greater than or equal to 1.",
        ),
        (
            {"pets": [{"kind": "dog", "trick": []}]},
            "house.toml: pets[0]: There is no key 'trick'. Did you mean 'tricks'? "
            "Allowed: kind, tricks.",
        ),
        (
            {"rooms": {"hall": {"day": 3}}},
            "house.toml: rooms.hall.day = 3: Input should be a valid string.",
        ),
        (
            {"rooms": {"hal": {"day": "x"}}},
            "house.toml: rooms.hal = 'hal': Did you mean 'hall'? Allowed: 'kitchen' or 'hall'.",
        ),
        (
            {"pair": [1, {"day": "x", "cots": 1}]},
            "house.toml: pair[1]: There is no key 'cots'. Did you mean 'cost'? Allowed: cost, day.",
        ),
        ({"colour": "green", "floors": 2}, "house.toml: A green house has one floor."),
        ({"square-metres": 0}, "house.toml: A house has a size. Even a small one."),
        (
            {"rooms": {"hall": {"day": "x", "cots": 1}}},
            "house.toml: rooms.hall: There is no key 'cots'. Did you mean 'cost'? "
            "Allowed: cost, day.",
        ),
        (
            {"by_number": {3: {"day": "x", "cots": 1}}},
            "house.toml: by_number[3]: There is no key 'cots'. Did you mean 'cost'? "
            "Allowed: cost, day.",
        ),
        (
            {"square-metres": "many"},
            "house.toml: square-metres = 'many': Input should be a valid integer, "
            "unable to parse string as an integer.",
        ),
        (
            {"square-meters": 3},
            "house.toml: There is no key 'square-meters'. Did you mean 'square-metres'? "
            "Allowed: by_number, colour, floors, guest, owner, pair, pets, rooms, square-metres.",
        ),
    ],
)
def test_a_mistake_is_worded_for_a_user(data: dict[str, Any], expected: str) -> None:
    assert message(data) == expected


def test_every_mistake_has_its_line() -> None:
    lines = message({"floors": 3, "colour": "blue", "owner": {}}).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("house.toml: ") for line in lines)


def test_the_members_of_a_union_are_no_part_of_the_place() -> None:
    lines = message({"guest": {"day": "x", "cots": 1}}).splitlines()
    assert "house.toml: guest: The key 'kind' is missing." in lines
    assert any(
        "There is no key 'cots'. Did you mean 'cost'? Allowed: cost, day." in x for x in lines
    )
    assert all(line.startswith("house.toml: guest: ") for line in lines)
