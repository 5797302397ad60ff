"""The listening pages in Firefox, driven by the tests of tests/js/firefox.js."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1] / "js"
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
Serve = Callable[[Path], tuple[subprocess.Popen[str], int]]


@pytest.fixture
def speakers(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Speakers that nobody hears, without which Firefox plays nothing; gives the environment."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("there is no sound server here: apt-get install pulseaudio")
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    env |= {"PULSE_SERVER": f"unix:{tmp_path}/speakers"}
    command = [
        "pulseaudio",
        "-n",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--load=module-null-sink",
    ]
    command.append(
        f"--load=module-native-protocol-unix socket={tmp_path}/speakers auth-anonymous=1"
    )
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if (tmp_path / "speakers").exists():
            break
        time.sleep(0.1)
    yield env
    process.kill()
    process.wait()


@pytest.mark.slow
def test_the_listening_pages_work_in_firefox(
    site: Path, serve: Serve, speakers: dict[str, str]
) -> None:
    if FIREFOX is None:
        pytest.skip("there is no Firefox here: apt-get install firefox-esr")
    if not (TESTS / "node_modules" / "puppeteer-core").is_dir():
        pytest.skip("the packages of tests/js are missing: run `npm ci` there")
    address = f"http://127.0.0.1:{serve(site)[1]}"
    env = {**speakers, "FIREFOX": FIREFOX, "SERVED": address, "DISK": site.as_uri()}
    done = subprocess.run(
        ["node", "--test", "firefox.js"],
        cwd=TESTS,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 4" in done.stdout
