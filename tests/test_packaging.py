"""What pyproject.toml packages is what there is: no folder and no file is forgotten."""

import ast
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "bench": "almbench",
    "codecs": "almbench.codecs",
    "site": "almbench.site",
    "templates": "almbench.templates",
}
SETUPTOOLS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "setuptools"
]


def files(folder: Path) -> list[Path]:
    """The files below a folder that belong to the project."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    ]


def package_of(folder: Path) -> str:
    """The name that a folder is imported as."""
    top, *inside = folder.relative_to(ROOT).parts
    return ".".join((FOLDERS[top], *inside))


def folder_of(package: str) -> Path:
    """The folder of a package, by the map of setuptools."""
    known: dict[str, str] = SETUPTOOLS["package-dir"]
    parent, inside = package, list[str]()
    while parent not in known:
        parent, _, last = parent.rpartition(".")
        inside = [last, *inside]
    return ROOT.joinpath(known[parent], *inside)


def test_the_folders_are_mapped() -> None:
    assert SETUPTOOLS["package-dir"] == {name: folder for folder, name in FOLDERS.items()}


def test_every_folder_with_python_files_is_a_package() -> None:
    with_code = {
        package_of(path.parent)
        for folder in FOLDERS
        for path in files(ROOT / folder)
        if path.suffix == ".py" and path.parent.name != "workers"
    }
    # `templates` holds none, `workers` holds scripts that run in environments of their own.
    assert sorted(SETUPTOOLS["packages"]) == sorted(with_code | {"almbench.templates"})


def test_every_file_is_packaged_once() -> None:
    packages = set(SETUPTOOLS["packages"])
    covered = {
        path: package
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in folder_of(package).glob(pattern)
    }
    for folder in FOLDERS:
        for path in files(ROOT / folder):
            is_module = path.suffix == ".py" and package_of(path.parent) in packages
            assert is_module or path in covered, f"{path.relative_to(ROOT)} is not packaged"
            assert not (is_module and path in covered), f"{path.relative_to(ROOT)} is named twice"


def test_every_pattern_covers_something() -> None:
    assert set(SETUPTOOLS["package-data"]) <= set(SETUPTOOLS["packages"])
    for package, patterns in SETUPTOOLS["package-data"].items():
        for pattern in patterns:
            found = [path for path in folder_of(package).glob(pattern) if path.is_file()]
            assert found, f"{package}: nothing is called {pattern}"


def test_the_folders_with_names_of_the_standard_library_are_namespaces() -> None:
    """An `__init__.py` of theirs, found by PYTHONPATH=., would shadow `codecs` or `site`."""
    for folder in ("codecs", "site", "templates"):
        assert not (ROOT / folder / "__init__.py").exists()
    for package in SETUPTOOLS["packages"]:
        if package not in {"almbench.codecs", "almbench.site", "almbench.templates"}:
            init = folder_of(package) / "__init__.py"
            assert ast.get_docstring(ast.parse(init.read_text())), f"{init} has no docstring"
