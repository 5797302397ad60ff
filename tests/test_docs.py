"""The examples of the README and of the guides do what they say."""

import doctest
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
)
PAGES = [
    page
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    if ">>>" in page.read_text()
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page: Path) -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert found.attempted > 2
    assert found.failed == 0


def test_the_guide_to_python_has_examples() -> None:
    assert {"README.md", "python.md"} <= {page.name for page in PAGES}


def pip_lines() -> list[str]:
    """The lines of README and guides that install something, in blocks or in sentences."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [line for p in pages for line in re.findall(r"\bpip install [^`\n#]+", p.read_text())]


@pytest.mark.parametrize("line", pip_lines())
def test_what_is_said_to_be_installed_is_there(line: str) -> None:
    _, _, *words = shlex.split(line)
    asked = []
    while words:
        word = words.pop(0)
        if word in {"-c", "-e"}:
            assert (ROOT / words[0].split("[")[0]).exists()
        if word in {"-c", "--index-url"}:
            words.pop(0)
        elif not word.startswith("-"):
            asked.append(word)
    for word in asked:
        path, _, extras = word.rstrip(",.").partition("[")
        if path in {"", "."} or "/" in path:
            assert (ROOT / (path or ".") / "pyproject.toml").is_file()
            assert {e for e in extras.rstrip("]").split(",") if e} <= EXTRAS
        else:
            assert Requirement(word).name


def test_the_readme_lists_every_extra_with_its_size() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .+ \| [\d.]+ [MG]B \|$", (ROOT / "README.md").read_text(), re.M
    )
    assert set(rows) == EXTRAS - {"docs", "dev"}
    assert pip_lines()
