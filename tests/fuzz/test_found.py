"""What the fuzzers found, and was mended: small inputs that must be taken or refused in a line."""

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from almbench.site.output import FOLDERS, MARKER
from tests.fuzz.cases import Case, Ground
from tests.fuzz.checkpoints import TINY
from tests.fuzz.registry import KINDS


def npz(header: bytes, name: str = "codes.npy", compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with one array of this header."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        size = len(header).to_bytes(2, "little")
        archive.writestr(name, b"\x93NUMPY\x01\x00" + size + header)
    return out.getvalue()


def flags(content: bytes, bits: int) -> bytes:
    """An archive whose first member has flags that zipfile does not know."""
    at = content.index(b"PK\x01\x02") + 8
    torn = bytearray(content)
    torn[6] |= bits
    torn[at] |= bits
    return bytes(torn)


def config(**changes: Any) -> bytes:
    """The configuration of a small ALMTokenizer, with changes."""
    return json.dumps({"model": "almtokenizer", "format": 1, **TINY, **changes}).encode()


HUGE = b"{'descr': '<i8', 'fortran_order': False, 'shape': (311811940421280,)}\n"
FACT = "frame_rate.npy"
FOUND = [
    ("CSV manifests", "clips.csv", b"path,id\n.,\n"),
    ("CSV manifests", "clips.csv", b"path,id\n,x\n"),
    ("CSV manifests", "clips.csv", b'path,id\n"a\x00.wav",x\n'),
    ("CSV manifests", "clips.csv", b"path,id\n,x\n,y\n"),
    ("CSV manifests", "clips.csv", b"p" * 5000 + b"\na.wav\n"),
    ("galleries", f"site/{FOLDERS}", b'["a\\u0000b"]'),
    ("galleries", f"site/{FOLDERS}", b"null"),
    ("galleries", f"site/{FOLDERS}", b"[[1]]"),
    ("galleries", f"site/{FOLDERS}", b"[" * 100_000),
    ("galleries", f"site/{MARKER}", b"a\x00b\nindex.html\n"),
    ("galleries", f"site/{MARKER}", b"\xff\xfe\nold.html\n\n.\n..\n/etc\n"),
    ("galleries", f"site/{MARKER}", b"x/../../../good/run/file\n"),
    ("codes .npz", "stored.npz", npz(b"{'descr': (((\n")),
    ("codes .npz", "stored.npz", npz(b"{'a\x00': 1}\n")),
    ("codes .npz", "stored.npz", npz(HUGE, FACT)),
    ("codes .npz", "stored.npz", flags(npz(HUGE, FACT), 0x20)),
    ("codes .npz", "stored.npz", npz(HUGE, FACT, zipfile.ZIP_DEFLATED).replace(b"NUMPY", b"N")),
    ("codes .npz", "stored.npz", b"PK" + bytes(5000)),
    ("listeners' JSON", "a1.json", b'{"format": "almbench-listening-1", "kind": "abx", "seed": '
     + b"9" * 5000 + b"}"),
    ("listeners' JSON", "a1.json", b'{"format": "almbench-listening-1", "kind": "' + b"x" * 5000
     + b'"}'),
    ("bench import", "superb.json", b'{"a": ' + b"[" * 5000),
    ("bench import", "superb.json", b'{"a": {"pesq": ' + b"9" * 5000 + b"}}"),
    ("bench import", "versa.jsonl", b'{"key": "a", "x": 1}\n{"key": ' + b"[" * 5000),
    ("bench import", "versa.jsonl", b'{"key": "a", "x": ' + b"9" * 5000 + b"}\n{}"),
    ("workers' output", "held/answer.json", b'{"id": ' + b"[" * 5000),
    ("checkpoints", "old.ckpt", b"\x80\x02h\x05."),
    ("checkpoints", "config.json", b"[" * 100_000),
    ("checkpoints", "config.json", config(decoder_layers=1.6e16)),
    ("checkpoints", "config.json", config(codebook_size=2**24, width=2**14, head_width=2**14)),
    ("checkpoints", "config.json", config(**{"x" * 5000: 1})),
    ("checkpoints", "old.ckpt", b"\x80\x020."),
    ("suite TOML", "suite.toml", b'name = "' + b"x" * 5000 + b'"\n"a\\nb" = 1\n'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "content"), FOUND, ids=range(len(FOUND)))
def test_what_was_found_once(
    kind: str, name: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("ALMBENCH_HOME", str(tmp_path / "tmp" / "home"))
    chosen = next(one for one in KINDS if one.name == kind)
    outcome = Ground(chosen, tmp_path).try_(Case(name, content))
    assert not outcome.fault, outcome.told
