"""What a suite brings of its own: its logo, and pages that it wrote in Markdown."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from markupsafe import Markup

from almbench.errors import UserError
from almbench.names import safe_name
from almbench.site.output import Output
from almbench.site.pages import Page, Site
from almbench.site.source import Run
from almbench.suite.markdown import parser, picture_path, title, tokens

EXTRA = "extra.html.j2"
FOLDER = "pages"  # of the site, for logos and pictures


def logo(site: Site) -> str:
    """Publish the logo of the first run that has one; returns its address, empty for none."""
    for run in site.runs:
        if name := run.manifest.suite.logo:
            return site.out.copy((FOLDER, run.slug, Path(name).name), _found(run, name))
    return ""


def extra_pages(site: Site) -> Iterator[Page]:
    """The suites' own pages.

    Raises:
        UserError: A file is missing in the run folder.
    """
    for run in site.runs:
        for name in run.manifest.suite.extra_pages:
            path = _found(run, name)
            text = path.read_text(encoding="utf-8")
            page = safe_name(path.stem).lower()
            values = {"title": title(text) or path.stem, "html": _html(run, path, text, site.out)}
            yield Page(site.page_of(run, page), EXTRA, values)


def _html(run: Run, path: Path, text: str, out: Output) -> Markup:
    """Render a page; pictures beside it are published."""
    markdown = parser()
    parsed = markdown.parse(text)
    for token in tokens(parsed):
        if token.type == "image" and (name := picture_path(str(token.attrs["src"]))):
            relative = (path.parent / name).relative_to(run.folder.root)
            picture = _found(run, relative.as_posix())
            token.attrs["src"] = out.copy((FOLDER, run.slug, *Path(name).parts), picture)
        if "style" in token.attrs:  # columns to the right, which pages do by class
            right = token.attrs.pop("style") == "text-align:right"
            token.attrs.update({"class": "num"} if right else {})
    html = cast("str", markdown.renderer.render(parsed, markdown.options, {}))
    return Markup(html)  # noqa: S704 - HTML in it is escaped, and addresses are checked


def _found(run: Run, name: str) -> Path:
    path = run.folder.root / name
    if not path.is_file():
        raise UserError(
            f"{run.folder.root} lacks {name}, which its suite names. To fix: run the suite again "
            f"with: bench run {run.folder.suite} -o {run.folder.root}"
        )
    return path
