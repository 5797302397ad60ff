"""The examples in docstrings give what they say."""

import doctest
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]  # package -> folder
# Only modules with an example are imported, for some of the others are heavy.
MODULES = sorted(
    ".".join((package, *path.relative_to(ROOT / folder).with_suffix("").parts))
    for package, folder in PACKAGES.items()
    for path in (ROOT / folder).rglob("*.py")
    if ">>> " in path.read_text()
)


def test_there_are_examples() -> None:
    assert "almbench.keyvalue" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    module = import_module(name.removesuffix(".__init__"))
    found = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    source = Path(module.__file__ or "").read_text()
    assert sum(len(test.examples) for test in found) == source.count(">>> ")  # none is overlooked
    for test in found:
        outcome = doctest.DocTestRunner().run(test)
        assert outcome.failed == 0
