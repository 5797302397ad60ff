"""A place where numba keeps what it compiled, also where package and home are read-only."""

import atexit
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def ensure_numba_cache(package: str = "visqol") -> None:
    """Let numba compile where it would find no folder to write to, as in a container.

    It keeps what it compiled beside the package, or in the user's cache, and refuses to work where
    it can write to neither. Then a folder is made that this process and those that it starts use,
    and that goes with it.

    Args:
        package: The package whose functions numba compiles.
    """
    if os.environ.get(VARIABLE) or not find_spec("numba") or not (found := find_spec(package)):
        return
    beside = [Path(place) / "__pycache__" for place in found.submodule_search_locations or ()]
    if any(map(_is_writable, [*beside, _users()])):
        return
    folder = tempfile.mkdtemp(prefix="almbench-numba-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[VARIABLE] = folder


def _users() -> Path:
    """The user's cache, where numba looks next."""
    home = os.path.expanduser("~")  # noqa: PTH111 - which raises where there is no home
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(home, ".cache")) / "numba"


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
