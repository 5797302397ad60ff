"""The house: rooms on floors, and no arrow of imports that runs up."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]  # package -> folder
# From the lowest floor to the highest; rooms of one floor may use each other, though not both ways.
FLOORS = (
    {"ground"},  # the files of bench/ itself
    {"samples", "statistics"},
    {"metrics"},
    {"codecs"},
    {"suite"},
    {"results"},
    {"runner"},
    {"checks", "listening", "tokens", "training"},
    {"site", "templates"},
    {"api", "cli"},
    {"front door"},  # almbench/__init__.py and __main__.py
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# A codec knows nothing of what is done with its sound.
CODECS_USE = {"ground"}
VERSION = "almbench.__version__"  # the one thing in the front door that all may read


class Arrow(NamedTuple):
    """An import: the module that has it, in which line, and what it takes."""

    module: str
    line: int
    target: str


def modules() -> dict[str, Path]:
    """Every module of the package, by its full name."""
    return {
        ".".join((package, *path.relative_to(ROOT / folder).with_suffix("").parts)): path
        for package, folder in PACKAGES.items()
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def arrows(module: str, source: str, known: set[str]) -> Iterator[Arrow]:
    """The imports of almbench in a module, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from a.b import c` takes the module a.b.c, if there is one, else something of a.b.
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known or name == VERSION else node.module for name in full]
        for name in names:
            if name.split(".")[0] == "almbench":
                yield Arrow(module, getattr(node, "lineno", 0), name)


def room(module: str) -> str:
    """The room that a module is in."""
    parts = [part for part in module.split(".") if part != "__init__"]
    if len(parts) > 1 and parts[1] in FLOOR:
        return parts[1]
    return "front door" if len(parts) == 1 or parts[1] == "__main__" else "ground"


def offences(drawn: list[Arrow]) -> list[str]:
    """The arrows that must not be, each with the reason."""
    between: dict[tuple[str, str], Arrow] = {}
    found = []
    for arrow in drawn:
        here, there = room(arrow.module), room(arrow.target)
        where = f"{arrow.module}:{arrow.line} imports {arrow.target}"
        if here == there or arrow.target == VERSION:
            continue
        between.setdefault((here, there), arrow)
        if FLOOR[here] < FLOOR[there]:
            found.append(f"{where}: '{here}' lies below '{there}'")
        elif here == "codecs" and there not in CODECS_USE:
            found.append(f"{where}: a codec uses nothing but the ground floor")
    return found + [
        f"{arrow.module}:{arrow.line} imports {arrow.target}: '{here}' and '{there}' use each other"
        for (here, there), arrow in between.items()
        if (there, here) in between and FLOOR[here] == FLOOR[there]
    ]


def test_no_arrow_runs_up() -> None:
    found = modules()
    known = {name.removesuffix(".__init__") for name in found}
    drawn = [
        arrow for name, path in found.items() for arrow in arrows(name, path.read_text(), known)
    ]
    assert len(drawn) > 400  # imports are seen at all
    assert offences(drawn) == []


def test_every_folder_is_a_room() -> None:
    folders = {path.parent.name for path in (ROOT / "bench").glob("*/*.py")}
    assert folders <= set(FLOOR)


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("almbench.codecs.x", "from almbench.runner.run import run_suite", "'codecs' lies below"),
        ("almbench.codecs.x", "import almbench.metrics.base", "nothing but the ground floor"),
        ("almbench.audio", "def f():\n    from almbench.statistics import tokens", "audio:2"),
        ("almbench.results.x", "from almbench import score", "below 'front door'"),
        ("almbench.listening.x", "from almbench.site.source import Run", "below 'site'"),
        ("almbench.site.x", "from almbench.listening.abx import Abx", ""),
        ("almbench.runner.x", "from almbench import __version__, policies", ""),
        ("almbench.metrics.x", "import numpy\nfrom almbench.metrics.base import Metric", ""),
    ],
)
def test_an_arrow_that_runs_up_is_found(module: str, source: str, reason: str) -> None:
    known = {"almbench.policies", "almbench.statistics.tokens"}
    found = offences(list(arrows(module, source, known)))
    assert len(found) == bool(reason)
    assert all(reason in line for line in found)


def test_rooms_of_one_floor_do_not_use_each_other_both_ways() -> None:
    there = Arrow("almbench.checks.a", 1, "almbench.training.b")
    back = Arrow("almbench.training.c", 1, "almbench.checks.d")
    assert offences([there]) == []
    assert len(offences([there, back])) == 2
