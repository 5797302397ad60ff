"""The files that a suite's site shows beside its results: logo, extra pages and their pictures."""

import shutil
from pathlib import Path, PurePosixPath

from almbench.errors import UserError
from almbench.results.runfolder import RunFolder
from almbench.suite.config import Suite
from almbench.suite.markdown import pictures


def keep_attachments(suite: Suite, folder: RunFolder) -> Suite:
    """Copy logo and extra pages into the run folder.

    Args:
        suite: The suite.
        folder: The run folder.

    Returns:
        The suite with the paths of the copies, relative to the run folder.

    Raises:
        UserError: A picture of a page is missing, or two files have one name.
    """
    copies: dict[str, Path] = {}

    def keep(source: Path, name: str) -> str:
        path = f"{folder.attachments.name}/{name}"
        if copies.setdefault(path, source) != source:
            raise UserError(
                f"Two files of suite '{suite.name}' are named {name}: {copies[path]} and {source}. "
                "To fix: rename one."
            )
        return path

    logo = keep(Path(suite.logo), Path(suite.logo).name) if suite.logo else None
    pages = []
    for page in map(Path, suite.extra_pages):
        for name in pictures(page.read_text(encoding="utf-8")):
            source = page.parent / name
            if ".." in PurePosixPath(name).parts or not source.is_file():
                raise UserError(
                    f"{page} shows the picture {name}, and there is no such file in {page.parent}."
                )
            keep(source, name)
        pages.append(keep(page, page.name))
    for path, source in copies.items():
        target = folder.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.resolve() != target.resolve():
            shutil.copyfile(source, target)
    return suite.model_copy(update={"logo": logo, "extra_pages": pages})
