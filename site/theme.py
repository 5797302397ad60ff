"""What the pages are rendered with: the templates and static files of the house, and of a theme."""

import sys
from collections.abc import Iterator
from gettext import NullTranslations
from importlib.resources import files
from pathlib import Path
from traceback import extract_tb
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)

from almbench.errors import UserError
from almbench.site.language import tr

TEMPLATES = "almbench.templates"
HOUSE = "almbench"  # `{% extends "almbench/base.html.j2" %}` names a template that a theme replaces
SUFFIX = ".html.j2"
STATIC = "static"
CUSTOM_CSS = "custom.css"


def check_theme(theme: Path) -> None:
    """Refuse a folder that is no theme.

    Raises:
        UserError: It does not exist, or holds neither a template nor static files.
    """
    if not theme.is_dir():
        raise UserError(f"--theme {theme}: there is no such folder.")
    if not (any(theme.glob(f"*{SUFFIX}")) or (theme / STATIC).is_dir()):
        raise UserError(
            f"--theme {theme} holds neither templates (*{SUFFIX}) nor a folder '{STATIC}'."
        )


def environment(theme: Path | None, catalogue: NullTranslations) -> Environment:
    """The Jinja environment of the pages.

    Args:
        theme: Folder whose templates come before those of the house.
        catalogue: The language of the pages.
    """
    house = PackageLoader(TEMPLATES, "")
    loaders: list[BaseLoader] = [house, PrefixLoader({HOUSE: house})]
    if theme:
        loaders.insert(0, FileSystemLoader(theme))
    jinja = Environment(
        loader=ChoiceLoader(loaders),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.policies["ext.i18n.trimmed"] = True
    jinja.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    jinja.globals["tr"] = tr
    return jinja


def render(jinja: Environment, template: str, theme: Path | None, values: dict[str, Any]) -> str:
    """Render a page.

    Raises:
        UserError: A template of the theme has a mistake; the message names file and line.
    """
    try:
        return jinja.get_template(template).render(**values)
    except Exception as error:
        if theme and (place := _place(error, theme)):
            kind = "" if isinstance(error, TemplateError) else f"{type(error).__name__}: "
            raise UserError(f"--theme: {place}: {kind}{error}") from error
        raise


def _place(error: Exception, theme: Path) -> str:
    """File and line of a theme where an error arose; empty where it arose elsewhere."""
    if isinstance(error, TemplateSyntaxError) and error.filename:
        places = [(error.filename, error.lineno)]
    else:
        places = [(frame.filename, frame.lineno or 0) for frame in extract_tb(sys.exc_info()[2])]
    inside = [f"{name}, line {line}" for name, line in places if Path(name).is_relative_to(theme)]
    return inside[-1] if inside else ""


def static_files(theme: Path | None, css: Path | None) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """The static files of a site with their path in it; those of a theme replace the house's.

    Args:
        theme: Folder of the theme.
        css: A style sheet that pages link last.

    Raises:
        UserError: A file cannot be read.
    """
    found: dict[tuple[str, ...], bytes] = {
        (file.name,): file.read_bytes() for file in (files(TEMPLATES) / STATIC).iterdir()
    }
    if theme:
        root = theme / STATIC
        for path in sorted(root.rglob("*")):
            if path.is_file():
                found[path.relative_to(root).parts] = path.read_bytes()
    if css:
        try:
            found[CUSTOM_CSS,] = css.read_bytes()
        except OSError as error:
            raise UserError(f"--css {css} cannot be read: {error.strerror}.") from error
    for parts, content in found.items():
        yield (STATIC, *parts), content
