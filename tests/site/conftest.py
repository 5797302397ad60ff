"""What the tests of the site share: small runs made by the program, and a browser."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf

from almbench.runner.run import run_suite
from almbench.site.build import build_site
from almbench.suite.load import load_suite

Serve = Callable[[Path], tuple[subprocess.Popen[str], int]]
# The shell has no windows, which take most of a page's time; it is the same browser otherwise.
CHROMIUM = ("chromium-headless-shell", "chromium")
HOSTILE = "<script>alert(1)</script>"
QUOTES = "\"double\" 'single' & <b>bold</b> 😀 שלום"

SUITE = """
name = "small"
title = "Small & <quick>"
description = "First paragraph.\\n\\nSecond paragraph."
[[testset]]
name = "talk"
domain = "speech"
path = "clips.csv"
[[testset]]
name = "noise"
domain = "sound"
path = "clips.csv"
[[codec]]
id = "opus-6"
[[codec]]
id = "opus-24"
[[codec]]
id = "lowpass-3.5"
[metrics]
speech = ["stoi", "mel_distance", "gain_db"]
sound = ["mel_distance", "gain_db"]
"""

ENDS_SCRIPT = "</script><!-- ${x} `y` \u2028 --><img src=x onerror=alert(1)>"
ENDS_SPEECH = "\u202e\u2067right to left"  # left open, as a careless copy would

NASTY = f"""
name = "small"
title = '''{HOSTILE} {QUOTES}'''
description = '''{HOSTILE}'''
authors = ['''{HOSTILE}''', '''{ENDS_SPEECH}''']
url = "https://example.org/a&b"
citation = '''{ENDS_SCRIPT} {"c" * 300}'''
[[published]]
codec = "opus-6"
testset = "One.set"
metric = "mel_distance"
value = 1.25
source = '''{ENDS_SCRIPT} {QUOTES}'''
[[testset]]
name = "One.set"
domain = "speech"
path = "nasty.csv"
[[codec]]
id = "opus-6"
label = '''{HOSTILE} {QUOTES}'''
[[codec]]
id = "opus-24"
label = '''{"long" * 75} $x^2$ {ENDS_SPEECH}'''
[[codec]]
id = "ready"
adapter = "reconstructions"
options = {{ path = "ready" }}
[metrics]
speech = ["mel_distance"]
"""


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Path:
    """Two clips of 1.5 s, a file that is empty, and suites over them."""
    folder = tmp_path_factory.mktemp("data")
    for name, path in zip(["a", "b"], speech, strict=False):
        samples, rate = sf.read(path, dtype="int16")
        sf.write(folder / f"{name}.wav", samples[: int(1.5 * rate)], rate)
    (folder / "empty.wav").touch()
    (folder / "ready").mkdir()
    samples, rate = sf.read(folder / "a.wav", dtype="int16")
    sf.write(folder / "ready" / "_x.wav", samples, rate)
    (folder / "clips.csv").write_text(
        "path,speaker,text\na.wav,s1,What is said in a.\nb.wav,s2,What is said in b.\n"
    )
    quoted = QUOTES.replace('"', '""')
    (folder / "nasty.csv").write_text(
        f'id,path,speaker,text\n{HOSTILE},a.wav,"{HOSTILE}","{quoted}"\n'
        f"_x,a.wav,,{HOSTILE}\nשלום #?%20,b.wav,,{'word ' * 80}{ENDS_SPEECH}{ENDS_SCRIPT}\n"
        "broken,empty.wav,,\n"
    )
    (folder / "suite.toml").write_text(SUITE)
    (folder / "nasty.toml").write_text(NASTY)
    return folder


@pytest.fixture(scope="session")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two test sets, two clips each, and three codecs."""
    root = tmp_path_factory.mktemp("runs") / "run"
    run_suite(load_suite(str(data / "suite.toml")), root, "cpu", 1)
    return root


@pytest.fixture(scope="session")
def nasty(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose names, texts and clips are as bad as they can be."""
    root = tmp_path_factory.mktemp("runs") / "nasty"
    run_suite(load_suite(str(data / "nasty.toml")), root, "cpu", 1)
    return root


@pytest.fixture(scope="session")
def site(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `run`."""
    return build_site([run], tmp_path_factory.mktemp("sites") / "one").parent


@pytest.fixture(scope="session")
def nasty_site(nasty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `nasty`."""
    return build_site([nasty], tmp_path_factory.mktemp("sites") / "nasty").parent


@pytest.fixture(scope="session")
def joint_site(run: Path, nasty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of both runs, whose suites share a name."""
    return build_site([run, nasty], tmp_path_factory.mktemp("sites") / "joint").parent


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Serve a site as a user does, on a free port; returns the process and the port."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path) -> tuple[subprocess.Popen[str], int]:
        command = [str(Path(sys.executable).with_name("bench")), "serve", str(folder)]
        process = subprocess.Popen(
            [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        return process, int(line.partition("127.0.0.1:")[2].partition("/")[0])

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real Chromium."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip(f"there is no Chromium here: apt-get install {CHROMIUM[0]}")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=found,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        yield chromium
        chromium.close()
