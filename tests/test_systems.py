"""What other systems lack or forbid, as far as it shows on this one."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from almbench.codecs.codec2 import Codec2
from almbench.names import is_portable
from almbench.runner.work import _peak_memory
from tests.conftest import ROOT, SHIPPED

UNIX_MODULES = ["fcntl", "grp", "posix_ipc", "pty", "pwd", "resource", "syslog", "termios", "tty"]
UNIX_NAMES = {
    "os": ["fork", "forkpty", "geteuid", "getuid", "killpg", "mkfifo", "sched_getaffinity"],
    "signal": ["SIGKILL", "SIGHUP", "SIGALRM", "pthread_sigmask"],
}
# Modules of extras that are not installed are left out, not those that fail for another reason.
PROGRAM = """
import importlib, os, pkgutil, signal, sys
blocked = set(sys.argv[1].split(","))
for name in blocked:  # those that Python itself needs on this system are loaded by now
    sys.modules.pop(name, None)

class Blocker:
    def find_spec(self, name, path=None, target=None):
        # Other packages know what their system has; what is asked of almbench is its own part.
        frame = sys._getframe(1)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if name in blocked and frame and frame.f_globals.get("__name__", "").startswith("almbench"):
            raise ImportError(name)

sys.meta_path.insert(0, Blocker())
import almbench
count = 0
for module in pkgutil.walk_packages(almbench.__path__, "almbench."):
    if ".workers." in module.name or module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] in {"almbench", *blocked}:
            raise
    count += 1
    for name in blocked:
        sys.modules.pop(name, None)
print(count)
"""


def _python_files() -> list[Path]:
    return [path for name in SHIPPED for path in (ROOT / name).rglob("*.py")]


@pytest.mark.slow
def test_no_module_needs_a_module_of_unix_to_be_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(UNIX_MODULES)],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 150


def test_modules_of_unix_are_imported_only_where_they_are_used() -> None:
    for path in _python_files():
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]):  # not indented: at the module's level
                assert line[0] == " " or words[1] not in UNIX_MODULES, f"{path}: {line}"


def test_without_the_functions_of_unix_modules_load_and_say_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, names in UNIX_NAMES.items():
        for name in names:
            monkeypatch.delattr({"os": os, "signal": signal}[module], name, raising=False)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert _peak_memory() is None
    if find_spec("pycodec2"):
        assert "by fork, which this system does not have" in str(Codec2.missing())


@pytest.mark.parametrize(
    "name",
    ["CON", "nul", "com1", "COM¹", "lpt9.wav", "aux.tar.gz", "a.", "a ", "C:", "a:b", "prn."],
)
def test_names_that_windows_forbids(name: str) -> None:
    assert not is_portable(name)


@pytest.mark.parametrize("name", ["console", "com", "com10", "a.b", ".a", "auxiliary", "-", "模型"])
def test_names_that_windows_allows(name: str) -> None:
    assert is_portable(name)
