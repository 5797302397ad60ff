"""Kinds that go between programs: requests to `bench serve`, and what an external worker gives."""

import json
import socket
import sys
import threading
from functools import cache
from pathlib import Path

import numpy as np
import soundfile as sf
from hypothesis import strategies as st

from almbench.codecs.external import External
from almbench.codecs.registry import create
from almbench.site.serve import _server
from tests.fuzz.cases import Kind
from tests.fuzz.edits import TOKENS, as_bytes, as_json, as_text

RATE = 8000
LENGTH = 800
REQUEST = (
    "GET /sub/page.html?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-9\r\n"
    "If-Range: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: close\r\n\r\n"
)
SECRET = b"what no request may get"
# Answers each request by what lies in a folder; a line of an answer is taken as it is.
WORKER = """
import json, pathlib, shutil, sys
held = pathlib.Path(sys.argv[1])
sys.stdin.readline()
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    for name, file in (("decoded", "decoded.wav"), ("codes", "codes.npy")):
        if (held / file).exists():
            shutil.copy(held / file, request[name])
    answer = (held / "answer.json").read_bytes()
    sys.stdout.buffer.write(answer.replace(b'"ID"', json.dumps(request["id"]).encode()) + b"\\n")
    sys.stdout.buffer.flush()
"""


def _make_site(folder: Path) -> None:
    (folder / "site" / "sub").mkdir(parents=True)
    (folder / "site" / "index.html").write_text("<!doctype html>")
    (folder / "site" / "sub" / "page.html").write_text("x" * 100)
    (folder / "secret.txt").write_bytes(SECRET)
    (folder / "site" / "link.txt").symlink_to(folder / "secret.txt")
    (folder / "request").write_bytes(REQUEST.encode())


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    """A request of any method, path and headers."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "", "G" * 70_000]))
    parts = st.sampled_from(
        ["..", "%2e%2e", "sub", "page.html", "", "%00", "link.txt", "secret.txt", "\\..", ".hidden",
         "a" * 5000, "%ff", "//etc", *TOKENS]
    )  # fmt: skip
    path = "/" + "/".join(draw(st.lists(parts, max_size=5)))
    names = st.sampled_from(["Range", "Host", "If-Range", "Content-Length", "If-Modified-Since",
                             "Transfer-Encoding", "Expect", "Connection", "X"])  # fmt: skip
    values = st.sampled_from(
        ["bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-" + "9" * 18, "bytes=" + "1-2," * 500,
         "localhost", "evil.example", "chunked", "100-continue", "close", "-1", "9" * 30,
         "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Jan 99999 00:00:00 GMT", *TOKENS]
    )  # fmt: skip
    headers = draw(st.lists(st.tuples(names, values), max_size=6))
    version = draw(st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/9.9", "", "x"]))
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode(errors="replace")


@cache
def _serving(site: Path) -> tuple[int, list[str]]:
    """Serve a site for as long as this process is; its port, and what went wrong."""
    server = _server(site, 0)
    wrong: list[str] = []

    def handle_error(request: object, address: object) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            wrong.append(f"{type(error).__name__}: {error}")

    server.handle_error = handle_error  # type: ignore[method-assign, assignment]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port, wrong


def _ask(folder: Path, out: Path, name: str) -> None:
    port, wrong = _serving(folder / "site")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        answer = b""
        try:
            client.sendall((folder / "request").read_bytes())
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(2**16):
                answer += part
        except OSError:  # it has closed the connection
            answer = answer or b"HTTP closed"
    assert not wrong, wrong.pop()
    assert SECRET not in answer
    assert b"Traceback" not in answer


def _make_worker(folder: Path) -> None:
    (folder / "worker.py").write_text(WORKER)
    held = folder / "held"
    held.mkdir()
    sf.write(held / "decoded.wav", np.linspace(-0.5, 0.5, LENGTH), RATE, subtype="FLOAT")
    np.save(held / "codes.npy", np.arange(16).reshape(2, 8) % 4)
    answer = {"id": "ID", "encode_s": 0.25, "decode_s": 0.5, "bits": 100}
    (held / "answer.json").write_text(json.dumps(answer))


@cache
def _worker(folder: Path) -> External:
    options = {
        "command": [sys.executable, "-S", str(folder / "worker.py"), str(folder / "held")],
        "sample_rate": RATE, "frame_rate": 80, "codebook_sizes": [16, 4], "timeout_s": 5,
    }  # fmt: skip
    codec = create("worker", "Worker", "external", options)
    assert isinstance(codec, External)
    codec.load("cpu")
    return codec


def _code(folder: Path, out: Path, name: str) -> None:
    codec = _worker(folder)
    codec._broken = None
    encoded = codec.encode([np.linspace(-0.5, 0.5, LENGTH)], RATE)
    codec.decode(encoded, RATE)


KINDS = [
    Kind("bench serve", _make_site, _ask, {"request": as_text}, {"request": [_requests()]}),
    Kind("workers' output", _make_worker, _code,
         {"held/decoded.wav": as_bytes, "held/codes.npy": as_bytes, "held/answer.json": as_json},
         programs=True, cost=4),
]  # fmt: skip
