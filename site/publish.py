"""Puts a built site on a branch of a git remote, for GitHub Pages and its like.

All work happens in a temporary repository: the user's repository, working tree, index and branches
are never written to. Pushes are never forced.
"""

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from almbench.errors import UserError
from almbench.site.git import Git, masked, temporary_repository
from almbench.site.output import MARKER, size_line
from almbench.version import __version__

NOJEKYLL = ".nojekyll"  # else GitHub Pages leaves out names that begin with an underscore
FILE_LIMIT = 100 * 2**20  # bytes; GitHub refuses larger files
GITHUB = re.compile(
    r"(?:(?:https?|ssh)://(?:[^@/]*@)?|[^@/]+@)(?:www\.|ssh\.)?github\.com(?::\d+/|[:/])/?"
    r"(?P<owner>[^/]+)/(?P<repo>[^/]+?)(?:\.git)?/?",
    re.IGNORECASE,
)


def publish(
    site: Path,
    remote: str = "origin",
    branch: str = "gh-pages",
    repository: Path = Path(),
    message: str | None = None,
    dry_run: bool = False,
    show: Callable[[str], object] = print,
) -> bool:
    """Put a site on a branch of a remote as a new commit on top of what is there.

    What an earlier publish put there is replaced; what others put beside it, such as a `CNAME`,
    stays. Hidden files of the folder are left out.

    Args:
        site: A folder made by `bench site`.
        remote: A remote's name in `repository`, or an address or path.
        branch: The branch, made if it is not there.
        repository: Where the remote's name and the credentials are looked up.
        message: Of the commit.
        dry_run: Only show what would be pushed.
        show: Takes the lines for the user.

    Returns:
        Whether anything was pushed.

    Raises:
        UserError: The folder is not a whole site, the branch holds something else, a file is too
            large for GitHub, the remote moved meanwhile, or git cannot do its work.
    """
    files = _site_files(site)
    ref = f"refs/heads/{branch}"
    with TemporaryDirectory(prefix="bench-publish-") as folder:
        git, remote = temporary_repository(Path(folder), repository, remote)
        git("check-ref-format", ref, doing=f"use '{branch}' as a name of a branch (--branch)")
        address = git("ls-remote", "--get-url", remote).strip()
        _check_sizes(files, address)
        shown = masked(address)
        parent = _fetch(git, remote, ref, shown)
        tree = _tree(git, files, parent, f"Branch {branch} of {shown}")
        where = f"branch {branch} of {shown}" + ("" if parent else ", a new branch")
        changes, changed = _changes(git, parent, tree, files)
        show(size_line(site))
        if not changed:
            show(f"Nothing has changed on {where}; nothing to push.")
            return False
        show(f"{'Would push' if dry_run else 'Pushing'} {changes} to {where}")
        if not dry_run:
            words = message or f"Publish a site made by almbench {__version__}"
            onto = ["-p", parent] if parent else []
            text = words.encode()
            commit = git("commit-tree", tree, *onto, "-F", "-", doing="commit", stdin=text).strip()
            git("push", "-q", remote, f"{commit}:{ref}", doing=f"push to {shown}")
            show(f"Pushed {commit[:10]}")
        if expected := expected_address(git, address, tree):
            show(f"GitHub Pages, once set to serve branch {branch}, should show it at {expected}")
    return not dry_run


def _site_files(site: Path) -> dict[str, Path]:
    remedy = "Make it with: bench site RUN -o FOLDER"
    marker = site / MARKER
    if not marker.is_file():
        what = "is not a site made by bench site" if site.exists() else "does not exist"
        raise UserError(f"{site} {what}, so it is not published. {remedy}")
    files = {}
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if any(part.startswith(".") for part in path.relative_to(site).parts):
            continue
        if path.is_symlink():
            raise UserError(f"{path} is a link; a site is published of plain files only.")
        if "\n" in str(path.resolve()):
            raise UserError(f"A line break in a path cannot be published: {str(path)!r}.")
        if path.is_file():
            files[name] = path.resolve()
    listed = marker.read_text("utf-8", errors="replace").split("\n")[:-1]
    missing = [name for name in ["index.html", *listed] if not (site / name).is_file()]
    if missing:
        raise UserError(f"{site} is not whole, {missing[0]} is missing. {remedy}")
    return files


def _check_sizes(files: dict[str, Path], address: str) -> None:
    for name, path in files.items():
        size = path.stat().st_size
        if GITHUB.fullmatch(address) and size > FILE_LIMIT:
            raise UserError(
                f"{name} has {size / 2**20:.0f} MiB; GitHub refuses files of more than 100 MiB. "
                "Leave the clip out or shorten it; bench site --max-clips N publishes fewer."
            )


def _fetch(git: Git, remote: str, ref: str, shown: str) -> str | None:
    """Get the newest commit of the branch, or None where there is no such branch."""
    refs = git("ls-remote", remote, ref, doing=f"read {shown}").splitlines()
    if not any(line.endswith(f"\t{ref}") for line in refs):
        return None
    git("fetch", "-q", "--depth=1", "--no-tags", remote, ref, doing=f"read {shown}")
    return git("rev-parse", "FETCH_HEAD").strip()


def _tree(git: Git, files: dict[str, Path], parent: str | None, where: str) -> str:
    """Write the tree to be: the files, a list of them, and what others put on the branch."""
    new = git.env["GIT_DIR"]
    extra = {MARKER: "".join(f"{name}\n" for name in [*files, NOJEKYLL]), NOJEKYLL: ""}
    for name, text in extra.items():
        written = Path(new) / f"new{name}"
        written.write_bytes(os.fsencode(text))
        files = files | {name: written}
    lines = []
    if parent:
        there = git("ls-tree", "-r", "-z", "--name-only", parent).split("\0")
        if MARKER not in there:
            raise UserError(
                f"{where} holds something that bench publish did not make, and stays as it is. "
                "Choose another branch with --branch, or delete that one first if it can go."
            )
        git("read-tree", parent)
        old = set(git("cat-file", "blob", f"{parent}:{MARKER}").split("\n"))
        lines = [f"0 {'0' * len(parent)}\t{name}" for name in there if name in old]
    paths = "".join(f"{path}\n" for path in files.values())
    written_as = git(
        "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=os.fsencode(paths)
    ).split()
    lines += [f"100644 {oid}\t{name}" for name, oid in zip(files, written_as, strict=True)]
    stdin = os.fsencode("".join(f"{line}\0" for line in lines))
    git("update-index", "--replace", "-z", "--index-info", stdin=stdin)
    return git("write-tree").strip()


def _changes(
    git: Git, parent: str | None, tree: str, files: dict[str, Path]
) -> tuple[str, list[str]]:
    """Word what is added, changed and removed, and list the paths."""
    before = parent or git("hash-object", "-t", "tree", "-w", "--stdin").strip()
    options = ("-r", "-z", "--no-renames", "--name-status")
    parts = git("diff-tree", *options, before, tree).split("\0")[:-1]
    kinds, names = parts[::2], parts[1::2]
    size = sum(files[name].stat().st_size for name in names if name in files)
    count = Counter(kinds)
    words = (
        f"{count['A']} new, {count['M']} changed and {count['D']} removed files "
        f"({size / 1e6:.1f} MB)"
    )
    return words, names


def expected_address(git: Git, address: str, tree: str) -> str | None:
    """Where GitHub Pages will show a site.

    Args:
        git: Git in a repository that has the tree.
        address: Of the remote.
        tree: What is published; a `CNAME` in it names the site's own domain.

    Returns:
        The address, or None where the remote is not GitHub.
    """
    github = GITHUB.fullmatch(address)
    if not github:
        return None
    if git("ls-tree", tree, "CNAME"):
        return f"https://{git('cat-file', 'blob', f'{tree}:CNAME').strip()}/"
    host = f"{github['owner'].lower()}.github.io"
    return f"https://{host}/" + ("" if github["repo"].lower() == host else f"{github['repo']}/")
