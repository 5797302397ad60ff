import http.client
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.site import serve as serve_module
from almbench.site.serve import serve_site

Serve = Callable[[Path], tuple[subprocess.Popen[str], int]]


@pytest.fixture(scope="module")
def port(site: Path, serve: Serve) -> int:
    return serve(site)[1]


@pytest.fixture(scope="module")
def sound(site: Path) -> str:
    """A sound's address."""
    return f"audio/{min(path.name for path in (site / 'audio').iterdir())}"


def get(
    port: int, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        method, f"/{path}", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


def test_pages_and_types(port: int, sound: str) -> None:
    status, headers, body = get(port, "")
    assert (status, headers["content-type"]) == (200, "text/html")
    assert body.startswith(b"<!doctype html>")
    assert get(port, sound)[1]["content-type"] == "audio/flac"
    assert get(port, "static/favicon.svg")[1]["content-type"] == "image/svg+xml"
    assert get(port, "data/small/clips.csv")[1]["content-type"].startswith("text/csv")
    assert get(port, "nothing.html")[0] == 404
    assert get(port, "../run/manifest.json")[0] == 404
    assert get(port, "%2e%2e/%2e%2e/etc/passwd")[0] == 404


def test_ranges(site: Path, port: int, sound: str) -> None:
    whole = (site / sound).read_bytes()
    size = len(whole)
    cases = {
        "bytes=0-0": (0, 1),
        "bytes=10-19": (10, 20),
        "bytes=100-": (100, size),
        "bytes=-7": (size - 7, size),
        f"bytes=-{size + 5}": (0, size),
        f"bytes=5-{size + 100}": (5, size),
    }
    for wanted, (start_, stop) in cases.items():
        status, headers, body = get(port, sound, Range=wanted)
        assert status == 206, wanted
        assert headers["content-range"] == f"bytes {start_}-{stop - 1}/{size}"
        assert headers["content-length"] == str(stop - start_)
        assert headers["content-type"] == "audio/flac"
        assert body == whole[start_:stop]
    status, headers, body = get(port, sound, "HEAD", Range="bytes=0-9")
    assert (status, headers["content-length"], body) == (206, "10", b"")


def test_ranges_that_cannot_be(site: Path, port: int, sound: str) -> None:
    size = (site / sound).stat().st_size
    for wanted in (f"bytes={size}-", f"bytes={size + 10}-{size + 20}", "bytes=-0"):
        status, headers, body = get(port, sound, Range=wanted)
        assert (status, headers["content-range"], body) == (416, f"bytes */{size}", b"")


def test_headers_that_are_to_be_ignored_give_the_whole(site: Path, port: int, sound: str) -> None:
    whole = (site / sound).read_bytes()
    for wanted in ("bytes=9-5", "bytes=-", "lines=0-1", "bytes=0-1,3-4", "bytes=a-b", ""):
        status, headers, body = get(port, sound, Range=wanted)
        assert status == 200, wanted
        assert headers["accept-ranges"] == "bytes"
        assert body == whole


def test_a_range_holds_only_for_the_version_that_was_asked_for(port: int, sound: str) -> None:
    modified = get(port, sound)[1]["last-modified"]
    assert get(port, sound, Range="bytes=0-9", If_Range=modified)[0] == 206
    assert get(port, sound, Range="bytes=0-9", If_Range="Thu, 01 Jan 1970 00:00:00 GMT")[0] == 200


def test_ctrl_c_ends_it_quietly(site: Path, serve: Serve) -> None:
    process, port = serve(site)
    assert get(port, "")[0] == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert (out, err) == ("", "")


def test_mistakes_are_named_with_their_cure(site: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="bench site RUN"):
        serve_site(tmp_path / "nothing", 0)
    with pytest.raises(UserError, match=r"no site in .*bench site RUN"):
        serve_site(tmp_path, 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {number} is in use.*--port 0"):
            serve_site(site, number)


def test_odd_requests_are_answered_without_a_traceback(site: Path, serve: Serve) -> None:
    process, port = serve(site)
    (site / "leak.txt").symlink_to("/etc/hostname")
    (site / "folder").mkdir()
    (site / "folder" / "file.txt").write_text("own")
    (site / ".hidden").write_text("not a page")
    for path in ("%00", "a%00b.html", "leak.txt", "folder/", "audio/", ".hidden", ".almbench-site",
                 "x" * 5000, "%ff%fe", "?" + "y" * 500 + "/../..", "//etc/hostname"):  # fmt: skip
        status = get(port, path)[0]
        assert status == (200 if path.startswith("?") else 404), path
    assert get(port, "folder/file.txt")[2] == b"own"
    whole = (site / "index.html").read_bytes()
    for digits in ("9" * 5000, "\u0663"):
        wanted = f"bytes={digits}-".encode().decode("latin-1")
        assert get(port, "index.html", Range=wanted)[::2] == (200, whole)
    for host, expected in (
        ("localhost", 200), (f"127.0.0.1:{port}", 200), ("LOCALHOST:80", 200),
        ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("", 403),
    ):  # fmt: skip
        assert get(port, "", Host=host)[0] == expected, host
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10) == ("", "")


def test_many_at_once_are_all_answered(port: int) -> None:
    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(lambda _: get(port, "index.html")[0], range(500)))
    assert statuses == [200] * 500


def test_slow_clients_keep_nobody_waiting_and_are_cut(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_module._Handler, "timeout", 0.5)
    with serve_module._server(site, 0) as server, ExitStack() as stack:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        clients = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
            )
            for _ in range(200)
        ]
        for number, client in enumerate(clients):  # a word, half a request, or one and no reading
            client.sendall([b"", b"GET / HT", b"GET /index.html HTTP/1.1\r\n\r\n" * 50][number % 3])
        assert get(server.server_port, "")[0] == 200
        for client in clients[:2]:
            assert client.recv(1) == b"", "a silent connection is closed"
