"""Good files made bad: hypothesis strategies that change a few things in a file's content."""

import csv
import io
import json
import tomllib
from collections.abc import Callable
from typing import Any

import tomli_w
from hypothesis import strategies as st

Content = st.SearchStrategy[bytes]
Style = Callable[[bytes], Content]

MOST = 4  # edits of a case
HEAD = 128  # bytes in which headers lie, and which are edited more often
WORDS = [
    bytes(4),
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x01",
    b"\x80",
    bytes(64),
]
TOKENS = [
    *'"\'\n\r[]{}=,;:#\\%\x00-.', "\ufeff", "é", "\u202e", "../../x", "/dev/zero", "1e999", "-1",
    "nan", "null", "true", "9" * 5000, "[" * 5000, '{"a":' * 2000, "a" * 300, "{x}", "{{", "0.4",
    "9223372036854775808", "1979-05-27", "=cmd()", "<script>",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 0, 0.4, 10**40, 2**63, 1e308, float("nan"), float("inf"), "", "..", "../../x",
    "\x00", "a/b", "x" * 400, "nan", "é", "\u202e<b>", [], {}, [[[]]], {"": {}}, [None] * 50,
]  # fmt: skip
# Stand for what JSON can say and Python does not write.
MARKS = {"@deep": "[" * 5000, "@digits": "9" * 5000, "@huge": "1e999"}
VALUES += MARKS
NUMBERS = st.integers() | st.floats()
PLACES = st.integers(0, HEAD) | st.integers(0, 2**24)


def as_bytes(good: bytes) -> Content:
    """Bytes set, put in, taken out, or the end cut off."""
    edit = st.tuples(
        st.sampled_from(["set", "set", "insert", "delete", "cut", "double"]),
        PLACES,
        st.integers(1, 32),
        st.sampled_from(WORDS) | st.binary(min_size=1, max_size=8),
    )
    return st.lists(edit, min_size=1, max_size=MOST).map(lambda edits: _bytes(good, edits))


def _bytes(good: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    content = bytearray(good)
    for kind, place, length, put in edits:
        at = place % (len(content) + 1)
        end = {"set": at + len(put), "delete": at + length, "cut": len(content)}.get(kind, at)
        twice = bytes(content[at : at + length])
        content[at:end] = {"set": put, "insert": put, "double": twice}.get(kind, b"")
    return bytes(content)


def as_text(good: bytes) -> Content:
    """Odd letters and words put into a text, or in place of a part of it."""
    text = good.decode()
    put = st.sampled_from(TOKENS) | st.text(max_size=4)
    edit = st.tuples(st.integers(0, 2**24), st.integers(0, 6), put)
    return st.lists(edit, min_size=1, max_size=2).map(lambda edits: _text(text, edits))


def _text(text: str, edits: list[tuple[int, int, str]]) -> bytes:
    for place, length, put in edits:
        at = place % (len(text) + 1)
        text = text[:at] + put + text[at + length :]
    return text.encode(errors="surrogatepass")


def as_json(good: bytes) -> Content:
    """A value changed, taken out or doubled somewhere in a JSON file; or changed as a text."""
    data = json.loads(good)
    return _mostly(_changed(data).map(_json), good)


def _json(data: Any) -> bytes:
    text = json.dumps(data)
    for mark, token in MARKS.items():
        text = text.replace(json.dumps(mark), token)
    return text.encode()


def as_json_lines(good: bytes) -> Content:
    """A line changed as JSON, or the whole as a text."""
    lines = good.splitlines()

    def with_line(at: int) -> Content:
        before, after = lines[:at], lines[at + 1 :]
        return as_json(lines[at]).map(lambda line: b"\n".join([*before, line, *after, b""]))

    return st.integers(0, len(lines) - 1).flatmap(with_line)


def as_toml(good: bytes) -> Content:
    """As JSON, where TOML has such values; or as a text."""

    def dump(data: Any) -> bytes:
        try:
            return tomli_w.dumps(data).encode()
        except (TypeError, ValueError, AttributeError):  # it has no null
            return good.replace(b"=", b"= null", 1)

    return _mostly(_changed(tomllib.loads(good.decode())).map(dump), good)


def as_csv(good: bytes) -> Content:
    """Cells changed, columns and rows taken out or doubled; or changed as a text."""
    table = list(csv.reader(io.StringIO(good.decode())))
    edit = st.tuples(
        st.sampled_from(["set", "set", "set", "column", "row", "double"]),
        st.integers(0, 2**16),
        st.integers(0, 2**16),
        st.sampled_from(TOKENS) | NUMBERS.map(str) | st.text(max_size=4),
    )
    edits = st.lists(edit, min_size=1, max_size=MOST)
    return _mostly(edits.map(lambda e: _csv([list(row) for row in table], e)), good)


def _mostly(structure: Content, good: bytes) -> Content:
    """As a file of its form, or sometimes as a text, which then rarely has that form."""
    return st.integers(0, 3).flatmap(lambda n: structure if n else as_text(good))


def _csv(table: list[list[str]], edits: list[tuple[str, int, int, str]]) -> bytes:
    for kind, down, right, put in edits:
        row = table[down % len(table)]
        at = right % max(1, len(row))
        if kind == "set" and row:
            row[at] = put
        elif kind == "column":
            table = [[*cells[:at], *cells[at + 1 :]] for cells in table]
        elif kind == "double":
            table.append(list(row))
        elif len(table) > 1:
            table.remove(row)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue().encode(errors="surrogatepass")


def _changed(data: Any) -> st.SearchStrategy[Any]:
    change = st.tuples(
        st.lists(st.integers(0, 2**16), max_size=8),
        st.sampled_from(["set", "set", "set", "delete", "double", "rename"]),
        st.sampled_from(VALUES) | NUMBERS | st.text(max_size=6),
    )

    def apply(changes: list[tuple[list[int], str, Any]]) -> Any:
        changed = data
        for way, kind, value in changes:
            changed = _change(changed, way, kind, value)
        return changed

    return st.lists(change, min_size=1, max_size=2).map(apply)


def _change(data: Any, way: list[int], kind: str, value: Any) -> Any:
    """Go down by the numbers of the way, and change what is there."""
    if not way or not isinstance(data, dict | list) or not data:
        return value
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    key = keys[way[0] % len(keys)]
    last = len(way) == 1 or not isinstance(data[key], dict | list) or not data[key]
    if isinstance(data, list):
        items = list(data)
        if last and kind == "delete":
            del items[key]
        elif last and kind in {"double", "rename"}:
            items.insert(key, items[key])
        else:
            items[key] = _change(items[key], way[1:], kind, value)
        return items
    if last and kind == "delete":
        return {k: v for k, v in data.items() if k != key}
    if last and kind == "rename":
        return {(f"{value}" if k == key else k): v for k, v in data.items()}
    if last and kind == "double":
        return {**data, f"{key}2": data[key]}
    return {**data, key: _change(data[key], way[1:], kind, value)}
