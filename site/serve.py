"""Previews a site on this machine."""

import errno
import io
import re
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from almbench.errors import UserError


def serve_site(folder: Path, port: int) -> None:
    """Serve a site on 127.0.0.1 until Ctrl-C.

    Args:
        folder: Folder of the site.
        port: Port; 0 takes a free one.

    Raises:
        UserError: There is no site in the folder, or the port cannot be had.
    """
    if not (folder / "index.html").is_file():
        raise UserError(f"There is no site in {folder}. Make one with: bench site RUN -o {folder}")
    with _server(folder, port) as server:
        print(
            f"Serving {folder} at http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


class _Server(ThreadingHTTPServer):
    request_queue_size = 2048  # connections that wait to be taken


def _server(folder: Path, port: int) -> ThreadingHTTPServer:
    try:
        return _Server(("127.0.0.1", port), partial(_Handler, directory=str(folder.resolve())))
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        why = "is in use" if error.errno == errno.EADDRINUSE else "is reserved for the system"
        raise UserError(
            f"Port {port} {why}. Choose another with --port, or let --port 0 take a free one."
        ) from error


class _Handler(SimpleHTTPRequestHandler):
    """Files, with the byte ranges that browsers ask for to seek in audio (RFC 9110, section 14).

    Nothing but the site's own files: no listings, no hidden files, no links that lead elsewhere.
    Only who names this machine as host is answered, so that no page of another site, whose name is
    made to lead here, can read it (DNS rebinding).
    """

    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a connection may be silent
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".flac": "audio/flac",
        ".csv": "text/csv; charset=utf-8",
        ".tex": "text/plain; charset=utf-8",
    }

    def send_head(self) -> IO[bytes] | io.BytesIO | None:  # type: ignore[override]
        host = self.headers.get("Host", "localhost")
        if not re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", host, re.IGNORECASE):
            self.send_error(HTTPStatus.FORBIDDEN, "Only localhost and 127.0.0.1 are served")
            return None
        path = self._own_file()
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        wanted = self.headers.get("Range")
        if not wanted or not path.is_file():
            return super().send_head()
        size, modified = path.stat().st_size, self.date_time_string(path.stat().st_mtime)
        span = _span(wanted, size)
        if span is None or self.headers.get("If-Range", modified) != modified:
            return super().send_head()
        if not span:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        with path.open("rb") as file:
            file.seek(span.start)
            content = file.read(len(span))
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {span.start}-{span.stop - 1}/{size}")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", modified)
        self.end_headers()
        return io.BytesIO(content)

    def _own_file(self) -> Path | None:
        """The file or folder of the site that is asked for, if it is one."""
        root = Path(self.directory)
        path = Path(self.translate_path(self.path))
        inside = path.relative_to(root).parts if path.is_relative_to(root) else (".",)
        if any(part.startswith(".") for part in inside):
            return None
        try:
            found = path.is_file() or (path / "index.html").is_file()
            return path if found and path.resolve().is_relative_to(root) else None
        except (ValueError, OSError):  # a NUL, or a name that no file can have
            return None

    def list_directory(self, path: Any) -> None:
        """List no folder."""
        del path
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-cache")  # a site built anew shows at once
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        try:
            super().copyfile(source, outputfile)
        except ConnectionError:  # players break off as soon as they have what they need
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def _span(header: str, size: int) -> range | None:
    """The bytes that a Range header asks for.

    Returns:
        The range; empty where the file has no such bytes; None for a header that is to be
        ignored, such as one of several ranges.
    """
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last or size), size - 1) + 1)
