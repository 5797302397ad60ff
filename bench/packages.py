"""Which packages are installed here, found without importing any."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


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
    return f"{' and '.join(missing)} {verb} not installed. To fix: pip install {install}"
