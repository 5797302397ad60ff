"""How Sphinx builds the documentation; `make docs` runs it."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

from almbench import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from generate import write_conformance, write_pages  # noqa: E402

write_pages(HERE / "reference")
write_conformance(HERE / "reference")

project = "almbench"
author = "The almbench contributors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"almbench {release}"

default_role = "literal"  # in docstrings, a single backtick marks code
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
myst_heading_anchors = 3


OUTSIDE = r"(?<!!)\[([^]]+)\]\((?:\.\./[^)]+|[A-Z]+)\)"


def _unlink(_app: Sphinx, _document: str, source: list[str]) -> None:
    """Links to files of the checkout that are no pages of this site are text here."""
    source[0] = re.sub(OUTSIDE, r"\1", source[0])


def _unlink_included(app: Sphinx, _path: Path, document: str, source: list[str]) -> None:
    _unlink(app, document, source)


def setup(app: Sphinx) -> None:
    """Add what this project needs."""
    app.connect("source-read", _unlink)
    app.connect("include-read", _unlink_included)
