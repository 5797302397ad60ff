"""Virtual environments for workers whose packages do not get along with almbench's.

`bench codec install NAME` makes them below `home()`. What goes into NAME is in workers/NAME.txt, a
complete list that is installed as it stands; packages that must be built against those follow
from workers/NAME-after.txt. Source trees that are no packages are in workers/NAME-code.txt, one a
line: folder, repository, commit.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from almbench.errors import Unavailable, UserError, unknown

WORKERS = Path(__file__).parent / "workers"
PYTHONS = {
    "almtokenizer2": "3.10",
    "stablecodec": "3.11",
}  # where the list holds for one version of Python only
DONE = "packages.txt"  # written last: what pip says is installed, below the list's own hash
TAIL_LINES = 15


def home() -> Path:
    """The folder for what almbench installs: $ALMBENCH_HOME, or ~/.cache/almbench."""
    return Path(os.environ.get("ALMBENCH_HOME") or "~/.cache/almbench").expanduser().absolute()


def names() -> list[str]:
    """The environments that can be made."""
    return sorted(path.stem for path in WORKERS.glob("*.py"))


def python_of(name: str) -> Path:
    """The interpreter of an environment.

    Raises:
        Unavailable: It is not made yet.
        UserError: There is none of that name.
    """
    _check(name)
    folder = _folder(name)
    if not (folder / DONE).is_file():
        cause, command = f"environment '{name}' is not installed", f"bench codec install {name}"
        raise Unavailable(f"The {cause}. To fix: {command}", f"the {cause}", command)
    return _python_in(folder)


def code_of(name: str) -> Path:
    """The folder of an environment that holds its source trees."""
    return _folder(name) / "code"


def fingerprint(name: str) -> str:
    """Hash of an environment's lists and of the packages installed, with their versions."""
    return hashlib.sha256((_folder(name) / DONE).read_bytes()).hexdigest()[:12]


def install(name: str, python: str | None, *, force: bool, show: Callable[[str], None]) -> Path:
    """Make an environment, unless it is there and its list of packages has not changed.

    Args:
        name: Which.
        python: The interpreter to make it with; the one that runs this by default.
        force: Make it anew in any case.
        show: Called with each line of progress.

    Returns:
        Its folder.

    Raises:
        UserError: There is none of that name, the interpreter cannot be used, or pip failed.
    """
    _check(name)
    folder = _folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        done = folder / DONE
        if (
            not force
            and done.is_file()
            and done.read_text(encoding="utf-8").startswith(_wanted(name))
        ):
            show(f"The environment '{name}' is there already: {folder}")
            return folder
        if folder.exists():
            shutil.rmtree(folder)
        _make(name, folder, _interpreter(name, python), show)
    show(f"The environment '{name}' is ready: {folder}")
    return folder


def _check(name: str) -> None:
    if name not in names():
        raise UserError(unknown("environment", name, names()))


def _folder(name: str) -> Path:
    return home() / "environments" / name


def _lists(name: str) -> list[Path]:
    return [p for p in (WORKERS / f"{name}.txt", WORKERS / f"{name}-after.txt") if p.is_file()]


def _code_list(name: str) -> list[Path]:
    return [path for path in (WORKERS / f"{name}-code.txt",) if path.is_file()]


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _wanted(name: str) -> str:
    """First line of `DONE`: tells whether the lists have changed since."""
    lists = [*_lists(name), *_code_list(name)]
    content = b"".join(path.read_bytes() for path in lists)
    return f"# {hashlib.sha256(content).hexdigest()}\n"


def _interpreter(name: str, python: str | None) -> str:
    found = shutil.which(python or sys.executable)
    if found is None:
        raise UserError(f"--python {python}: there is no such program.")
    ask = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(ask, capture_output=True, encoding="utf-8", check=False)
    version, needed = done.stdout.strip(), PYTHONS.get(name)
    if done.returncode or not version:
        raise UserError(f"--python {python}: this is no Python that works: {done.stderr.strip()}")
    if needed and version != needed:
        raise UserError(
            f"The environment '{name}' needs Python {needed}, and {found} is Python {version}. "
            f"Give another one: bench codec install {name} --python python{needed}"
        )
    return found


def _make(name: str, folder: Path, python: str, show: Callable[[str], None]) -> None:
    inside = str(_python_in(folder))
    pip = [inside, "-m", "pip", "--disable-pip-version-check"]
    show(f"Making {folder} with {python}")
    _run([python, "-m", "venv", str(folder)], show)
    for path in _lists(name):
        after = ["--no-build-isolation"] if path.stem.endswith("-after") else []
        _run([*pip, "install", "--no-deps", *after, "-r", str(path)], show)
    for path in _code_list(name):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                _clone(*line.split(), within=code_of(name), show=show)
    freeze = subprocess.run(
        [*pip, "freeze", "--all"], capture_output=True, encoding="utf-8", check=True
    )
    (folder / DONE).write_text(_wanted(name) + freeze.stdout, encoding="utf-8")


def _clone(
    tree: str, repository: str, commit: str, *, within: Path, show: Callable[[str], None]
) -> None:
    """Get a source tree at a commit."""
    if shutil.which("git") is None:
        raise UserError(f"git is missing, which gets {repository}. To fix: install git.")
    _run(["git", "clone", "--no-checkout", repository, str(within / tree)], show)
    _run(["git", "-C", str(within / tree), "checkout", "--detach", commit], show)


def _run(command: list[str], show: Callable[[str], None]) -> None:
    """Run a command and show its output as it comes."""
    last: deque[str] = deque(maxlen=TAIL_LINES)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        for line in process.stdout:
            last.append(line.rstrip())
            show(line.rstrip())
    if process.returncode:
        raise UserError("\n".join([f"This failed: {' '.join(command)}", *last]))
