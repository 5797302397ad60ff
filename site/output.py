"""The folder of a site: written file by file, and never one that something else made."""

import filecmp
import shutil
from pathlib import Path
from urllib.parse import quote

from almbench.errors import UserError
from almbench.names import check_file_name

MARKER = ".almbench-site"
FOLDERS = ".almbench-runs.json"  # where the runs lie; stays at home when a site is published
PAGES_LIMIT = 1e9  # bytes that GitHub Pages takes


def link(*parts: str) -> str:
    """A relative address from the names on the way to a file, percent-encoded."""
    return "/".join(quote(part, safe="") for part in parts)


def size_line(root: Path) -> str:
    """Say how many files a site has and how large it is; with a warning, where that is too large.

    Args:
        root: The site's folder. Hidden folders in it, such as `.git`, are not of the site.
    """
    sizes = [
        path.stat().st_size
        for path in root.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parent.parts)
    ]
    line = f"{len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"
    if sum(sizes) > PAGES_LIMIT:
        line += ". GitHub Pages takes up to 1 GB: publish fewer sounds, as with --max-clips 24"
    return line


class Output:
    """An output folder that knows its own files.

    The marker file lists what the program wrote here, so that a later build can remove what is
    stale and leave alone what others put beside it.
    """

    def __init__(self, root: Path) -> None:
        """Claim the folder.

        Raises:
            UserError: The path is a file, or a folder with other things in it.
        """
        self.root = root
        self._marker = root / MARKER
        self._now: set[str] = set()
        if root.exists() and not root.is_dir():
            raise UserError(f"{root} is a file; -o takes a folder.")
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"-o {root} cannot be made: {error.strerror}. Choose another folder."
            ) from error
        if not self._marker.is_file() and any(root.iterdir()):
            raise UserError(
                f"{root} is not empty and was not made by bench site, so nothing is written there. "
                "Choose another folder with -o, or empty this one."
            )
        self._marker.touch()
        listed = self._marker.read_text(encoding="utf-8", errors="replace").splitlines()
        self._before = {name for name in listed if self._may_be_own(name)}

    def write(self, parts: tuple[str, ...], content: bytes) -> str:
        """Write a file, unless it is there already; returns its address."""
        target = self._claim(parts)
        if not (target.is_file() and target.read_bytes() == content):
            target.write_bytes(content)
        return link(*parts)

    def copy(self, parts: tuple[str, ...], source: Path) -> str:
        """Copy a file, unless an equal one is there already; returns its address."""
        target = self._claim(parts)
        if not (target.is_file() and filecmp.cmp(source, target, shallow=False)):
            shutil.copyfile(source, target)
        return link(*parts)

    def finish(self) -> None:
        """Remove what earlier builds wrote and this one did not, and list what is there."""
        for name in self._before - self._now:
            path = self.root / name
            if path.is_file():
                path.unlink()
                self._prune(path.parent)
        self._marker.write_text("".join(f"{name}\n" for name in sorted(self._now)), "utf-8")

    def _may_be_own(self, name: str) -> bool:
        """Whether a name that the marker lists is that of a file in here, as all are."""
        try:
            folder = self.root.joinpath(*map(check_file_name, name.split("/"))).parent
        except ValueError:
            return False
        return folder.resolve().is_relative_to(self.root.resolve())

    def _claim(self, parts: tuple[str, ...]) -> Path:
        try:
            name = "/".join(map(check_file_name, parts))
        except ValueError as error:
            raise UserError(f"No file of a site can be called {'/'.join(parts)!r}.") from error
        if name not in self._before | self._now:
            # At once, so that a build that is interrupted leaves nothing unlisted behind.
            with self._marker.open("a", encoding="utf-8") as marker:
                marker.write(f"{name}\n")
        self._now.add(name)
        target = self.root.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.resolve().is_relative_to(self.root.resolve()):
            raise UserError(f"{target} leads outside of {self.root}; nothing is written there.")
        return target

    def _prune(self, folder: Path) -> None:
        while folder != self.root and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
