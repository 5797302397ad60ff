"""A hub on this machine: what the hub's own client asks for, and what can go wrong on the way."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class LocalHub(ThreadingHTTPServer):
    """Serves files of one repository as the hub does, at any commit that is asked for.

    Attributes:
        repository: Its id.
        files: Content by name.
        token: What a request must bear; empty where none is asked for.
        breaks: After how many bytes of a file the connection ends, once for each number.
        asked: Method, path, and range of each request.
    """

    daemon_threads = True

    def __init__(self, repository: str, files: dict[str, bytes]) -> None:
        """Listen on a free port of this machine."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repository = repository
        self.files = files
        self.token = ""
        self.breaks: list[int] = []
        self.asked: list[tuple[str, str, str]] = []

    @property
    def address(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def local_hub(repository: str, files: dict[str, bytes]) -> Iterator[LocalHub]:
    """Serve while the block runs."""
    with LocalHub(repository, files) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LocalHub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, *, body: bool) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append((self.command, self.path, asked))
        found = re.fullmatch(r"/(.+)/resolve/([^/]+)/(.+)", self.path)
        if not found:
            self._send(200 if self.path == "/" else 404)
        elif self.server.token and self.headers.get("Authorization") != (
            f"Bearer {self.server.token}"
        ):
            self._send(401, {"X-Error-Code": "RepoNotFound"})
        elif found[1] != self.server.repository:
            self._send(404, {"X-Error-Code": "RepoNotFound"})
        elif (content := self.server.files.get(found[3])) is None:
            self._send(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": found[2]})
        else:
            self._file(content, found[2], asked, body=body)

    def _file(self, content: bytes, revision: str, asked: str, *, body: bool) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        headers = {"X-Repo-Commit": revision, "ETag": tag}
        first = re.match(r"bytes=(\d+)-", asked)
        begin = int(first[1]) if first else 0
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        part = content[begin:]
        self._send(206 if begin else 200, headers, len(part))
        if body and self.server.breaks and len(part) > self.server.breaks[0]:
            self.wfile.write(part[: self.server.breaks.pop(0)])
            self.close_connection = True
        elif body:
            self.wfile.write(part)

    def _send(self, status: int, headers: dict[str, str] | None = None, length: int = 0) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
