"""Extra pages of a suite: Markdown, in which HTML is text."""

from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

TEXTS = {"text", "code_inline"}


def parser() -> MarkdownIt:
    """The parser: CommonMark with tables; HTML is shown as text, `javascript:` links are none."""
    return MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")


def tokens(parsed: list[Token]) -> Iterator[Token]:
    """All tokens of a text, those within lines too."""
    for token in parsed:
        yield token
        yield from tokens(token.children or [])


def picture_path(source: str) -> str:
    """The path of a picture that lies beside the page; empty for an address on the web."""
    parts = urlsplit(source)
    return "" if parts.scheme or parts.netloc or parts.path.startswith("/") else unquote(parts.path)


def pictures(text: str) -> list[str]:
    """The paths of the pictures that a page shows and that lie beside it."""
    found = [
        picture_path(str(token.attrs["src"]))
        for token in tokens(parser().parse(text))
        if token.type == "image"
    ]
    return [path for path in dict.fromkeys(found) if path]


def title(text: str) -> str:
    """The first heading of a page; empty where it has none."""
    parsed = parser().parse(text)
    for token, after in pairwise(parsed):
        if token.type == "heading_open":
            return "".join(t.content for t in tokens(after.children or []) if t.type in TEXTS)
    return ""
