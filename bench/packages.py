"""Which packages are installed here, and a way into those that cannot be imported whole."""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

CONSTRAINTS = "constraints.txt"


def installed_version(package: str) -> str | None:
    """Version of an installed package, such as "2.13.0+cpu"; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def release(package: str) -> str:
    """Name an installed package and its version, such as "pesq 0.0.4"."""
    return f"{package} {installed_version(package) or '(not installed)'}"


def missing_packages(modules: Iterable[str], install: str) -> str | None:
    """Say which top-level modules cannot be found, and how to get them.

    Args:
        modules: The modules that something needs.
        install: What to give to `pip install`, as a shell takes it.

    Returns:
        Such as "torch and einops are not installed. To fix: pip install 'almbench[neural]'"; None
        where all are there.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    return f"{' and '.join(missing)} {verb} not installed. To fix: {pip_install(install)}"


def pip_install(what: str) -> str:
    """Write the line that installs something, with the tested versions where one is in a clone.

    Args:
        what: What to give to `pip install`, as a shell takes it.
    """
    project = Path("pyproject.toml")
    in_clone = (
        Path(CONSTRAINTS).is_file()
        and project.is_file()
        and 'name = "almbench"' in project.read_text(encoding="utf-8", errors="replace")
    )
    return f"pip install {f'-c {CONSTRAINTS} ' if in_clone else ''}{what}"


def import_inside(package: str, module: str) -> Any:
    """Import a module of a package, and not the package itself, which may need what is not here.

    An empty package stands in for it during the import, so that its modules find each other.

    Raises:
        ModuleNotFoundError: There is no such package or module.
    """
    if package in sys.modules:
        return import_module(f"{package}.{module}")
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"No module named '{package}'")
    sys.modules[package] = module_from_spec(spec)
    try:
        return import_module(f"{package}.{module}")
    finally:
        del sys.modules[package]
