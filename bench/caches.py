"""Places where numba and matplotlib keep what they made, also where package and home are read-only.

Both look for a folder of the user's that they can write to. Where there is none, as in a container,
numba refuses to work and matplotlib warns at each start. Then a folder is made that this process
and those that it starts use, and that goes with it.
"""

import atexit
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

NUMBA = "NUMBA_CACHE_DIR"
MATPLOTLIB = "MPLCONFIGDIR"


def ensure_numba_cache(package: str = "visqol") -> None:
    """Let numba compile: beside a package, in the user's cache, or else in a folder made for it.

    Args:
        package: The package whose functions numba compiles.
    """
    if not find_spec("numba") or not (found := find_spec(package)):
        return
    beside = [Path(place) / "__pycache__" for place in found.submodule_search_locations or ()]
    if not any(map(_is_writable, [*beside, _cache() / "numba"])):
        _make(NUMBA)


def ensure_matplotlib_cache() -> None:
    """Let matplotlib keep its list of fonts; to be called before it is imported."""
    if sys.platform == "linux":
        config = os.environ.get("XDG_CONFIG_HOME") or f"{_home()}/.config"
        wanted = [Path(config) / "matplotlib", _cache() / "matplotlib"]
    else:
        wanted = [Path(_home()) / ".matplotlib"]
    if not all(map(_is_writable, wanted)):
        _make(MATPLOTLIB)


def _make(variable: str) -> None:
    """Make a temporary folder and name it in the environment, unless one is named there."""
    if os.environ.get(variable):
        return
    folder = tempfile.mkdtemp(prefix="almbench-cache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[variable] = folder


def _home() -> str:
    return os.path.expanduser("~")  # noqa: PTH111 - which raises where there is no home


def _cache() -> Path:
    """The folder of the user's caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(_home(), ".cache"))


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
